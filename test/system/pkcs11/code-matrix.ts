// A module that answers any CKR_… to any call, and what a person has of it who logs in meanwhile: scauthd's registry,
// driver and stories with the driver's own process, and a login by a card of another module beside it. Only readers,
// person and log are fakes.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AgentError } from '../../../agent/base/errors.ts';
import { Pin } from '../../../agent/base/pin.ts';
import type { Token } from '../../../agent/token/interface.ts';
import { failureOfCode } from '../../../agent/token/pkcs11/failure.ts';
import { SlotPlugin, type SlotProgram } from '../../../agent/token/plugin/slot-driver.ts';
import { TokenRegistry } from '../../../agent/token/registry.ts';
import { aloofSlot, FakeReaders } from '../../kit/story/card-events.ts';
import { alice, bob, FakePairings, pairing, PIN, type Answer } from '../../kit/story/fakes.ts';
import { runLogin, type Seen } from '../../kit/story/run-login.ts';
import { buildShim, PROGRAM, ShimFolder } from './shim.ts';

const WRONG = '000000';
/** Far more than any of it takes; what is not over by then never is. */
const MOST_MS = 120_000;
/** How soon a person tries again where nothing changes. */
const AGAIN_MS = 1000;
const LAST_TRY = ['tries 3', 'flags always'];
/** Readers, called as the tokens in them. SPARE's card stays in, so that the module's process goes on. */
const ALICES = 'Office';
const SPARE = 'Spare';
const BOBS = 'Other';

/** What makes and deletes keys in the machine's chip: no login calls them, and key-matrix.ts does. */
export const MAKES_KEYS = [
  'C_CreateObject',
  'C_DestroyObject',
  'C_GenerateKeyPair',
  'C_InitPIN',
  'C_InitToken',
] as const;

/** Every function of PKCS#11 that our driver names, and a login, a look or a new PIN may call. */
export function calledFunctions(): string[] {
  const folder = join(import.meta.dirname, '../../../agent/token/pkcs11');
  const text = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const named = new Set(text.join('\n').match(/\bC_[A-Z]\w+/g));
  return [...named].filter((name) => !MAKES_KEYS.some((other) => other === name)).sort();
}

/** After these a signature may be there all the same: it is verified, and nothing else is asked of them. */
const MAY_BE_GRANTED = new Set([
  ...['C_Finalize', 'C_Initialize', 'C_Logout', 'C_CloseAllSessions'],
  'C_GetInfo', // whose module it is, and no more
]);

/** Where these fail the driver's process ends, and is started again later each time. */
export const STARTS_ANEW = new Set(['C_GetFunctionList', 'C_Initialize']);

export interface Misbehaviour {
  readonly what: string;
  readonly code: number;
  /** It does its work all the same. */
  readonly after: boolean;
  /** … and gives another length or count than that of its answer, in hexadecimal, as shim.c reads it. */
  readonly length?: string;
}

/** What gives lists, bytes or attributes, and so a length. */
export const GIVES_LENGTHS = [
  'C_GetSlotList',
  'C_GetMechanismList',
  'C_FindObjects',
  'C_GetAttributeValue',
  'C_Sign',
] as const;

/** None, one too few and too many, more than any card has, more than there is memory, and each sign bit. */
export const LENGTHS = [
  ...['0', '1', '3f', '41', 'ff', '101', 'ffff', '10001', '1000000', '7fffffff', '80000000', 'ffffffff'],
  ...['100000000', '7fffffffffffffff', '8000000000000000', 'ffffffffffffffff'],
] as const;

/** Where it says so: at each call, where it is asked for the length, or where there is a buffer. */
export const WHERE = ['', ' asked', ' given'] as const;

/** A line for shim.c. */
function lineOf({ what, code, after, length }: Misbehaviour): string {
  if (length !== undefined) return `${what} length ${length}`;
  return `${what} ${code.toString(16)}${after ? ' after' : ''}`;
}

