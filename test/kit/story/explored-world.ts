// The machine in which two logins meet, for explored.ts: the real login and account phase, with fake parts that each wait
// until their step is taken.

import { AgentError } from '../../../agent/base/errors.ts';
import { Pin } from '../../../agent/base/pin.ts';
import type { AuthDecision } from '../../../agent/model/decision.ts';
import { TryMemory, type PinTries } from '../../../agent/model/card/pin-tries.ts';
import type { AuthRequest, Happened } from '../../../agent/model/request.ts';
import type { Conversation } from '../../../agent/stories/card/conversation.ts';
import { LoginMemory } from '../../../agent/stories/enforcement/login-memory.ts';
import { permitEntry, type Entry } from '../../../agent/stories/enforcement/account-phase.ts';
import { Login } from '../../../agent/stories/login/authenticate.ts';
import { LoginLimit } from '../../../agent/stories/login/logins-at-once.ts';
import { serveLogin } from '../../../agent/stories/serve-login.ts';
import type { Challenge } from '../../../agent/model/challenge.ts';
import type { Identity, PinState, PinTry } from '../../../agent/model/card/token.ts';
import type { ProofInHand } from '../../../agent/token/interface.ts';
import { defaultPolicy, type Policy } from '../../../policy/policy.ts';
import type { Signer } from '../../unit/model/signer.ts';
import { enforcedScene, type EnforcedScene } from '../../unit/stories/enforcement/enforcement-fakes.ts';
import { alice, FakeToken, noHelpDesk, noKeyring, pairing, PIN } from './fakes.ts';
import { policyWith } from './policy-with.ts';
import { victim } from './run-login.ts';
import { serveParts } from './served.ts';

/** Somebody at a prompt for alice: what they type as PIN, one after the other, and whether they agree to a last try. */
export interface Typist {
  readonly pins: readonly string[];
  readonly agrees: boolean;
}

/** `unreached`: who has not asked yet finds no way to scauthd (a flood), and reaches it in the account phase. */
export const INCIDENTS = [
  ...(['unpair', 'reload', 'removal', 'crash', 'unreached', 'enforce-off', 'enforce-on'] as const),
];
export type Incident = (typeof INCIDENTS)[number];

export interface Scenario {
  readonly people: readonly Typist[];
  /** Each happens once, at any time. */
  readonly incidents?: readonly Incident[];
  /** At the beginning; 3 if absent. */
  readonly triesLeft?: number;
  /** `login.try_reserve`; the default if absent. */
  readonly reserve?: number;
  /** Signs instead of the paired key: the card is a copy. */
  readonly signer?: Signer;
}

export const WRONG = '111111';
const TRIES = 3;
const FIRST_PID = 100;
const ROOT = { pid: 1, uid: 0, gid: 0 };
const TRIAL_MINUTES = 5;
const NO_CODE = { salt: Buffer.alloc(16), hash: Buffer.alloc(32) };
/** After a reload: no service may use cards. */
const WITHOUT_CARDS = policyWith({ login: { services: [] } });

/** One step that somebody waits for. */
export interface Step {
  readonly label: string;
  readonly take: () => void;
  readonly drop: () => void;
}

/** What became of one of them. */
interface Course {
  readonly typist: Typist;
  /** Each step and what it came to: with the world it is all that goes on depends on. */
  readonly history: string[];
  decision: AuthDecision | null;
  entry: Entry | null;
  /** The card has signed a challenge of this conversation, with the right PIN; `in vain`: it could not count any more. */
  proved: 'no' | 'in vain' | 'allowed';
  /** How many tries were left when they agreed to use one of the last; null: they have not. */
  agreedAt: number | null;
  /** scauthd was not reached, or ended in the middle: whatever its login would have come to, nobody hears of it. */
  lost: boolean;
  /** What held at some moment of the account phase. */
  wasOff: boolean;
}

