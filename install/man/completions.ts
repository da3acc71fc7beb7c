// Completions of sc_auth for bash, zsh and fish, made from the commands' own --help: commands, second words, options, and
// values by the word that the help has for them (USER, HASH).

import { OUTCOMES } from '../../agent/cli/audit/outcomes.ts';
import { AUDIT_KINDS } from '../../agent/model/sealed-log/audit-event.ts';
import { readCommands, type CommandHelp, type OptionHelp } from './command-help.ts';

export interface Completion {
  /** Where the package puts it. */
  readonly path: string;
  readonly text: string;
}

/** What the shell itself knows best. */
const OWN = ['USER', 'FILE', 'FOLDER'];
const SAME_AS: Readonly<Record<string, string>> = { CERTIFICATE: 'FILE' };
/** For sh: prints what there is at the moment, a line each. */
const ASKED: Readonly<Record<string, string>> = {
  HASH: '{ sc_auth list; sc_auth identities -v; } 2>/dev/null | grep -oE "[0-9A-F]{40}" | sort -u',
  TOKEN: 'sc_auth list-smartcards 2>/dev/null',
  DRIVER: 'sc_auth drivers 2>/dev/null | sed -n "s/^[ !-] *\\([^ (]*\\)(.*/\\1/p"',
  SERVICE: 'ls -1 /etc/pam.d /usr/lib/pam.d 2>/dev/null | sed "/^$/d;/[:.~]/d" | sort -u',
};

/** One thing that a command takes, under all of its names. */
interface Taken {
  readonly flags: readonly string[];
  readonly meaning: string;
  /** Kinds of values, or words as they are; empty: it takes none that can be told. */
  readonly values: readonly string[];
  readonly takesValue: boolean;
}

interface Completed extends CommandHelp {
  readonly taken: readonly Taken[];
}

/** `yes|no` is its words; `USER` is a kind; anything else can only be typed. */
function valuesOf(value: string | null, commands: readonly CommandHelp[]): string[] {
  const kind = SAME_AS[value ?? ''] ?? value ?? '';
  if (kind === 'OUTCOME') return [...OUTCOMES];
  if (kind === 'KIND') return [...AUDIT_KINDS];
  if (kind === 'COMMAND') return commands.map(({ name }) => name);
  if (OWN.includes(kind) || Object.hasOwn(ASKED, kind)) return [kind];
  return /^[a-z]+(\|[a-z]+)+$/.test(kind) ? kind.split('|') : [];
}

/** An option that a command has twice (for two of its second words) takes the values of both. */
function takenBy(options: readonly OptionHelp[], commands: readonly CommandHelp[]): Taken[] {
  const taken = new Map<string, Taken>();
  for (const { flags, meaning, value } of options) {
    const name = flags.at(-1) ?? '';
    const before = taken.get(name)?.values ?? [];
    const values = [...new Set([...before, ...valuesOf(value, commands)])];
    taken.set(name, { flags, meaning, values, takesValue: value !== null });
  }
  if (!taken.has('--help'))
    taken.set('--help', { flags: ['--help'], meaning: 'what it does', values: [], takesValue: false });
  return [...taken.values()];
}