function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${what}: no answer`));
    }, MOST_MS);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}

export class CodeMatrix {
  readonly #folders: readonly [ShimFolder, ShimFolder];
  readonly #readers = new FakeReaders();
  readonly #tokens: TokenRegistry;
  readonly #pairings = new FakePairings();
  /** By reader. */
  readonly #seen = new Map<string, Token>();
  readonly log: string[] = [];

  private constructor() {
    const shim = buildShim();
    const user = statSync(import.meta.dirname);
    this.#folders = [
      new ShimFolder([ALICES, SPARE], ['readers by-label']),
      new ShimFolder([BOBS], ['readers by-label']),
    ];
    const programs = this.#folders.map((folder, n): SlotProgram => {
      folder.giveTo(user);
      const argv = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, shim, 'digits'];
      const about = { id: 'org.scauth.pkcs11', name: `module ${n}`, groups: [], standing: false };
      return { ...about, argv, environment: folder.environment, uid: user.uid, gid: user.gid };
    });
    const about = { id: 'org.scauth.pkcs11', version: '1', displayName: 'PKCS#11' };
    const driver = new SlotPlugin(about, programs, (line) => this.log.push(line));
    this.#tokens = new TokenRegistry(this.#readers, [driver]);
    this.#tokens.onChange((event) => {
      if (event.kind === 'token-in') this.#seen.set(event.token.slot.reader, event.token);
      else if (event.kind === 'token-out') this.#seen.delete(event.token.slot.reader);
    });
    this.#readers.tell({ kind: 'service', up: true });
  }

  static async start(): Promise<CodeMatrix> {
    const matrix = new CodeMatrix();
    await matrix.#start();
    return matrix;
  }

  async #start(): Promise<void> {
    for (const [user, reader] of [
      [alice.name, ALICES],
      [bob.name, BOBS],
    ] as const) {
      await this.#putIn(reader);
      const [identity] = this.#in(reader)?.identities ?? [];
      if (identity === undefined) throw new Error(this.log.join('\n'));
      this.#pairings.rows.push(pairing(user, identity.publicKey));
    }
    await this.#putIn(SPARE);
  }

  stop(): void {
    this.#tokens.close();
    for (const folder of this.#folders) folder.remove();
  }

  /**
   * All that may be expected of a person's card logins while and after the module misbehaves.
   * @param hurry what comes back by itself only after some seconds is put in anew
   * @returns what was not so
   */
  async play(misbehaviour: Misbehaviour, hurry = false): Promise<string[]> {
    const { what, code, after, length } = misbehaviour;
    if (what === 'C_SetPIN') return this.#playChange(misbehaviour);
    const problems: string[] = [];
    const hasNoAttributes = what === 'C_GetAttributeValue' && [0x11, 0x12].includes(code);
    const saysNothingIsThere = code === 0 || hasNoAttributes || failureOfCode(code, what).code === 'no-card';
    const how = length === undefined ? `0x${code.toString(16)}${after ? ' after its work' : ''}` : length;
    const named = (where: string): string => `${what} ${how}, ${where}`;
    const say = (where: string, problem: string): void => {
      problems.push(`${named(where)}: ${problem}`);
    };
    const [module] = this.#folders;
    const bad = lineOf(misbehaviour);
    const judge = (where: string, seen: Seen, may: 'granted' | 'not', pins: number): void => {
      if (seen.decision.kind === 'granted' && may === 'not') say(where, 'granted');
      const isNamed = seen.log.some((line) => line.includes('not-supported: '));
      if (seen.outcome.endsWith('internal') && !isNamed) say(where, `no cause: ${seen.log.join('; ')}`);
      if (pins > 1) say(where, `the PIN was sent ${pins} times`);
    };
    /** One login by Alice. */
    const login = async (where: string, may: 'granted' | 'not', ...answers: Answer[]): Promise<number> => {
      const before = module.logins;
      const seen = await inTime(named(where), this.#login(alice.name, answers));
      const pins = module.logins - before;
      judge(where, seen, may, pins);
      return pins;
    };
    const heal = async (where: string): Promise<void> => {
      module.wrong = 0;
      module.misbehave();
      if (saysNothingIsThere || hurry) await this.#putIn(ALICES);
      await inTime(`${named(where)}: it behaves again`, this.#untilIn(ALICES)).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${this.log.slice(-20).join('\n')}`);
      });
      const seen = await inTime(named(where), this.#login(alice.name, types(PIN, true)));
      if (seen.decision.kind !== 'granted') say(where, `then ${seen.outcome}: ${seen.log.join('; ')}`);
    };
    // The list is handed out whatever code comes with it: 0 is a module that does all right.
    const isRight = code === 0 && (after || what === 'C_GetFunctionList');
    const right = MAY_BE_GRANTED.has(what) || isRight ? 'granted' : 'not';

    if (what !== 'C_GetFunctionList') {
      module.wrong = 2;
      module.misbehave(...LAST_TRY);
      await this.#putIn(ALICES);
      module.misbehave(bad, ...LAST_TRY);
      const spent = await login('one try left, and no yes', 'not', ...types(PIN, false));
      if (spent > 0) say('one try left, and no yes', 'it was spent');
      await heal('one try left, and no yes');

      for (const [where, pin, may] of [
        ['a right PIN', PIN, right],
        ['a wrong PIN', WRONG, 'not'],
      ] as const) {
        const atThePrompt = async (): Promise<string> => {
          // What is asked while the person types is over.
          await this.#in(ALICES)
            ?.pinState()
            .catch(() => undefined);
          module.misbehave(bad);
          return pin;
        };
        await login(where, may, atThePrompt);
        const seen = await inTime(named('Bob'), this.#login(bob.name, types(PIN, false)));
        if (seen.decision.kind !== 'granted') say(`${where}, and Bob with another card`, seen.outcome);
        await heal(where);
      }
    } else this.#takeOut(SPARE);

    this.#takeOut(ALICES);
    module.misbehave(bad);
    // Whoever logs in waits for a card that is being read, and not for ever.
    this.#readers.tell({ kind: 'card-in', slot: aloofSlot(ALICES) });
    await login('put in meanwhile', right, ...types(PIN, true));
    await heal('put in meanwhile');
    if (this.#in(SPARE) === undefined) await this.#putIn(SPARE);
    return problems;
  }

  /** The same for a new PIN, which is the old one here. */
  async #playChange(misbehaviour: Misbehaviour): Promise<string[]> {
    const { what, code, after } = misbehaviour;
    const [module] = this.#folders;
    const before = module.logins;
    module.misbehave(lineOf(misbehaviour));
    const change = async (): Promise<string> => {
      const [old, next] = [new Pin(Buffer.from(PIN)), new Pin(Buffer.from(PIN))];
      try {
        await this.#in(ALICES)?.changePin?.({ pin: old, permit: () => undefined }, next);
        return 'done';
      } catch (error) {
        return error instanceof AgentError ? error.code : String(error);
      }
    };
    const bad = await inTime(what, change());
    const pins = module.logins - before;
    module.misbehave();
    await this.#untilIn(ALICES);
    const then = await inTime(what, change());
    const about = `${what} 0x${code.toString(16)}${after ? ' after its work' : ''}`;
    return [
      ...(bad === 'internal' || (bad === 'done' && code !== 0) ? [`${about}: ${bad}`] : []),
      ...(pins === 1 ? [] : [`${about}: sent ${pins} times`]),
      ...(then === 'done' ? [] : [`${about}: then ${then}`]),
    ];
  }

  #login(user: typeof alice.name, answers: readonly Answer[]): Promise<Seen> {
    return runLogin(null, {
      ...{ tokens: this.#tokens, pairings: this.#pairings, request: { user }, answers, lenient: true },
    });
  }

  #in(reader: string): Token | undefined {
    return this.#seen.get(reader);
  }

  #takeOut(reader: string): void {
    this.#readers.tell({ kind: 'card-out', reader, removed: true });
  }

  async #putIn(reader: string): Promise<void> {
    this.#readers.tell({ kind: 'card-in', slot: aloofSlot(reader) });
    await this.#tokens.present(MOST_MS);
  }

  /**
   * Until the card has been read again, by itself or because somebody asks, with nobody's hand on it. Who asks while a look
   * is under way gets that one's answer, and it may have begun before the module behaved: so they ask again.
   */
  async #untilIn(reader: string): Promise<void> {
    while (this.#in(reader) === undefined) {
      await this.#tokens.present(MOST_MS);
      if (this.#in(reader) === undefined) await pause(AGAIN_MS);
    }
  }
}

/** What a person types at each question; `yes`: also "yes" to the last try. */
function types(pin: string, yes: boolean): Answer[] {
  const answer = (text: string): string => (/\byes\b/.test(text) ? (yes ? 'yes' : '') : pin);
  return [answer, answer, answer, answer];
}
