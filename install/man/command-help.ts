// What sc_auth says of itself: its commands and their --help texts, read from the command as it is, so that a new
// one appears in the man page and the completions by itself.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { COMMANDS } from '../../agent/cli/overview.ts';
import { launchersOf } from '../package/entries.ts';

/** A --help text in its parts. Each of our help texts has this form. */
export interface CommandHelp {
  readonly name: string;
  /** One line from the overview. */
  readonly summary: string;
  /** `sc_auth pair [-v] …`, joined to one line each. */
  readonly synopsis: readonly string[];
  /** What stands before the options, and everything else that is no option, as it is. */
  readonly paragraphs: readonly (readonly string[])[];
  readonly options: readonly OptionHelp[];
  /** The second words: `verify` of `sc_auth audit verify|tail`. */
  readonly verbs: readonly string[];
  /** What comes without an option, behind one of these second words (none: at once). */
  readonly operand: { readonly behind: readonly string[]; readonly value: string } | null;
}

export interface OptionHelp {
  /** `-u, --user USER` */
  readonly term: string;
  /** `-u`, `--user` */
  readonly flags: readonly string[];
  /** `USER`, `yes|no`; null: it takes none. */
  readonly value: string | null;
  readonly meaning: string;
}

const OPTION = /^ {2}(-{1,2}\S.*?)(?: {2,}(.*))?$/;

/** The text that `sc_auth ARGUMENTS` prints. */
function said(repository: string, entry: string, args: readonly string[]): string {
  const node = join(repository, 'node_modules/node/bin/node');
  return execFileSync(node, ['--disable-warning=ExperimentalWarning', join(repository, entry), ...args], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
  });
}

function optionOf(term: string, meaning: string): OptionHelp {
  const flags = [...term.matchAll(/(?<![\w-])--?[A-Za-z][\w-]*/g)].map(([flag]) => flag);
  const value = term.replace(/(--?[A-Za-z][\w-]*[, ]*)+/, '').trim();
  return { term, flags, value: value === '' ? null : value, meaning };
}

/** `sc_auth enforce exempt|unexempt USER [options]` */
function wordsOf(synopsis: readonly string[]): Pick<CommandHelp, 'verbs' | 'operand'> {
  const verbs: string[] = [];
  let operand: CommandHelp['operand'] = null;
  for (const line of synopsis) {
    const [, list, value] =
      /^sc_auth [\w-]+(?: ([a-z]+(?:\|[a-z]+)*)(?= |$))?(?: ([A-Z]+)\b)?/.exec(line) ?? [];
    const behind = list?.split('|') ?? [];
    verbs.push(...behind);
    if (value !== undefined) operand = { behind, value };
  }
  return { verbs, operand };
}

/** Reads one --help text. */
export function parseHelp(name: string, summary: string, text: string): CommandHelp {
  const [first = [], ...blocks] = text
    .trimEnd()
    .split(/\n\s*\n/)
    .map((block) => block.split('\n'));
  const synopsis: string[] = [];
  for (const line of first) {
    if (/^\S/.test(line) || synopsis.length === 0) synopsis.push(line.trim());
    else synopsis.push(`${synopsis.pop() ?? ''} ${line.trim()}`);
  }
  const options: OptionHelp[] = [];
  const paragraphs: string[][] = [];
  for (const block of blocks) {
    const rest: string[] = [];
    let inOption = false;
    for (const line of block) {
      const match = OPTION.exec(line);
      if (match !== null) {
        options.push(optionOf(match[1] ?? '', match[2] ?? ''));
        inOption = true;
      } else if (inOption && /^ {6,}\S/.test(line)) {
        const last = options.pop();
        if (last !== undefined) options.push({ ...last, meaning: `${last.meaning} ${line.trim()}`.trim() });
      } else {
        inOption = false;
        rest.push(line);
      }
    }
    if (rest.length > 0) paragraphs.push(rest);
  }
  return { name, summary, synopsis, paragraphs, options, ...wordsOf(synopsis) };
}

/** By repository: man pages and completions ask for the same, and each command is a program to start. */
const known = new Map<string, readonly CommandHelp[]>();

/** All commands of sc_auth, in the overview's order. */
export function readCommands(repository: string): readonly CommandHelp[] {
  const help = known.get(repository) ?? askForCommands(repository);
  known.set(repository, help);
  return help;
}

function askForCommands(repository: string): CommandHelp[] {
  const entry = launchersOf(repository).find(({ name }) => name === 'sc_auth')?.entry;
  if (entry === undefined) throw new Error('install/bin has no sc_auth');
  return Object.entries(COMMANDS).map(([name, { does }]) =>
    parseHelp(name, does, said(repository, entry, [name, '--help'])),
  );
}
