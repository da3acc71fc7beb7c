// sc_auth drivers: the token drivers in the order in which they are asked whose card it is, and what is wrong with them.
// The lines are those of macOS' `pluginkit -m [-v|-vv] -p com.apple.ctk-tokens`.

import type { WireDriver } from '../../protocol/io-scauth.ts';
import { callAgent } from '../agent/client.ts';
import type { Command, CommandContext } from '../context.ts';
import { dateText } from '../terminal/macos-text.ts';
import { parseOptions } from '../options.ts';
import { styled, table, tabbed, type Line, type Look, type Piece } from '../terminal/style.ts';

const help = `sc_auth drivers [-v | -vv] [--json]

Prints the token drivers in the order in which they are asked whose card it is, one ID(VERSION) a line, and under it
what is wrong with the driver. "-" in front: not used, by the configuration; "!": cannot be used.

  -v, --verbose   also UUID, time and path; twice (-vv): a block with everything that is known
  --json          {"drivers": [...]}

A driver of others is a folder below /etc/scauth/drivers or /usr/lib/scauth/drivers: without the folder it is gone at
scauthd's next start.

Examples:
  sc_auth drivers
  sc_auth drivers -vv
Exit codes: 0 done; 5 scauthd cannot be reached.
`;

/** As wide as pluginkit's names. */
const NAME_WIDTH = 17;
const UNKNOWN = '(unknown)';

/** pluginkit's marks: "-" is switched off, "!" is not as it should be. */
function markOf({ state, problems }: WireDriver): string {
  if (state === 'disabled') return '-';
  return state === 'failed' || problems.length > 0 ? '!' : ' ';
}

function stateOf({ state, problems }: WireDriver): Piece {
  const look: Look =
    state === 'failed' ? 'bad' : state === 'disabled' ? 'quiet' : problems.length > 0 ? 'warning' : 'good';
  return styled(look, state);
}

function runsAs({ uid }: WireDriver): string {
  return uid === null ? 'scauthd' : `uid ${uid}`;
}

function timeOf({ timestamp }: WireDriver): string {
  return timestamp === null ? UNKNOWN : dateText(Date.parse(timestamp));
}

function nameOf(driver: WireDriver): string {
  return `${markOf(driver)}    ${driver.id}(${driver.version})`;
}

function problemLines({ problems }: WireDriver): Line[] {
  return problems.map((problem) => ['         ', styled('bad', problem)]);
}

/** One field of a block: its name ends where all names end. */
function field(name: string, value: Piece): Line {
  return [styled('quiet', name.padStart(NAME_WIDTH)), ' = ', value];
}

function block(driver: WireDriver): Line[] {
  const { uuid, displayName, shortName, parent, interfaceVersion, kind, builtIn, forLogin } = driver;
  return [
    [styled('heading', nameOf(driver))],
    field('Path', driver.path),
    field('UUID', uuid?.toUpperCase() ?? UNKNOWN),
    field('Timestamp', timeOf(driver)),
    field('SDK', `org.scauth.drivers.${kind}(${interfaceVersion ?? '?'})`),
    field('Display Name', displayName),
    field('Short Name', shortName),
    ...(parent === null ? [] : [field('Parent Name', parent)]),
    field('State', stateOf(driver)),
    field('Runs As', runsAs(driver)),
    field('Comes From', builtIn ? 'scauth' : 'others'),
    field('Before Login', forLogin ? 'yes' : 'no'),
    ...driver.problems.map((problem) => field('Problem', styled('bad', problem))),
    '',
  ];
}

function overview(drivers: readonly WireDriver[], { output: { screen } }: CommandContext): Line[] {
  if (screen === null) return drivers.flatMap((driver) => [nameOf(driver), ...problemLines(driver)]);
  const columns = [
    ...[{ title: 'Driver' }, { title: 'Version' }, { title: 'State' }, { title: 'Runs as' }],
    ...[{ title: 'Before login' }],
  ];
  const rows = drivers.map((driver) => [
    ...[driver.id, driver.version, stateOf(driver), runsAs(driver), driver.forLogin ? 'yes' : 'no'],
  ]);
  const problems = drivers.flatMap((driver) =>
    driver.problems.map((problem) => [`${driver.id}: `, styled('bad', problem)]),
  );
  return [...table(screen, columns, rows), ...(problems.length === 0 ? [] : ['', ...problems])];
}

/** pluginkit's -v: one line, fields with tabs in between. */
function longLines(driver: WireDriver): Line[] {
  const { uuid, path } = driver;
  const line = tabbed(nameOf(driver), uuid?.toUpperCase() ?? UNKNOWN, timeOf(driver), path);
  return [line, ...problemLines(driver)];
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { verbose = [] } = parseOptions('drivers', args, {
    verbose: { type: 'boolean', short: 'v', multiple: true },
  });
  const { drivers } = await callAgent(context, 'ListDrivers', {});
  const lines =
    verbose.length === 0
      ? overview(drivers, context)
      : drivers.flatMap((driver) => (verbose.length === 1 ? longLines(driver) : block(driver)));
  context.output.result({ drivers }, lines);
}

export const command: Command = { help, run };
