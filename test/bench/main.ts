// npm run bench: measures what a login costs, on the real pcscd and PAM with the software card, and prints a table.
// With --json FILE it also writes the figures; a missed bar is a result like any other and no failure (exit code 0).
// Usage: node install/bootstrap.mjs test/bench/main.ts [--json FILE] [--quick | --full] [--only PART] [--svg FILE] [--publish]
// PART: login, peers, setup, pkcs11, cards, flood, load, many, memory, session, fleet, audit, console or package.
// --svg draws the peers; --publish puts the peers' chart and tables into the documents.
// --full measures the memory on an audit log of 5,000,000 records (6 GB in /var/tmp) and not of 1,000,000.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { countApdus } from './apdus.ts';
import { auditFigures, type AuditSizes } from './audit.ts';
import { commandTimes, durableWrite, memoryAtRest } from './at-rest.ts';
import { consoleFigures } from './console.ts';
import { decisionFigures } from './decision.ts';
import { fleetFigures } from './fleet.ts';
import { figure, figuresTable, table, writeJson, type Figure } from './figures.ts';
import { fleetLoadFigures } from './fleet-load.ts';
import { floodFigures } from './flood.ts';
import { loadFigures } from './load.ts';
import { logindFigures } from './logind.ts';
import { insertionFigures, retiredFigures } from './insertion.ts';
import { MEASURED_AGENT } from './longest-turn.ts';
import { packageFigures } from './package.ts';
import { measurePeers, type PeerReport } from './peers.ts';
import { peersChart, peersTable, putBetweenMarks, shortTable } from './peers-report.ts';
import { pkcs11Figures } from './pkcs11.ts';
import { auditPlace, DISK_FOLDER, MEMORY_FOLDER, REAL_CARD_MS, Rig } from './rig.ts';
import { manyFigures } from './many.ts';
import { memoryFigures } from './memory-after.ts';
import { muteFigures } from './mute.ts';
import { revocationFigures } from './revocation.ts';
import { sessionFigures } from './session.ts';
import { setupFigures } from './setup.ts';
import { compilePrograms } from './stopwatch.ts';
import { compareLogin, noCardOverhead } from './wall.ts';

async function withRig<T>(start: Parameters<typeof Rig.start>, act: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = await Rig.start(...start);
  try {
    return await act(rig);
  } finally {
    await rig.stop();
  }
}

/** The wall clock for one key type. @returns ratios first, then the medians that they come from */
async function loginFigures(rig: Rig, key: 'p256' | 'rsa2048', pairs: number): Promise<[Figure[], Figure[]]> {
  const ratios: Figure[] = [];
  const medians: Figure[] = [];
  for (const delayMs of [0, REAL_CARD_MS]) {
    const name = delayMs === 0 ? key : `${key}-${delayMs}ms`;
    process.stderr.write(`login with ${name}, ${pairs} pairs\n`);
    const { oursMs, theirsMs, firstMs } = await compareLogin(rig, key, delayMs, pairs);
    ratios.push(figure(`login-wall-ratio-to-bare-${name}`, oursMs / theirsMs, 'ratio', 1.3));
    medians.push(
      figure(`login-wall-ms-${name}`, oursMs, 'ms'),
      figure(`bare-wall-ms-${name}`, theirsMs, 'ms'),
      ...(delayMs === 0 ? [figure(`login-wall-ms-${name}-first`, firstMs, 'ms')] : []),
    );
  }
  return [ratios, medians];
}

async function measure(quick: boolean): Promise<Figure[]> {
  const pairs = quick ? 5 : 40;
  const p256 = await withRig(['p256'], async (rig) => {
    const started = memoryAtRest(rig, 'after-start');
    // Before the counts: the first login is one of the figures.
    const login = await loginFigures(rig, 'p256', pairs);
    await rig.sandbox.card.setDelay(0);
    const counts = await countApdus(rig);
    const rest = [
      ...started,
      ...memoryAtRest(rig, 'after-logins'),
      ...(await commandTimes(rig, quick ? 3 : 10)),
    ];
    process.stderr.write(`no card, no pairing, ${2 * pairs} pairs each\n`);
    return { counts, login, rest, noCard: await noCardOverhead(rig, 2 * pairs) };
  });
  const rsa = await withRig(['rsa2048'], async (rig) => {
    const login = await loginFigures(rig, 'rsa2048', pairs);
    await rig.sandbox.card.setDelay(0);
    return { counts: await countApdus(rig), login };
  });
  const extended = await withRig(['rsa2048', ['--extended']], countApdus);
  process.stderr.write(`login with p256 and the audit log in memory, ${pairs} pairs\n`);
  const inMemory = await withRig(['p256', [], MEMORY_FOLDER], (rig) => compareLogin(rig, 'p256', 0, pairs));

  const ratios = [...p256.login[0], ...rsa.login[0]];
  const worst = Math.max(...ratios.map(({ value }) => value));
  const beforePin = Math.max(p256.counts.beforePin, rsa.counts.beforePin, extended.beforePin);
  return [
    figure('login-apdus-before-pin', beforePin, 'APDUs', 2),
    figure('login-apdus-p256-after-pin', p256.counts.afterPin, 'APDUs', 4),
    figure('login-apdus-rsa2048-after-pin', rsa.counts.afterPin, 'APDUs', 6),
    figure('login-apdus-rsa2048-after-pin-extended', extended.afterPin, 'APDUs', 5),
    figure('pin-to-grant-apdus-p256', p256.counts.pinToGrant, 'APDUs', 3),
    figure('pin-to-grant-apdus-rsa2048', rsa.counts.pinToGrant, 'APDUs'),
    ...p256.noCard,
    figure('login-wall-ratio-to-bare', worst, 'ratio', 1.3),
    ...ratios,
    figure('login-wall-ratio-to-bare-p256-audit-in-memory', inMemory.oursMs / inMemory.theirsMs, 'ratio'),
    ...p256.login[1],
    ...rsa.login[1],
    figure('audit-durable-write-ms', await durableWrite(DISK_FOLDER), 'ms'),
    ...p256.rest,
    ...(await logindFigures(pairs)),
    ...decisionFigures(),
    ...(await revocationFigures(quick ? 3 : 20)),
    ...(await insertionFigures(quick ? 3 : 20)),
  ];
}

