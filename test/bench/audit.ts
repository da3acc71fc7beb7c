// What the audit log costs: a record against a bare write, and sc_auth audit on a large log against the programs that
// people know. sc_auth runs as the package has it (bundled). Compared is processor time, user and system together: both
// read from memory, and what else the machine does is not in it. The programs take turns.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FileAuditLog } from '../../agent/audit/file-log.ts';
import { peerOf } from '../../agent/audit/ocsf/record.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { bundle } from '../../install/package/bundle.ts';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';
import { eventOf, makeLog, SOMEBODY } from './audit-log.ts';
import { figure, median, type Figure } from './figures.ts';
import { DISK_FOLDER } from './rig.ts';

export interface AuditSizes {
  /** Records appended one by one. */
  readonly appends: number;
  /** Records of the log that is read against other programs. */
  readonly records: number;
  /** Runs of each program. */
  readonly runs: number;
  /** Records of the largest log of which the memory is measured; the smallest has 10,000. */
  readonly largest: number;
}

/** The bars are for a million records and more: below, the start of a program is most of its time. */
const BARS_FROM = 1_000_000;
const SMALLEST = 10_000;

interface Cost {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Resident at most, in millions of bytes. */
  readonly megabytes: number;
}

/** Runs a program with its output into a file: into /dev/null grep would stop at its first find. */
function costOf(folder: string, log: string, argv: readonly string[]): Cost {
  const [out, measured] = [openSync(join(folder, 'out'), 'w'), join(folder, 'time')];
  try {
    const { status, stderr } = spawnSync('/usr/bin/time', ['-o', measured, '-f', '%e %U %S %M', ...argv], {
      stdio: ['ignore', out, 'pipe'],
      env: { ...process.env, SCAUTH_AUDIT_LOG: log },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`'${argv.join(' ')}' ended with ${String(status)}: ${stderr}`);
  } finally {
    closeSync(out);
  }
  const words = readFileSync(measured, 'utf8').trim().split(/\s+/).map(Number);
  const [wallSeconds = NaN, user = NaN, system = NaN, kibibytes = NaN] = words;
  return { wallSeconds, cpuSeconds: user + system, megabytes: (kibibytes * 1024) / 1e6 };
}

/**
 * A record with all that belongs to it, against write and fdatasync of the same bytes by the same disk. Beside them the
 * same bytes as Node writes them off its main thread: what a change of thread costs.
 */
async function appendFigures(appends: number): Promise<Figure[]> {
  const folder = mkdtempSync(join(DISK_FOLDER, 'scauth-bench-'));
  const lines: string[] = [];
  const log = new FileAuditLog(join(folder, 'audit.jsonl'), systemClock, ({ line }) =>
    lines.push(`${line}\n`),
  );
  const { O_WRONLY, O_CREAT, O_APPEND, O_DSYNC } = constants;
  const bare = openSync(join(folder, 'bare'), O_WRONLY | O_CREAT | O_APPEND, 0o600);
  const handle = await open(join(folder, 'handle'), O_WRONLY | O_CREAT | O_APPEND | O_DSYNC, 0o600);
  const taken = { ours: [] as number[], bare: [] as number[], handle: [] as number[] };
  const ours = async (index: number): Promise<void> => {
    const event = eventOf(index);
    // As a login does, while its question is on the way.
    const peer = peerOf(event);
    if (peer !== null) log.notice(peer);
    const start = performance.now();
    await log.record(event);
    taken.ours.push(performance.now() - start);
    await new Promise(setImmediate);
  };
  const theirs = (line: string): void => {
    const start = performance.now();
    writeSync(bare, line);
    fdatasyncSync(bare);
    taken.bare.push(performance.now() - start);
  };
  const byHandle = async (line: string): Promise<void> => {
    const bytes = Buffer.from(line);
    const start = performance.now();
    await handle.write(bytes);
    taken.handle.push(performance.now() - start);
  };
  try {
    for (let index = 0; index < 20; index += 1) await ours(index);
    taken.ours = [];
    for (let index = 0; index < appends; index += 1) {
      // Its bytes are known only once it is written: the bare one writes those of the record before, when it is first.
      if (index % 2 === 0) theirs(lines.at(-1) ?? '');
      await ours(index);
      if (index % 2 === 1) theirs(lines.at(-1) ?? '');
      await byHandle(lines.at(-1) ?? '');
    }
    const [own, other, byThread] = [median(taken.ours), median(taken.bare), median(taken.handle)];
    return [
      figure('audit-append-ratio-to-write-and-fdatasync', own / other, 'ratio', 1.3),
      figure('audit-append-ratio-to-node-file-handle', own / byThread, 'ratio', 1.15),
      figure('audit-append-ratio-of-a-bare-file-handle', byThread / other, 'ratio'),
      figure('audit-append-ms', own, 'ms'),
      figure('audit-bare-write-and-fdatasync-ms', other, 'ms'),
    ];
  } finally {
    await log.close();
    closeSync(bare);
    await handle.close();
    rmSync(folder, { recursive: true });
  }
}

function readFigures(folder: string, program: readonly string[], { records, runs }: AuditSizes): Figure[] {
  const log = join(folder, 'audit.jsonl');
  makeLog(log, records);
  const sc_auth = (...args: string[]): Cost => costOf(folder, log, [...program, 'audit', ...args]);
  const report = join(folder, 'report.html');
  const pairs: readonly (readonly [string, string, number, number, () => Cost, () => Cost])[] = [
    [
      ...(['verify', 'sha256sum', 6, runs] as const),
      () => sc_auth('verify', '--key', `${log}.key`),
      () => costOf(folder, log, ['sha256sum', log]),
    ],
    [
      ...(['search', 'grep', 2, 2 * runs] as const),
      () => sc_auth('search', '--user', SOMEBODY),
      () => costOf(folder, log, ['grep', '-F', `"name":"${SOMEBODY}"`, log]),
    ],
    [
      ...(['report', 'jq', 10, 1] as const),
      () => sc_auth('report', '--html', report),
      () => costOf(folder, log, ['jq', '-c', '.time', log]),
    ],
  ];
  return pairs.flatMap(([verb, other, bar, times, ours, theirs]) => {
    process.stderr.write(`audit ${verb} and ${other} of ${records} records, ${times} pairs\n`);
    const costs = Array.from({ length: times }, (_, run) => {
      if (run % 2 === 0) return [ours(), theirs()] as const;
      const first = theirs();
      return [ours(), first] as const;
    });
    const [own, its] = [0, 1].map((which) => median(costs.map((pair) => pair[which]?.cpuSeconds ?? NaN)));
    const limit = records >= BARS_FROM ? bar : null;
    return [
      figure(`audit-${verb}-ratio-to-${other}`, (own ?? NaN) / (its ?? NaN), 'ratio', limit),
      figure(`audit-${verb}-seconds-${records}`, own ?? NaN, 's'),
      figure(`${other}-seconds-${records}`, its ?? NaN, 's'),
    ];
  });
}

const VERBS: Readonly<Record<string, readonly string[]>> = {
  verify: [],
  search: ['--user', SOMEBODY],
  stats: [],
  export: ['--format', 'ecs'],
  report: ['--html', 'report.html'],
};

function memoryFigures(program: readonly string[], largest: number): Figure[] {
  return [SMALLEST, largest].flatMap((records) => {
    const folder = mkdtempSync(join(DISK_FOLDER, 'scauth-bench-'));
    try {
      const log = join(folder, 'audit.jsonl');
      makeLog(log, records);
      process.stderr.write(`memory of sc_auth audit with ${records} records\n`);
      return Object.entries(VERBS).map(([verb, args]) => {
        const own = args.map((text) => (text.endsWith('.html') ? join(folder, text) : text));
        const { megabytes } = costOf(folder, log, [...program, 'audit', verb, ...own]);
        return figure(`audit-${verb}-memory-${records}`, megabytes, 'MB', 100);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

export async function auditFigures(sizes: AuditSizes): Promise<Figure[]> {
  const built = join(REPOSITORY, 'build/bench/package');
  rmSync(built, { recursive: true, force: true });
  await bundle(REPOSITORY, built);
  const program = [process.execPath, join(built, 'agent/cli/main.js')];
  execFileSync(program[0] ?? '', [...program.slice(1), '--version']);
  process.stderr.write(`audit records one by one, ${sizes.appends} pairs\n`);
  const appends = await appendFigures(sizes.appends);
  const folder = mkdtempSync(join(DISK_FOLDER, 'scauth-bench-'));
  try {
    return [...appends, ...readFigures(folder, program, sizes), ...memoryFigures(program, sizes.largest)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
