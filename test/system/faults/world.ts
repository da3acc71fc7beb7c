// A machine at which something goes wrong, the people who log in at it meanwhile, and what must hold afterwards whatever
// it was (INVARIANTS). It knows no fault: those are in victims.ts and in the tests.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { ownMib } from '../../bench/memory-after.ts';
import { Login } from '../../compliance/client.ts';
import type { LogEntry } from '../../kit/card/log.ts';
import { strangerSignStatus } from '../../kit/person/pcsc-client.ts';
import * as person from '../../kit/person/person.ts';
import { SHARE } from '../../kit/sandbox/etc.ts';
import { Sandbox, type SandboxOptions } from '../../kit/sandbox/sandbox.ts';

const SERVICE = 'faulty';
/** Card and PIN first, the password if that leads nowhere: here the policy allows one. */
const STACK = `auth      sufficient  pam_scauth.so
auth      required    pam_unix.so try_first_pass nodelay
account   required    pam_unix.so
`;
/** Far more than any login takes: what is not over by then hangs. */
const LOGIN_MS = 60_000;
/** The module waits four and a half seconds for a scauthd that says nothing; this machine may have other work. */
const PASSWORD_MS = 15_000;
/** Who mistypes both, and is let in, had no proof of anything. */
export const MISTYPED: Typed = { pin: person.WRONG_PIN, password: 'not-the-password' };
const SETTLE_MS = 20_000;
const POLL_MS = 20;
/** Node's heap comes and goes by some MiB; what a fault leaves each time is more than that in the end. */
const MOST_GROWTH_MIB = 16;
/** What a crash or a full disk leaves in the log, and says of itself: each is a record that the writer made. */
const SAID_BY_ITSELF: ReadonlySet<string> = new Set(['gap']);

export interface Outcome {
  readonly letIn: boolean;
  /** No password was asked for. */
  readonly byCard: boolean;
}

/** What a person types; the secrets of the sandbox where nothing else is said. */
export interface Typed {
  readonly pin?: string;
  readonly password?: string;
}

