// Completions of sc_auth for bash, zsh and fish, made from the commands' own --help.

import { readCommands, type CommandHelp, type OptionHelp } from './command-help.ts';

export interface Completion {
  /** Where the package puts it. */
  readonly path: string;
  readonly text: string;
}

/** A word in single quotes, for each of the three shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

const wantsUser = (option: OptionHelp): boolean => /\bUSER\b/.test(option.term);
const wantsFile = (option: OptionHelp): boolean => /\b(FILE|FOLDER|DIR|PATH)\b/.test(option.term);

function withHelp({ options }: CommandHelp): OptionHelp[] {
  const help = { term: '--help', flags: ['--help'], takesValue: false, meaning: 'what the command does' };
  return options.some(({ flags }) => flags.includes('--help')) ? [...options] : [...options, help];
}

function bash(commands: readonly CommandHelp[]): string {
  const flagsOf = (choose: (option: OptionHelp) => boolean): string =>
    [
      ...new Set(commands.flatMap(({ options }) => options.filter(choose).flatMap(({ flags }) => flags))),
    ].join('|');
  const users = flagsOf((option) => option.takesValue && wantsUser(option));
  const files = flagsOf((option) => option.takesValue && wantsFile(option));
  const cases = commands.map((command) => {
    const words = withHelp(command).flatMap(({ flags }) => flags);
    return `    ${command.name}) words='${words.join(' ')}' ;;`;
  });
  const values = [
    ...(users === '' ? [] : [`    ${users}) mapfile -t COMPREPLY < <(compgen -u -- "$word"); return ;;`]),
    ...(files === '' ? [] : [`    ${files}) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;`]),
  ];
  return `# bash completion of sc_auth. Made by install/man; change it there.
_sc_auth() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$word")
    return
  fi
  case $before in
${values.join('\n')}
  esac
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) words= ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
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

function zsh(commands: readonly CommandHelp[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${zshMeaning(summary)}`)}`);
  const cases = commands.map((command) => {
    const words = withHelp(command).map((option) => {
      const action = wantsUser(option) ? '_users' : wantsFile(option) ? '_files' : ' ';
      const value = option.takesValue ? `:value:${action}` : '';
      const meaning = `[${zshMeaning(option.meaning)}]`;
      const [only = ''] = option.flags;
      if (option.flags.length === 1) return quoted(`${only}${meaning}${value}`);
      return `${quoted(`(${option.flags.join(' ')})`)}{${option.flags.join(',')}}${quoted(`${meaning}${value}`)}`;
    });
    return `    ${command.name}) _arguments -s ${words.join(' ')} ;;`;
  });
  return `#compdef sc_auth
# zsh completion of sc_auth. Made by install/man; change it there.
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
${cases.join('\n')}
  esac
}
_sc_auth "$@"
`;
}

function fish(commands: readonly CommandHelp[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary } = command;
    const options = withHelp(command).map((option) => {
      const flags = option.flags.map((flag) =>
        flag.startsWith('--')
          ? `-l ${flag.slice(2)}`
          : flag.length === 2
            ? `-s ${flag.slice(1)}`
            : `-o ${flag.slice(1)}`,
      );
      const value = !option.takesValue
        ? ''
        : wantsUser(option)
          ? " -x -a '(__fish_complete_users)'"
          : wantsFile(option)
            ? ' -r -F'
            : ' -x';
      return `complete -c sc_auth -n '__fish_seen_subcommand_from ${name}' ${flags.join(' ')}${value} -d ${fishQuoted(option.meaning)}`;
    });
    return [`complete -c sc_auth -n __fish_use_subcommand -a ${name} -d ${fishQuoted(summary)}`, ...options];
  });
  return `# fish completion of sc_auth. Made by install/man; change it there.
complete -c sc_auth -f
${lines.join('\n')}
`;
}

/** The three files. */
export async function writeCompletions(repository: string): Promise<Completion[]> {
  const { commands } = readCommands(repository);
  return await Promise.resolve([
    { path: 'usr/share/bash-completion/completions/sc_auth', text: bash(commands) },
    { path: 'usr/share/zsh/vendor-completions/_sc_auth', text: zsh(commands) },
    { path: 'usr/share/fish/vendor_completions.d/sc_auth.fish', text: fish(commands) },
  ]);
}