function floods(count: number): Promise<Figure[]> {
  process.stderr.write(`card logins under floods, ${count} each\n`);
  return withRig(['p256', [], DISK_FOLDER, MEASURED_AGENT], (rig) => floodFigures(rig, count));
}

function beside(count: number): Promise<Figure[]> {
  return withRig(['p256'], (rig) => muteFigures(rig, count));
}

function setups(count: number): Promise<Figure[]> {
  return withRig(['p256'], (rig) => setupFigures(rig, count, REAL_CARD_MS));
}

const AUDIT_SIZES: Readonly<Record<'quick' | 'usual' | 'full', AuditSizes>> = {
  quick: { appends: 50, records: 50_000, runs: 1, largest: 50_000 },
  usual: { appends: 500, records: 1_000_000, runs: 3, largest: 1_000_000 },
  full: { appends: 2000, records: 1_000_000, runs: 5, largest: 5_000_000 },
};

const PARTS: readonly string[] = [
  'login',
  'peers',
  'setup',
  'pkcs11',
  'cards',
  'flood',
  'load',
  'many',
  'memory',
  'session',
  'fleet',
  'audit',
  'console',
  'package',
];

/** The chart, the whole table and the README's; each document says which command made them. */
async function publish({ rows }: PeerReport): Promise<void> {
  writeFileSync('install/doc/peers.svg', peersChart(rows));
  await putBetweenMarks('BENCHMARKS.md', 'peers', peersTable(rows));
  await putBetweenMarks('README.md', 'peers', shortTable(rows));
}

async function peers(times: number, options: { svg?: string; publish?: boolean }): Promise<Figure[]> {
  const report = await measurePeers(times);
  console.log(`${peersTable(report.rows)}\n`);
  if (options.svg !== undefined) writeFileSync(options.svg, peersChart(report.rows));
  if (options.publish === true) await publish(report);
  return [...report.figures];
}

/** What a book costs a machine, and what 10,000 machines cost a directory. */
async function fleets(quick: boolean, isPublished: boolean): Promise<Figure[]> {
  const machine = await fleetFigures();
  if (isPublished) await putBetweenMarks('BENCHMARKS.md', 'fleet-machine', figuresTable(machine));
  const directory = await fleetLoadFigures(quick);
  if (isPublished) await putBetweenMarks('BENCHMARKS.md', 'fleet-directory', figuresTable(directory));
  return [...machine, ...directory];
}

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean' },
    full: { type: 'boolean' },
    only: { type: 'string' },
    svg: { type: 'string' },
    publish: { type: 'boolean' },
  },
});
try {
  const size = values.quick === true ? 'quick' : values.full === true ? 'full' : 'usual';
  const { only = 'all' } = values;
  if (only !== 'all' && !PARTS.includes(only)) throw new Error(`--only takes one of: ${PARTS.join(', ')}.`);
  const isAsked = (part: string): boolean => only === 'all' || only === part;
  compilePrograms();
  const figures = [
    ...(isAsked('login') ? await measure(size === 'quick') : []),
    ...(isAsked('peers') ? await peers(size === 'quick' ? 3 : 20, values) : []),
    ...(isAsked('setup') ? await setups(size === 'quick' ? 2 : 10) : []),
    ...(isAsked('pkcs11') ? await pkcs11Figures(size === 'quick' ? 3 : 20) : []),
    ...(isAsked('cards') ? await retiredFigures(size === 'quick' ? 3 : 20, REAL_CARD_MS) : []),
    ...(isAsked('cards') ? await beside(size === 'quick' ? 3 : 20) : []),
    ...(isAsked('flood') ? await floods(size === 'quick' ? 5 : 20) : []),
    ...(isAsked('load') ? await loadFigures(size === 'quick' ? 5 : 20) : []),
    ...(isAsked('many') ? await manyFigures(size === 'quick' ? 10_000 : 100_000) : []),
    ...(isAsked('memory') ? await memoryFigures(size === 'quick' ? 4000 : 100_000) : []),
    ...(isAsked('session') ? await sessionFigures(size === 'quick' ? 3 : 10) : []),
    ...(isAsked('fleet') ? await fleets(size === 'quick', values.publish === true) : []),
    ...(isAsked('package') ? await packageFigures(size === 'quick' ? 3 : 20) : []),
    ...(isAsked('console') ? await consoleFigures(size === 'quick' ? 3 : 10) : []),
    ...(isAsked('audit') ? await auditFigures(AUDIT_SIZES[size]) : []),
  ];
  const processors = cpus();
  console.log(
    `Node ${process.version}, ${processors.length} × ${processors[0]?.model ?? 'processor'}; ${auditPlace()}\n`,
  );
  console.log(table(figures));
  if (values.json !== undefined) writeJson(values.json, figures);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