function noteOf(result: unknown): string {
  return Array.isArray(result) ? String(result.length) : JSON.stringify([result]);
}

/** A card whose every exchange waits for its turn; the tries are counted by scauthd's own code. */
class ExploredToken extends FakeToken {
  readonly #world: World;
  readonly #course: Course;

  constructor(world: World, course: Course) {
    super(victim);
    this.#world = world;
    this.#course = course;
  }

  override get lastPinState(): PinState {
    return this.#world.tries.state;
  }

  override async pinState(): Promise<PinState> {
    this.#world.tries.heard(await this.#count('look at the tries'));
    return this.#world.tries.state;
  }

  #count(what: string): Promise<PinState> {
    return this.#exchange(what, () => ({ triesLeft: this.#world.left, triesTotal: TRIES }));
  }

  #exchange<T>(what: string, act: () => T): Promise<T> {
    return this.#world.step(this.#course, what, () => {
      if (!this.#world.cardIsIn) throw new AgentError('no-card');
      return act();
    });
  }

  override async prove(_identity: Identity, challenge: Challenge, attempt: PinTry): Promise<ProofInHand> {
    await this.#verify(attempt);
    await this.#exchange('sign', () => {
      this.#course.proved = this.#world.isAllowed ? 'allowed' : 'in vain';
    });
    const proof = (this.#world.scenario.signer ?? victim).sign(challenge.message());
    return { proof, released: Promise.resolve('reset') };
  }

  #verify({ pin, permit }: PinTry): Promise<void> {
    if (pin === null) throw new Error('there is no PIN pad');
    const typed = pin.peek((bytes) => bytes.toString());
    pin.wipe();
    const { tries } = this.#world;
    return tries.spend(permit, async (admit) => {
      await admit(() => this.#count('count the tries'));
      await this.#exchange('verify', () => {
        this.#world.verified(this.#course, typed);
      });
    });
  }
}

