// What sc_auth says of itself: its commands and their --help texts, read from the command as it is, so that a new
// one appears in the man page and the completions by itself.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
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
}

export interface OptionHelp {
  /** `-u, --user USER` */
  readonly term: string;
  /** `-u`, `--user` */
  readonly flags: readonly string[];
  readonly takesValue: boolean;
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
  return { term, flags, takesValue: /[ =<][A-Z<]/.test(term), meaning };
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
  return { name, summary, synopsis, paragraphs, options };
}

export interface ProgramHelp {
  /** The whole overview, as `sc_auth --help` prints it. */
  readonly overview: string;
  readonly commands: readonly CommandHelp[];
}

/** By repository: man pages and completions ask for the same, and each command is a program to start. */
const known = new Map<string, ProgramHelp>();

/** sc_auth's overview and all of its commands, in the overview's order. */
export function readCommands(repository: string): ProgramHelp {
  const help = known.get(repository) ?? askForCommands(repository);
  known.set(repository, help);
  return help;
}

function askForCommands(repository: string): ProgramHelp {
  const entry = launchersOf(repository).find(({ name }) => name === 'sc_auth')?.entry;
  if (entry === undefined) throw new Error('install/bin has no sc_auth');
  const overview = said(repository, entry, ['--help']);
  const seen = new Map<string, string>();
  const line = /^ {2}sc_auth ([\w-]+) {2,}(\S.*(?:\n {6,}\S.*)*)$/gm;
  for (const [, name = '', summary = ''] of overview.matchAll(line)) {
    if (!seen.has(name)) seen.set(name, summary.replace(/\s+/g, ' '));
  }
  const commands = [...seen].map(([name, summary]) =>
    parseHelp(name, summary, said(repository, entry, [name, '--help'])),
  );
  return { overview, commands };
}
