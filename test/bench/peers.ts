// Logins by scauth, pam_p11, pam_pkcs11 and a C program that sends scauth's APDUs and checks nothing: one after the other,
// in one run, with the same card, reader and PAM client. The PIN waits in a pipe, so that nobody's typing is measured.
import { setTimeout as pause } from 'node:timers/promises';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { memoryMib } from './at-rest.ts';
import { figure, median, type Figure } from './figures.ts';
import { LIBRARIES, preparePeers, QUIET_MS, untilIdle } from './peer-programs.ts';
import { READER, REAL_CARD_MS } from './rig.ts';
import { ProgramFailed, programPath, Stopwatch } from './stopwatch.ts';

export const PROGRAMS = ['scauth', 'pam_p11', 'pam_pkcs11', 'bare'] as const;
export type Program = (typeof PROGRAMS)[number];
/** Milliseconds that the card adds to each APDU. */
const DELAYS = [0, REAL_CARD_MS] as const;

/** One card by one way: what scauth reads it by; the peers have OpenSC's module each time. */
const CASES = [
  { name: 'piv-rsa2048', key: 'rsa2048', config: '' },
  { name: 'piv-p256', key: 'p256', config: '' },
  { name: 'pkcs11-rsa2048', key: 'rsa2048', config: '[tokens]\ndisabled = ["org.scauth.piv"]\n' },
] as const;
type Case = (typeof CASES)[number];
export type CaseName = Case['name'];

/** One program with one card. Times in milliseconds, by the delay of an APDU. */
export interface PeerRow {
  readonly of: CaseName;
  readonly program: Program;
  /** A word: it did not let the person in with the right PIN. */
  readonly login:
    | NoLogin
    | {
        readonly apdus: number;
        readonly bytes: number;
        readonly times: ReadonlyMap<number, { readonly medianMs: number; readonly p95Ms: number }>;
        /** Once everything is at rest, whoever comes next may use the key without a PIN. */
        readonly leftVerified: boolean;
      };
  /** What it adds to a login where no card is in; null for the C program, and for what crashes there. */
  readonly noCardMs: number | null;
  /** Tries that the account's password costs, typed in the PIN's place; null for the C program. */
  readonly triesForPassword: number | null;
}

type NoLogin = 'refused' | 'crashed';

export interface PeerReport {
  readonly rows: readonly PeerRow[];
  readonly figures: readonly Figure[];
}

const FULL_TRIES = 3;

function percentile95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? NaN;
}

/** Of one program in one sandbox. */
class Runner {
  readonly program: Program;
  readonly #sandbox: Sandbox;
  readonly #stopwatch: Stopwatch;
  readonly #key: string;

  constructor(program: Program, sandbox: Sandbox, stopwatch: Stopwatch, key: string) {
    this.program = program;
    this.#sandbox = sandbox;
    this.#stopwatch = stopwatch;
    this.#key = key;
  }