/** A word in single quotes, for sh, bash and zsh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function cases(write: (kind: string, script: string) => string): string {
  return Object.entries(ASKED)
    .map(([kind, script]) => write(kind, script))
    .join('\n');
}

function bash(commands: readonly Completed[]): string {
  const values = commands.flatMap(({ name, taken }) =>
    taken
      .filter(({ takesValue }) => takesValue)
      .map(({ flags, values: kinds }) => {
        const at = flags.map((flag) => `${name}:${flag}`).join('|');
        return `    ${at}) kinds='${kinds.join(' ')}' ;;`;
      }),
  );
  const words = commands.map(({ name, verbs, taken }) => {
    const flags = taken.flatMap((one) => one.flags).join(' ');
    return `    ${name}) verbs='${verbs.join(' ')}' flags='${flags}' ;;`;
  });
  const operands = commands.flatMap(({ name, operand }) => {
    if (operand === null) return [];
    const at = operand.behind.length === 0 ? [`${name}:`] : operand.behind.map((verb) => `${name}:${verb}`);
    return [`    ${at.join('|')}) kinds='${valuesOf(operand.value, commands).join(' ')}' ;;`];
  });
  return `# bash completion of sc_auth. Made by install/man; change it there.
_sc_auth_values() {
  local kind
  for kind in $1; do
    case $kind in
      USER) compgen -u ;;
      FILE) compgen -f -- "$2" ;;
      FOLDER) compgen -d -- "$2" ;;
${cases((kind, script) => `      ${kind}) sh -c ${quoted(script)} ;;`)}
      *) echo "$kind" ;;
    esac
  done
}
_sc_auth() {
  local -a words=()
  local word before verbs flags kinds='' part
  # bash cuts a word at its colons, which the id of a card has.
  for part in "\${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if [[ \${#words[@]} -gt 0 && ( $part == : || ( -n $part && \${words[-1]} == *: ) ) ]]; then
      words[-1]+=$part
    else
      words+=("$part")
    fi
  done
  word=\${words[-1]} before=\${words[-2]}
  if [ "\${#words[@]}" -eq 2 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$word")
    return
  fi
  case \${words[1]} in
${words.join('\n')}
    *) verbs= flags= ;;
  esac
  case \${words[1]}:$before in
${values.join('\n')}
    *)
      if [[ $word == -* ]]; then
        kinds=$flags
      elif [ "\${#words[@]}" -eq 3 ] && [ -n "$verbs" ]; then
        kinds=$verbs
      else
        part=:
        [ -z "$verbs" ] || part=:\${words[2]}
        case \${words[1]}$part in
${operands.map((line) => `    ${line}`).join('\n')}
          *) kinds=$flags ;;
        esac
      fi
      ;;
  esac
  # No compgen -W: it would run what a card or file is called.
  COMPREPLY=()
  while IFS= read -r part; do
    [[ $part != "$word"* ]] || COMPREPLY+=("$part")
  done < <(_sc_auth_values "$kinds" "$word")
  [[ $kinds != *FILE* && $kinds != *FOLDER* ]] || compopt -o filenames 2>/dev/null
  if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${word%:*}:"}")
  fi
}
complete -F _sc_auth sc_auth
`;
}

/** A meaning for zsh: no colon or bracket may stand for itself there. */
function zshMeaning(text: string): string {
  return text
    .replace(/[[\]:\\]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function zshAction(values: readonly string[]): string {
  return values.length === 0 ? ' ' : ` _sc_auth_values ${values.join(' ')}`;
}

function zsh(commands: readonly Completed[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${zshMeaning(summary)}`)}`);
  const each = commands.map(({ name, verbs, operand, taken }) => {
    const place = verbs.length === 0 ? 1 : 2;
    const words = [
      ...(verbs.length === 0 ? [] : [quoted(`1:what:(${verbs.join(' ')})`)]),
      ...(operand === null ? [] : [quoted(`${place}:value:${zshAction(valuesOf(operand.value, commands))}`)]),
      ...taken.map(({ flags, meaning, values, takesValue }) => {
        const said = `[${zshMeaning(meaning)}]${takesValue ? `:value:${zshAction(values)}` : ''}`;
        const [only = ''] = flags;
        if (flags.length === 1) return quoted(`${only}${said}`);
        return `${quoted(`(${flags.join(' ')})`)}{${flags.join(',')}}${quoted(said)}`;
      }),
    ];
    return `    ${name}) _arguments -s ${words.join(' ')} ;;`;
  });
  return `#compdef sc_auth
# zsh completion of sc_auth. Made by install/man; change it there.
_sc_auth_values() {
  local kind
  for kind in "$@"; do
    case $kind in
      USER) _users ;;
      FILE) _files ;;
      FOLDER) _files -/ ;;
${cases((kind, script) => `      ${kind}) compadd -- \${(f)"$(sh -c ${quoted(script)})"} ;;`)}
      *) compadd -- $kind ;;
    esac
  done
}
_sc_auth() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${each.join('\n')}
  esac
}
_sc_auth "$@"
`;
}

function fishValues(values: readonly string[]): string {
  const files = values.some((value) => value === 'FILE' || value === 'FOLDER');
  const others = values.filter((value) => value !== 'FILE' && value !== 'FOLDER');
  const asked = others.length === 0 ? '' : ` -a '(__sc_auth_values ${others.join(' ')})'`;
  return files ? ` -r -F${asked}` : ` -x${asked}`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, summary, verbs, operand, taken }) => {
    const complete = `complete -c sc_auth -n '__sc_auth_at 2 ${name}`;
    const behind = operand === null ? [] : operand.behind;
    return [
      `complete -c sc_auth -n __sc_auth_at -a ${name} -d ${fishQuoted(summary)}`,
      ...(verbs.length === 0 ? [] : [`${complete}; and __sc_auth_at 3' -x -a '${verbs.join(' ')}'`]),
      ...(operand === null
        ? []
        : [
            `${complete}; and __sc_auth_at ${behind.length === 0 ? '3' : `3 ${behind.join(' ')}`}'${fishValues(valuesOf(operand.value, commands))}`,
          ]),
      ...taken.map(({ flags, meaning, values, takesValue }) => {
        const names = flags.map((flag) =>
          flag.startsWith('--')
            ? `-l ${flag.slice(2)}`
            : `${flag.length === 2 ? '-s' : '-o'} ${flag.slice(1)}`,
        );
        return `${complete}' ${names.join(' ')}${takesValue ? fishValues(values) : ''} -d ${fishQuoted(meaning)}`;
      }),
    ];
  });
  return `# fish completion of sc_auth. Made by install/man; change it there.
# Whether the word at a place is one of these; without words: whether it is the one that is being typed.
function __sc_auth_at
  set -l words (commandline -opc)
  set -l place 2
  set -q argv[1]; and set place $argv[1]
  if set -q argv[2]
    set -q words[$place]; and contains -- $words[$place] $argv[2..]
  else
    test (count $words) -eq (math $place - 1)
  end
end
function __sc_auth_values
  for kind in $argv
    switch $kind
      case USER
        __fish_complete_users
${cases((kind, script) => `      case ${kind}\n        sh -c ${fishQuoted(script)}`)}
      case '*'
        echo $kind
    end
  end
end
complete -c sc_auth -f
${lines.join('\n')}
`;
}

/** The three files. */
export async function writeCompletions(repository: string): Promise<Completion[]> {
  const commands = readCommands(repository);
  const help: CommandHelp = {
    ...{ name: 'help', summary: 'what a command does', synopsis: [], paragraphs: [], options: [], verbs: [] },
    operand: { behind: [], value: 'COMMAND' },
  };
  const completed = [...commands, help].map((command) => ({
    ...command,
    taken: takenBy(command.options, commands),
  }));
  return await Promise.resolve([
    { path: 'usr/share/bash-completion/completions/sc_auth', text: bash(completed) },
    { path: 'usr/share/zsh/vendor-completions/_sc_auth', text: zsh(completed) },
    { path: 'usr/share/fish/vendor_completions.d/sc_auth.fish', text: fish(completed) },
  ]);
}