/** The machine, as far as the two meet in it. */
export class World {
  readonly scenario: Scenario;
  readonly scene: EnforcedScene;
  readonly courses: Course[] = [];
  readonly faults: string[] = [];
  waiting: Step[] = [];
  /** Of logins that nobody hears of any more. */
  readonly abandoned: Step[] = [];
  incidents: readonly Incident[];
  cardIsIn = true;
  left: number;
  policy: Policy;
  tries: PinTries;
  #memory: LoginMemory;
  #limit = new LoginLimit();
  #began = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.left = scenario.triesLeft ?? TRIES;
    this.policy = policyWith({ login: { tryReserve: scenario.reserve ?? defaultPolicy.login.tryReserve } });
    this.incidents = scenario.incidents ?? [];
    this.scene = enforcedScene();
    this.scene.pairings.rows.push(pairing(alice.name, victim.publicKey));
    const startsOff = this.incidents.includes('enforce-on') && !this.incidents.includes('enforce-off');
    this.scene.table.state = startsOff ? { kind: 'off' } : { kind: 'on', sinceMs: 0, by: 'root' };
    this.tries = this.#newTries();
    this.#memory = this.#newMemory();
    for (const [index, typist] of scenario.people.entries()) this.#enter(index, typist);
  }

  #newTries(): PinTries {
    const tries = new TryMemory(this.scene.clock).of('alice');
    tries.heard({ triesLeft: this.left, triesTotal: TRIES });
    return tries;
  }

  /** The programs that ask were started before the scauthd that comes after a crash. */
  #newMemory(): LoginMemory {
    const startedAt = this.#began++ === 0 ? 0 : 2;
    return new LoginMemory(this.scene.clock, (pid) => ({
      ...{ pid, parentPid: 1, terminal: 0, startedAt: pid === process.pid ? startedAt : 1 },
    }));
  }

  /** Waits until the explorer takes this step; `act` then finds the world as it is. */
  step<T>(course: Course, what: string, act: () => T): Promise<T> {
    const index = this.courses.indexOf(course);
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        this.waiting = this.waiting.filter((one) => one !== step);
        settle();
      };
      const step: Step = {
        label: `${index}: ${what}`,
        take: () => {
          done(() => {
            try {
              const result = act();
              course.history.push(`${what}: ${noteOf(result)}`);
              resolve(result);
            } catch (error) {
              course.history.push(`${what}: ${String(error)}`);
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          });
        },
        drop: () => {
          done(() => {
            reject(new AgentError('cancelled'));
          });
        },
      };
      this.waiting.push(step);
    });
  }

  #enter(index: number, typist: Typist): void {
    const course: Course = {
      ...{ typist, history: [], decision: null, entry: null, proved: 'no', agreedAt: null },
      ...{ lost: false, wasOff: false },
    };
    this.courses.push(course);
    void this.step(course, 'ask scauthd', () => undefined)
      .then(() => this.#login(index, course))
      .catch(() => undefined);
  }

  #request(index: number, phase: AuthRequest['phase']): AuthRequest {
    const peer = { pid: FIRST_PID + index, uid: 0, gid: 0 };
    const names = { service: 'sudo', user: alice.name, tty: '/dev/pts/1', rhost: null, ruser: null };
    return { id: `r${index}`, phase, ...names, flags: 0, peer };
  }

  #person(course: Course, happened: Happened): Conversation {
    const pins = [...course.typist.pins];
    return {
      ask: (text, echo) =>
        this.step(course, echo ? 'answer the question' : 'type', () => {
          if (happened !== 'nothing') return null;
          if (echo && course.typist.agrees) course.agreedAt = this.left;
          const typed = echo ? (course.typist.agrees ? 'yes' : 'no') : pins.shift();
          return typed === undefined ? null : new Pin(Buffer.from(typed));
        }),
      tell: () => undefined,
      recall: () => Promise.resolve(happened),
    };
  }

  async #login(index: number, course: Course): Promise<void> {
    const { scene } = this;
    const token = new ExploredToken(this, course);
    const request = this.#request(index, 'authenticate');
    const memory = this.#memory;
    const parts = {
      ...scene,
      policy: () => this.policy,
      tokens: {
        present: () => this.step(course, 'look for the card', () => (this.cardIsIn ? [token] : [])),
      },
      audit: { record: () => this.step(course, 'log', () => undefined) },
      loginUidOf: () => alice.uid,
      driverGate: () => true,
      passwordInstead: () => 'no' as const,
      ...{ keyring: noKeyring, helpDesk: noHelpDesk },
    };
    const person = this.#person(course, 'nothing');
    const serving = serveParts({
      ...{ policy: parts.policy, log: scene.log, clock: scene.clock, pairings: scene.pairings },
      ...{ memory, limit: this.#limit },
      login: () => new Login(request, person, parts).run(),
    });
    const { decision, password } = await serveLogin(request, person, serving);
    password?.wipe();
    if (course.lost) return;
    course.decision = decision;
    if (decision.kind === 'granted') this.#granted(course);
    this.#thenAccount(index, course, 'verdict');
  }

  #granted(course: Course): void {
    if (course.proved !== 'allowed')
      this.faults.push(`a grant; the card has signed in this conversation: ${course.proved}`);
    if (this.scenario.signer !== undefined)
      this.faults.push('a grant by another key than the one that is paired');
  }

  /** Whoever gets no card login in types the account's password, which is right. */
  #thenAccount(index: number, course: Course, happened: Happened): void {
    void this.step(course, 'account phase', () => undefined)
      .then(() => this.#account(index, course, happened))
      .catch(() => undefined);
  }

  async #account(index: number, course: Course, happened: Happened): Promise<void> {
    const parts = { ...this.scene, policy: () => this.policy, memory: this.#memory };
    course.wasOff ||= !this.#isOn;
    const entry = await permitEntry(this.#request(index, 'account'), this.#person(course, happened), parts);
    course.wasOff ||= !this.#isOn;
    course.entry = entry;
    const cardsAreOff = this.policy === WITHOUT_CARDS;
    if (entry === 'permitted' && course.decision?.kind !== 'granted' && !course.wasOff && !cardsAreOff)
      this.faults.push(`let in by the account phase without the card (${happened})`);
    if (entry !== 'permitted' && course.decision?.kind === 'granted' && !course.lost && !this.#crashed)
      this.faults.push(`shut out after a grant: ${entry}`);
  }

  /** Whether a card login of alice's may end in a yes now. */
  get isAllowed(): boolean {
    return this.scene.pairings.rows.length > 0 && this.policy !== WITHOUT_CARDS;
  }

  get #isOn(): boolean {
    return this.scene.table.state.kind !== 'off';
  }

  get #crashed(): boolean {
    return this.#began > 1;
  }

  /** The card gets a PIN. */
  verified(course: Course, typed: string): void {
    const reserve = this.policy.login.tryReserve;
    if (this.left <= reserve && (course.agreedAt === null || this.left < course.agreedAt))
      this.faults.push(`a PIN was sent with ${this.left} tries left and without a yes to that`);
    if (this.left === 0) throw new AgentError('pin-blocked');
    if (typed === PIN) {
      this.left = TRIES;
      return;
    }
    this.left -= 1;
    throw new AgentError('wrong-pin', { triesLeft: this.left });
  }

  happen(incident: Incident): void {
    this.incidents = this.incidents.filter((one) => one !== incident);
    const { enforcement, pairings } = this.scene;
    switch (incident) {
      case 'unpair':
        pairings.remove(alice.name, null);
        return;
      case 'reload':
        this.policy = WITHOUT_CARDS;
        return;
      case 'removal':
        this.cardIsIn = false;
        return;
      case 'enforce-on':
        this.#apply(enforcement.startTrial(TRIAL_MINUTES, 'root', NO_CODE, ROOT));
        return;
      case 'enforce-off':
        this.#apply(enforcement.turnOff(ROOT));
        return;
      case 'unreached':
        this.#lose((course) => course.history.length === 0);
        return;
      case 'crash':
        this.#crash();
    }
  }

  #apply(change: Promise<unknown>): void {
    void change.then(() => {
      if (!this.#isOn) for (const course of this.courses) course.wasOff ||= course.entry === null;
    });
  }

  /** Nobody hears of what was under way; the programs go on to their account phase, with the next scauthd. */
  #crash(): void {
    this.#lose((course) => course.history.length > 0);
    this.tries = this.#newTries();
    this.#memory = this.#newMemory();
    this.#limit = new LoginLimit();
  }

  /** The logins in course of which this holds get no answer. */
  #lose(holds: (course: Course) => boolean): void {
    for (const [index, course] of this.courses.entries()) {
      if (course.decision !== null || !holds(course)) continue;
      this.abandoned.push(...this.waiting.filter(({ label }) => label.startsWith(`${index}:`)));
      this.waiting = this.waiting.filter((step) => !this.abandoned.includes(step));
      course.lost = true;
      course.decision = { kind: 'cancelled' };
      this.#thenAccount(index, course, 'no-verdict');
    }
  }

  /** All on which what happens from here on depends. */
  get state(): string {
    const { left, cardIsIn, incidents, courses, waiting, scene } = this;
    return JSON.stringify([
      ...[left, cardIsIn, incidents, this.tries.state, this.policy === WITHOUT_CARDS, scene.table.state.kind],
      ...[scene.pairings.rows.length, waiting.map(({ label }) => label).sort()],
      courses.map(({ history, agreedAt, proved, lost, wasOff, entry }) => [
        ...[history, agreedAt, proved, lost, wasOff, entry],
      ]),
    ]);
  }
}