  /** @param suffix `-or`: where the card is refused the person is let in all the same @throws Error where they are not */
  async time(typed: string, suffix = ''): Promise<number> {
    const { user, pin } = this.#sandbox;
    const pamtester = (service: string): string[] => ['pamtester', service, user, 'authenticate'];
    await untilIdle(this.#sandbox);
    if (this.program !== 'bare')
      return this.#stopwatch.time(typed, pamtester(`bench-${this.program}${suffix}`));
    const bare = [programPath('bare'), READER, this.#key, pin, '1'];
    return this.#stopwatch.time('', pamtester('bench-permit'), bare);
  }

  async ends(typed: string, suffix = ''): Promise<NoLogin | 'well'> {
    try {
      await this.time(typed, suffix);
      return 'well';
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      return (error.status ?? 0) > 128 ? 'crashed' : 'refused';
    }
  }

  /** Logs in once and looks at the card's own log. */
  async count(): Promise<{ apdus: number; bytes: number; leftVerified: boolean } | NoLogin> {
    const { card, pin } = this.#sandbox;
    await untilIdle(this.#sandbox);
    await card.clearLog();
    const end = await this.ends(pin);
    if (end !== 'well') return end;
    await untilIdle(this.#sandbox);
    const log = await card.log();
    const bytes = log.reduce((sum, { bytesIn, bytesOut }) => sum + bytesIn + bytesOut, 0);
    return { apdus: log.length, bytes, leftVerified: await card.isVerified() };
  }

  async triesFor(line: string): Promise<number> {
    const { card } = this.#sandbox;
    await untilIdle(this.#sandbox);
    await card.setTries(FULL_TRIES);
    await this.ends(line, '-or');
    await untilIdle(this.#sandbox);
    const lost = FULL_TRIES - (await card.getTries());
    await card.setTries(FULL_TRIES);
    return lost;
  }
}

/** In turn, so that whatever the machine does meanwhile is everybody's. */
async function alternate(
  runners: readonly Runner[],
  times: number,
  act: (runner: Runner) => Promise<number>,
): Promise<Map<Program, number[]>> {
  const taken = new Map<Program, number[]>(runners.map(({ program }) => [program, []]));
  for (let time = 0; time < times; time += 1)
    for (const runner of time % 2 === 0 ? runners : runners.toReversed())
      taken.get(runner.program)?.push(await act(runner));
  return taken;
}

async function measureCase(
  { name, key, config }: Case,
  times: number,
): Promise<{ rows: PeerRow[]; stays: number }> {
  const sandbox = await Sandbox.start({ card: key, config });
  const environment = { ...sandbox.environment(), ...LIBRARIES };
  const stopwatch = new Stopwatch(sandbox.namespace, environment);
  try {
    await preparePeers(sandbox);
    const all = PROGRAMS.filter((program) => program !== 'bare' || name.startsWith('piv')).map(
      (program) => new Runner(program, sandbox, stopwatch, key),
    );
    // The first login of each finds its files on the disk; what is counted is the second one's.
    for (const runner of all) await runner.count();
    const counted = new Map<Program, Awaited<ReturnType<Runner['count']>>>();
    for (const runner of all) counted.set(runner.program, await runner.count());
    const able = all.filter(({ program }) => typeof counted.get(program) === 'object');
    const wall = new Map<number, Map<Program, number[]>>();
    for (const delayMs of DELAYS) {
      await sandbox.card.setDelay(delayMs);
      wall.set(delayMs, await alternate(able, times, (runner) => runner.time(sandbox.pin)));
    }
    await sandbox.card.setDelay(0);
    const stays = memoryMib(sandbox.agentHostPid ?? 0, 'Rss');
    const modules = all.filter(({ program }) => program !== 'bare');
    const tries = new Map<Program, number>();
    for (const runner of modules) tries.set(runner.program, await runner.triesFor(sandbox.password));
    const from = sandbox.agentLog().length;
    await sandbox.card.eject();
    while (!sandbox.agentLog().slice(from).includes('token out')) await pause(QUIET_MS);
    const permit = ['pamtester', 'bench-permit', sandbox.user, 'authenticate'];
    const permitMs: number[] = [];
    const calm: Runner[] = [];
    for (const runner of modules) if ((await runner.ends('', '-or')) === 'well') calm.push(runner);
    const noCard = await alternate(calm, times, async (runner) => {
      permitMs.push(await stopwatch.time('', permit));
      return runner.time('', '-or');
    });
    const rows = all.map(({ program }): PeerRow => {
      const counts = counted.get(program) ?? 'refused';
      const without = noCard.get(program);
      return {
        of: name,
        program,
        login:
          typeof counts === 'string'
            ? counts
            : {
                ...counts,
                times: new Map(
                  [...wall].map(([delayMs, taken]) => {
                    const values = taken.get(program) ?? [];
                    return [delayMs, { medianMs: median(values), p95Ms: percentile95(values) }];
                  }),
                ),
              },
        noCardMs: without === undefined ? null : median(without) - median(permitMs),
        triesForPassword: tries.get(program) ?? null,
      };
    });
    return { rows, stays };
  } finally {
    stopwatch.stop();
    await sandbox.stop();
  }
}

/** Ours to the quickest peer's. @throws Error where no peer logged in */
function ratio(rows: readonly PeerRow[], of: CaseName, delayMs: number): number {
  const msOf = ({ login }: PeerRow): number =>
    (typeof login === 'object' ? login.times.get(delayMs)?.medianMs : null) ?? Infinity;
  const mine = rows.filter((row) => row.of === of);
  const best = Math.min(...mine.filter(({ program }) => program.startsWith('pam_')).map(msOf));
  const ours = mine.find(({ program }) => program === 'scauth');
  if (ours === undefined || best === Infinity) throw new Error(`No peer logged in with ${of}.`);
  return msOf(ours) / best;
}

/** @param times logins of each program with each card at each pace */
export async function measurePeers(times: number): Promise<PeerReport> {
  const rows: PeerRow[] = [];
  let staysMib = 0;
  for (const one of CASES) {
    process.stderr.write(`peers: ${one.name}, ${times} logins of each program at each pace\n`);
    const measured = await measureCase(one, times);
    rows.push(...measured.rows);
    staysMib = Math.max(staysMib, measured.stays);
  }
  const worst = (delayMs: number): number =>
    Math.max(ratio(rows, 'piv-rsa2048', delayMs), ratio(rows, 'piv-p256', delayMs));
  const counts = rows.flatMap(({ of, program, login }) =>
    typeof login === 'string' ? [] : [figure(`peers-${of}-${program}-apdus`, login.apdus, 'APDUs')],
  );
  return {
    rows,
    figures: [
      figure('peers-piv-wall-ratio-15ms', worst(REAL_CARD_MS), 'ratio', 0.22),
      figure('peers-piv-wall-ratio-0ms', worst(0), 'ratio', 0.6),
      figure('peers-pkcs11-wall-ratio-15ms', ratio(rows, 'pkcs11-rsa2048', REAL_CARD_MS), 'ratio', 0.5),
      figure('peers-scauthd-rss-mib', staysMib, 'MiB'),
      ...counts,
    ],
  };
}
