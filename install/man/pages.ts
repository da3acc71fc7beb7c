// The man pages: scauth.toml(5) from policy/settings, sc_auth(1) from the commands' own --help, the others from
// the .mdoc files beside this one. Checked by `mandoc -T lint`.

import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT_MEANINGS } from '../../agent/cli/exit-codes.ts';
import { launchersOf } from '../package/entries.ts';
import { RELEASED } from '../package/release.ts';
import { readCommands, type CommandHelp } from './command-help.ts';
import { folded, literal, page, plain, prose, tagged } from './mdoc.ts';
import { settingLines, tomlValue } from './settings-text.ts';

export interface ManPage {
  readonly name: string;
  readonly section: number;
  readonly text: string;
}

function dateWords(): string {
  const options = { year: 'numeric', month: 'long', day: 'numeric', timeZone: 'UTC' } as const;
  return new Intl.DateTimeFormat('en-US', options).format(RELEASED);
}

function settingsPage(): string {
  const tables = [...new Set(settingLines().map(({ table }) => table))];
  const sections = tables.map((table) => {
    const items = settingLines()
      .filter((line) => line.table === table)
      .map(({ key, setting }) => {
        const unit = setting.unit === undefined ? '' : ` Unit: ${setting.unit}.`;
        return [key, `${setting.meaning}${unit} Default: ${tomlValue(setting.default)}`] as const;
      });
    return `.Ss Table ${plain(table)}\n${tagged(items)}`;
  });
  const body = `.Sh DESCRIPTION
.Pa /etc/scauth/scauth.toml
is in TOML.
Files
.Pa /etc/scauth/scauth.d/*.toml
are read after it, in the order of their names; each replaces the single settings that it has.
No file at all means the defaults.
The files belong to root, are writable by nobody else and are no links.
A file that cannot be trusted, read or understood, an unknown setting, or settings that cannot be meant together refuse
the whole: at the start
.Xr scauthd 8
does not run, and its log names file, line and setting; on
.Dv SIGHUP
.Pq Ic systemctl reload scauthd
the old settings stay in force.
.Ic sc_auth config check
says beforehand what is wrong.
Tables tokens, piv and pkcs11 take effect at the next start.
Passwords open the machine meanwhile.
.Sh SETTINGS
${sections.join('\n')}
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/scauth/scauth.toml
.It Pa /etc/scauth/scauth.d/*.toml
.El
.Sh SEE ALSO
.Xr sc_auth 1 ,
.Xr pam_scauth 8 ,
.Xr scauthd 8`;
  return page({
    date: dateWords(),
    name: 'scauth.toml',
    section: 5,
    about: 'settings of smart card login',
    body,
  });
}

/** Indented lines stay as they are; the others are running text. */
function paragraph(lines: readonly string[]): string[] {
  const groups: string[][] = [];
  const isShown = (line: string): boolean => line.startsWith('  ');
  for (const line of lines) {
    const last = groups.at(-1);
    if (last?.[0] !== undefined && isShown(last[0]) === isShown(line)) last.push(line);
    else groups.push([line]);
  }
  return groups.map((group) =>
    isShown(group[0] ?? '') ? literal(group.map((line) => line.slice(2))) : prose(group.join(' ')),
  );
}

function commandSection({ name, summary, synopsis, paragraphs, options }: CommandHelp): string {
  const parts = [`.Ss sc_auth ${plain(name)}: ${plain(summary)}`, literal(synopsis)];
  const list = options.map(({ term, meaning }) => [term, meaning === '' ? 'See above.' : meaning] as const);
  let listed = list.length === 0;
  for (const lines of paragraphs) {
    // The description comes first, then the options, then examples and exit codes.
    if (!listed && /^(Examples?|Exit codes)\b/.test(lines[0] ?? '')) {
      parts.push(tagged(list));
      listed = true;
    }
    // A literal block brings its own space.
    if (lines[0]?.startsWith('  ') !== true) parts.push('.Pp');
    parts.push(...paragraph(lines));
  }
  if (!listed) parts.push(tagged(list));
  return parts.join('\n');
}

function commandPage(repository: string): string {
  const commands = readCommands(repository);
  const body = `.Sh SYNOPSIS
.Nm
.Ar command
.Op Ar options
.Sh DESCRIPTION
.Nm
pairs smart cards with accounts and shows what is there.
It asks
.Xr scauthd 8 ,
which decides.
.Sh COMMANDS
${commands.map(commandSection).join('\n')}
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev SCAUTH_IO_SOCKET
another socket than
.Pa /run/scauth/io.scauth
.El
.Sh EXIT STATUS
${tagged(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]))}
.Sh SEE ALSO
.Xr scauth.toml 5 ,
.Xr pam_scauth 8 ,
.Xr scauth\\-pam 8 ,
.Xr scauthd 8`;
  return page({
    date: dateWords(),
    name: 'sc_auth',
    section: 1,
    about: 'pair smart cards with accounts',
    body,
  });
}

/** A program with a launcher and no page of its own here: its --help as it is. */
function helpPage(repository: string, name: string, entry: string): string | null {
  try {
    const node = join(repository, 'node_modules/node/bin/node');
    const args = ['--disable-warning=ExperimentalWarning', join(repository, entry), '--help'];
    const help = execFileSync(node, args, {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (help.trim() === '') return null;
    const body = `.Sh DESCRIPTION\n${literal(help.trimEnd().split('\n'))}\n.Sh SEE ALSO\n.Xr sc_auth 1 ,\n.Xr scauthd 8`;
    return page({ date: dateWords(), name, section: 1, about: 'part of smart card login', body });
  } catch {
    return null;
  }
}

/** Every page, made anew. */
export async function writeManPages(repository: string): Promise<ManPage[]> {
  const pages: ManPage[] = [
    { name: 'scauth.toml', section: 5, text: settingsPage() },
    { name: 'sc_auth', section: 1, text: commandPage(repository) },
  ];
  for (const file of globSync('install/man/*.mdoc', { cwd: repository }).sort()) {
    const [, name = '', section = ''] = /^(.+)\.(\d)\.mdoc$/.exec(basename(file)) ?? [];
    const text = readFileSync(join(repository, file), 'utf8').replace('$DATE$', dateWords());
    pages.push({ name, section: Number(section), text: folded(text) });
  }
  for (const { name, entry } of launchersOf(repository)) {
    if (pages.some((known) => known.name === name)) continue;
    const text = helpPage(repository, name, entry);
    if (text !== null) pages.push({ name, section: 1, text });
  }
  return await Promise.resolve(pages);
}