export class World {
  readonly sandbox: Sandbox;
  /** The longest login by password while something was wrong, in milliseconds. */
  longestPasswordMs = 0;
  #atRest: Residue | null = null;

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  static async start(options: SandboxOptions = {}): Promise<World> {
    const sandbox = await Sandbox.start(options);
    try {
      writeFileSync(sandbox.path(`/etc/pam.d/${SERVICE}`), STACK);
      await person.pairCard(sandbox);
      const world = new World(sandbox);
      await world.fresh();
      // What scauthd keeps for the logins to come is there after the first ones.
      for (let time = 0; time < 3; time += 1) await world.login();
      return world;
    } catch (error) {
      await sandbox.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.sandbox.stop();
  }

  /** A card with all its tries, which has written nothing down yet. */
  async fresh(): Promise<void> {
    await person.freshCard(this.sandbox);
  }

  held(): Login {
    return new Login(this.sandbox, SERVICE, { withinMs: LOGIN_MS, held: true });
  }

  begun(): Login {
    return new Login(this.sandbox, SERVICE, { withinMs: LOGIN_MS });
  }

  /**
   * Answers what is asked, to the end.
   * @param asked a question that stands already
   * @throws Hangs, Crashed
   */
  async answer(login: Login, typed: Typed = {}, asked: string | null = null): Promise<Outcome> {
    const { pin = this.sandbox.pin, password = this.sandbox.password } = typed;
    let byCard = true;
    for (
      let question = asked ?? (await login.question());
      question !== null;
      question = await login.question()
    ) {
      const isPin = person.PIN_PROMPT.test(question);
      if (!isPin && person.PASSWORD_PROMPT.test(question)) byCard = false;
      login.answer({ text: isPin ? pin : byCard ? '' : password });
    }
    const { letIn } = await login.end();
    return { letIn, byCard: letIn && byCard };
  }

  login(typed: Typed = {}): Promise<Outcome> {
    return this.answer(this.begun(), typed);
  }

  /** Who would rather use the password types it at whatever is asked. @returns what was wrong with that */
  async byPassword(): Promise<string[]> {
    const from = performance.now();
    const { password } = this.sandbox;
    const login = new Login(this.sandbox, SERVICE, { withinMs: PASSWORD_MS });
    const { letIn } = await this.answer(login, { pin: password, password });
    this.longestPasswordMs = Math.max(this.longestPasswordMs, performance.now() - from);
    return letIn ? [] : ['a right password does not let in'];
  }

  /** The APDUs since fresh() that prove the key: a signature after a right PIN. */
  async proofs(): Promise<number> {
    return proofsIn(await this.sandbox.card.log());
  }

  /** What must hold of logins while something is wrong. @returns what does not */
  async ordeal(): Promise<string[]> {
    await this.fresh();
    const problems: string[] = [];
    const right = await this.login();
    if (!right.letIn) problems.push('neither a right PIN nor a right password lets in');
    problems.push(...(await this.unproved(right)));
    if ((await this.login(MISTYPED)).letIn) problems.push('let in with a wrong PIN and a wrong password');
    return [...problems, ...(await this.byPassword())];
  }

  /** So many at once, with right PINs and passwords. @returns what was wrong with any of them */
  async crowd(count: number): Promise<string[]> {
    await this.fresh();
    const all = await Promise.all(Array.from({ length: count }, () => this.login()));
    const byCard = all.filter((one) => one.byCard).length;
    const proofs = await this.proofs();
    return [
      ...(all.every(({ letIn }) => letIn) ? [] : ['of a crowd not all get in']),
      ...(byCard <= proofs
        ? []
        : [`of a crowd ${byCard} get in by card, and the card has proved ${proofs} times`]),
    ];
  }

  /** Who was let in by card since fresh(), and nobody else was, had one proof. */
  async unproved({ byCard }: Outcome): Promise<string[]> {
    const proofs = await this.proofs();
    return byCard && proofs !== 1 ? [`let in by card, and the card has proved ${proofs} times`] : [];
  }

  /** From now on nothing may be left: of scauthd's descriptors, of its memory, of processes. */
  async rest(): Promise<void> {
    this.#atRest = await this.#residue();
  }

  /** All that must hold once everything runs again and nobody logs in. @returns what does not */
  async check(): Promise<string[]> {
    const problems: string[] = [];
    for (const [what, holds] of INVARIANTS)
      try {
        const problem = await holds(this);
        if (problem !== null) problems.push(`${what}: ${problem}`);
      } catch (error) {
        problems.push(`${what}: ${String(error)}`);
      }
    return problems;
  }

  /** What must hold at the end of many: the log as it is verified, and what is left. @returns what does not */
  async checkAll(): Promise<string[]> {
    const problems: string[] = [];
    const { stdout, stderr } = await this.sandbox.exec(['sc_auth', 'audit', 'verify', '--json']);
    const { faults } = JSON.parse(stdout || '{}') as { faults?: { kind: string }[] };
    if (faults === undefined) problems.push(`the log cannot be verified: ${stderr}`);
    for (const fault of faults ?? [])
      if (!SAID_BY_ITSELF.has(fault.kind)) problems.push(`the log: ${JSON.stringify(fault)}`);
    if (this.#atRest !== null) problems.push(...(await this.#left(this.#atRest)));
    return problems;
  }

  async #left(before: Residue): Promise<string[]> {
    const until = performance.now() + SETTLE_MS;
    for (;;) {
      const problems = grown(before, await this.#residue());
      if (problems.length === 0 || performance.now() > until) return problems;
      await pause(POLL_MS * 10);
    }
  }

  async #residue(): Promise<Residue> {
    await this.untilAtRest();
    const agent = this.sandbox.agentHostPid;
    if (agent === null) throw new Error(`scauthd does not run:\n${this.sandbox.logs()}`);
    return {
      agent,
      descriptors: readdirSync(`/proc/${agent}/fd`).length,
      memoryMib: ownMib(agent),
      processes: this.sandbox.namespace
        .processes()
        .map(({ name }) => name)
        .sort(),
    };
  }

  /** Nothing comes to the card any more. */
  async untilAtRest(): Promise<void> {
    for (let before = -1; ;) {
      const { apdus, pinVerified } = await this.sandbox.card.state();
      if (apdus === before && !pinVerified) return;
      before = apdus;
      await pause(POLL_MS);
    }
  }
}

/** By it a card that is read again shows that it is the same; it wants no PIN. SP 800-73-4 part 1, table 4b. */
const CARD_KEY = 0x9e;

export function proofsIn(log: readonly LogEntry[]): number {
  let isVerified = false;
  let proofs = 0;
  for (const entry of log) {
    const name = person.nameOf(entry);
    if (name === 'VERIFY') isVerified = entry.sw === 0x9000;
    else if (name === 'DE-VERIFY') isVerified = false;
    else if (name === 'GENERAL AUTHENTICATE' && isVerified && entry.sw === 0x9000 && entry.p2 !== CARD_KEY)
      proofs += 1;
  }
  return proofs;
}

/** What must hold after each fault; null where it does. */
const INVARIANTS: readonly (readonly [what: string, holds: (world: World) => Promise<string | null>])[] = [
  [
    'the card is not left verified',
    async ({ sandbox }) => {
      const status = await strangerSignStatus(sandbox);
      return status === '6982' ? null : `another program gets ${status}`;
    },
  ],
  [
    'the table is whole',
    ({ sandbox }) => {
      // SQLite would follow the path out of the sandbox.
      const folder = mkdtempSync(join(tmpdir(), 'scauth-table-'));
      try {
        for (const suffix of ['', '-wal']) {
          const path = sandbox.path(`${SHARE}/state/scauth.db${suffix}`);
          if (existsSync(path)) copyFileSync(path, join(folder, `scauth.db${suffix}`));
        }
        const database = new DatabaseSync(join(folder, 'scauth.db'));
        const words = database.prepare('PRAGMA integrity_check').all().map(Object.values).flat();
        const [rows] = database.prepare('SELECT count(*) AS rows FROM pairing').all();
        database.close();
        const said = `${words.join(', ')}; ${String(rows?.['rows'])} pairings`;
        return Promise.resolve(said === 'ok; 1 pairings' ? null : said);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  ],
  [
    'the next card works at the first try',
    async (world) => {
      const before = await world.proofs();
      const { byCard } = await world.login();
      if (byCard && (await world.proofs()) === before + 1) return null;
      return `it does not\n${world.sandbox.agentLog().split('\n').slice(-12).join('\n')}`;
    },
  ],
];

interface Residue {
  readonly agent: number;
  readonly descriptors: number;
  readonly memoryMib: number;
  /** Names of programs, sorted. */
  readonly processes: readonly string[];
}

function grown(before: Residue, now: Residue): string[] {
  const problems: string[] = [];
  if (now.processes.join() !== before.processes.join())
    problems.push(`processes: ${now.processes.join()} instead of ${before.processes.join()}`);
  // Another scauthd has its own.
  if (now.agent !== before.agent) return problems;
  if (now.descriptors > before.descriptors)
    problems.push(`${now.descriptors} descriptors of scauthd instead of ${before.descriptors}`);
  const more = now.memoryMib - before.memoryMib;
  if (more > MOST_GROWTH_MIB) problems.push(`scauthd has ${more.toFixed(1)} MiB more`);
  return problems;
}
