// Drivers of the kind `token`: their processes have tokens of their own (PKCS#11 modules talk to pcscd by themselves).
// Each process has one reader's tokens, or those that are in none, and runs only while there are any: a card that does not
// answer, or at which a module ends, costs no other card. After a call with a PIN the card is reset, and when nobody asks for a
// while, the driver lets go of it. Specification: DRIVERS.md, "Kind token".

import { AgentError, asAgentError } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import type { Pin } from '../../base/pin.ts';
import { TryMemory, type Admit, type ToldTries } from '../../model/card/pin-tries.ts';
import type { CardPin } from '../../model/card/token.ts';
import type { CardSlot } from '../../pcsc/channel.ts';
import type { CardLeft, ProofInHand, SlotDriver, Token } from '../interface.ts';
import * as A from './answers.ts';
import type { JsonObject } from './frames.ts';
import { DriverProcess, type CallOptions, type DriverProgram } from './driver-process.ts';
import type { KeyChange, TokenBackend } from './backend.ts';
import { addressOf, PluginToken } from './token.ts';

const LOOK_MS = 10_000;
const PIN_STATE_MS = 10_000;
const PROVE_MS = 15_000;
/** A chip makes a key. */
const KEYS_MS = 30_000;
/** Where the person types on the reader. */
const PROVE_ON_READER_MS = 90_000;
/** After its last answer a driver lets go of the card: nobody else could open it exclusively. */
const REST_AFTER_MS = 2000;

export interface SlotProgram extends DriverProgram {
  /** Whether it may have tokens that are in no reader. */
  readonly standing: boolean;
}

/** What is known of the PINs' tries, of all programs together. */
interface Tries {
  readonly inReaders: TryMemory;
  readonly inNone: TryMemory;
}

/** The place of a token that is in no reader. */
class NoReader implements CardSlot {
  readonly reader: string;
  readonly atr = Buffer.alloc(0);

  constructor(reader: string) {
    this.reader = reader;
  }

  open(): Promise<never> {
    return Promise.reject(new AgentError('no-card', { detail: 'this token is in no reader' }));
  }
}

export class SlotPlugin implements SlotDriver {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly #programs: readonly SlotProgram[];
  readonly #log: (line: string) => void;
  readonly #tries: Tries = { inReaders: new TryMemory(), inNone: TryMemory.ofTpm() };
  /** By reader; null: of what is in none. A part without tokens remembers why it failed. */
  readonly #parts = new Map<string | null, readonly Part[]>();
  #lost: (tokens: readonly Token[]) => void = () => undefined;

  constructor(
    about: Pick<SlotDriver, 'id' | 'version' | 'displayName'>,
    programs: readonly SlotProgram[],
    log: (line: string) => void,
  ) {
    this.id = about.id;
    this.version = about.version;
    this.displayName = about.displayName;
    this.#programs = programs;
    this.#log = log;
  }

  #partsAt(reader: string | null): readonly Part[] {
    const known = this.#parts.get(reader);
    if (known !== undefined) return known;
    const programs = reader === null ? this.#programs.filter(({ standing }) => standing) : this.#programs;
    const made = programs.map(
      (program) =>
        new Part(program, {
          tries: this.#tries,
          log: this.#log,
          lost: (tokens) => {
            this.#lost(tokens);
          },
          named: (serial) =>
            this.#all().reduce((sum, part) => sum + (part.program === program ? part.named(serial) : 0), 0),
        }),
    );
    this.#parts.set(reader, made);
    return made;
  }

  #all(): Part[] {
    return [...this.#parts.values()].flat();
  }

  /** What does not work now or did not, for diagnosis. */
  problems(): string[] {
    return [...new Set(this.#all().flatMap(({ process }) => process.problems))];
  }

  /** The same of what does not work now. */
  failing(): string[] {
    return [...new Set(this.#all().flatMap(({ process }) => process.lastFailure?.detail ?? []))];
  }

  /** The first part that has tokens there has the card. A part that fails is passed over, and told if no other has it. */
  async tokensIn(slot: CardSlot): Promise<readonly Token[]> {
    let failure: AgentError | null = null;
    for (const part of this.#partsAt(slot.reader)) {
      try {
        const tokens = await part.look(slot);
        if (tokens.length > 0) return tokens;
      } catch (error) {
        failure ??= asAgentError(error);
      }
    }
    if (failure !== null) throw failure;
    return [];
  }

  gone(slot: CardSlot): void {
    for (const part of this.#parts.get(slot.reader) ?? []) part.forget(slot);
  }

  async standing(): Promise<readonly Token[]> {
    const found: Token[] = [];
    let failure: AgentError | null = null;
    for (const part of this.#partsAt(null)) {
      try {
        found.push(...(await part.look(null)));
      } catch (error) {
        failure ??= asAgentError(error);
      }
    }
    if (failure !== null && found.length === 0) throw failure;
    return found;
  }

  async newToken(label: string, pin: Pin): Promise<void> {
    let failure = new AgentError('not-supported', { detail: 'no program has tokens in no reader' });
    try {
      for (const part of this.#partsAt(null)) {
        try {
          await part.newToken(label, pin.copy());
          return;
        } catch (error) {
          failure = asAgentError(error);
          if (failure.code !== 'not-supported') break;
        }
      }
      throw failure;
    } finally {
      pin.wipe();
    }
  }

  onLost(listener: (tokens: readonly Token[]) => void): void {
    this.#lost = listener;
  }

  close(): void {
    for (const part of this.#all()) part.close();
  }
}

interface PartContext {
  readonly tries: Tries;
  readonly log: (line: string) => void;
  readonly lost: (tokens: readonly Token[]) => void;
  /** How many tokens of the program, in whatever readers, say this serial number. */
  readonly named: (serial: string) => number;
}

/** One process and the tokens that it has, of one reader or of none. */
class Part {
  readonly program: SlotProgram;
  readonly process: DriverProcess;
  readonly tries: Tries;
  readonly #context: PartContext;
  #tokens: SeenToken[] = [];
  #rest: NodeJS.Timeout | null = null;

  constructor(program: SlotProgram, context: PartContext) {
    this.program = program;
    this.tries = context.tries;
    this.#context = context;
    this.process = new DriverProcess(program, context.log, () => {
      this.#lose(this.#tokens);
    });
  }

  /** How many of its tokens say this serial number. */
  named(serial: string): number {
    return this.#tokens.filter(({ address }) => address.token === serial).length;
  }

  /** @param slot null: the tokens that are in no reader */
  async look(slot: CardSlot | null): Promise<readonly Token[]> {
    const place = slot === null ? {} : { reader: slot.reader, atr: toHex(slot.atr) };
    try {
      const described = await this.#call(
        'look',
        place,
        { deadlineMs: LOOK_MS, late: 'card-timeout' },
        (answer) =>
          A.parseAnswer(A.lookAnswer, answer, 'look').tokens.map((token) =>
            A.describeToken(this.program.id, token),
          ),
      );
      this.#tokens = described.map((token) => new SeenToken(this, token, slot ?? new NoReader(token.label)));
      return this.#tokens.map(({ token }) => token);
    } finally {
      this.#endIfIdle();
    }
  }

  /** It is seen by the next look. */
  async newToken(label: string, pin: Pin): Promise<void> {
    try {
      await this.#call('newToken', { label }, { deadlineMs: KEYS_MS, secret: pin }, A.emptyOf);
    } catch (error) {
      this.#endIfIdle();
      throw error;
    }
  }

  /** Tokens that are gone; without any, the process ends. */
  forget(slot: CardSlot): void {
    this.#tokens = this.#tokens.filter((token) => token.slot !== slot);
    this.#endIfIdle();
  }

  close(): void {
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = null;
    this.process.kill();
  }

  #endIfIdle(): void {
    if (this.#tokens.length > 0 || !this.process.running) return;
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = null;
    void this.process.end();
  }

  /**
   * Asks about one token that was seen. It is looked at when its turn has come, and not only when it was asked: the card
   * may have gone while others had theirs.
   * @throws AgentError `no-card` for a token that is gone, `card-changed` for one that the driver cannot tell from another
   */
  async ask<T>(
    of: SeenToken,
    method: string,
    params: JsonObject,
    options: CallOptions,
    parse: (answer: JsonObject) => T,
  ): Promise<T> {
    const stillMeant = (): void => {
      if (!this.#tokens.includes(of)) throw new AgentError('no-card', { detail: 'the token is gone' });
      const { token: serial, place } = of.address;
      if (place === undefined && this.#context.named(serial) > 1)
        throw new AgentError('card-changed', {
          detail: `two tokens ${serial}, and the driver names no place`,
        });
    };
    try {
      return await this.#call(method, { ...of.address, ...params }, { ...options, stillMeant }, parse);
    } catch (error) {
      // Two tokens without a place would be the same two after another look.
      if (asAgentError(error).code === 'card-changed' && of.address.place !== undefined)
        this.#lose(this.#tokens.filter(({ slot }) => slot === of.slot));
      throw error;
    }
  }

  /** What is there is not what was seen, or nobody can ask it any more: it is looked at again. */
  #lose(lost: readonly SeenToken[]): void {
    this.#tokens = this.#tokens.filter((token) => !lost.includes(token));
    if (lost.length > 0) this.#context.lost(lost.map(({ token }) => token));
  }

  async #call<T>(
    method: string,
    params: JsonObject,
    options: CallOptions,
    parse: (answer: JsonObject) => T,
  ): Promise<T> {
    if (this.#rest !== null) clearTimeout(this.#rest);
    try {
      return await this.process.call(method, params, options, parse);
    } finally {
      if (this.#rest !== null) clearTimeout(this.#rest);
      this.#rest = setTimeout(() => {
        this.#rest = null;
        if (this.process.running)
          this.process.call('rest', {}, { deadlineMs: PIN_STATE_MS }, A.emptyOf).catch(() => undefined);
      }, REST_AFTER_MS);
    }
  }
}

/** A token there where one look has seen it; the next look makes another of it. */
class SeenToken implements TokenBackend {
  readonly token: PluginToken;
  readonly slot: CardSlot;
  readonly address: ReturnType<typeof addressOf>;
  readonly #part: Part;

  constructor(part: Part, described: A.DescribedToken, slot: CardSlot) {
    this.#part = part;
    this.slot = slot;
    this.address = addressOf(described);
    const tries = slot instanceof NoReader ? part.tries.inNone : part.tries.inReaders;
    this.token = new PluginToken(described, slot, part.program.id, this, tries);
  }

  async pinState(pin: string): Promise<ToldTries> {
    return this.#part.ask(this, 'pinState', { pin }, { deadlineMs: PIN_STATE_MS }, A.pinStateOf);
  }

  async sign(
    key: string,
    pin: CardPin,
    message: Buffer,
    secret: Pin | null,
    admit: Admit,
  ): Promise<ProofInHand> {
    const params = { key, pin: pin.id, message: message.toString('base64') };
    await admit(() => this.pinState(pin.id));
    try {
      const proof = await this.#part.ask(this, 'sign', params, proveOptions(pin, secret), A.proofOf);
      return { proof, released: resetCard(this.slot) };
    } catch (error) {
      await resetCard(this.slot);
      throw error;
    }
  }

  async verifyPin(pin: CardPin, secret: Pin | null, admit: Admit): Promise<void> {
    await admit(() => this.pinState(pin.id));
    try {
      await this.#part.ask(this, 'verifyPin', { pin: pin.id }, proveOptions(pin, secret), A.emptyOf);
    } finally {
      await resetCard(this.slot);
    }
  }

  async changeKeys<T>(
    { method, params }: KeyChange,
    pin: CardPin,
    secret: Pin | null,
    admit: Admit,
    parse: (answer: JsonObject) => T,
  ): Promise<T> {
    await admit(() => this.pinState(pin.id));
    const options = { ...proveOptions(pin, secret), deadlineMs: KEYS_MS };
    return this.#part.ask(this, method, { ...params, pin: pin.id }, options, parse);
  }

  async changePin(pin: CardPin, old: Pin, next: Pin, admit: Admit): Promise<void> {
    await admit(() => this.pinState(pin.id));
    const options = { deadlineMs: PROVE_MS, secret: old, newSecret: next };
    try {
      await this.#part.ask(this, 'changePin', { pin: pin.id }, options, A.emptyOf);
    } finally {
      await resetCard(this.slot);
    }
  }
}

function proveOptions(pin: CardPin, secret: Pin | null): CallOptions {
  const deadlineMs = pin.entry === 'reader' ? PROVE_ON_READER_MS : PROVE_MS;
  return { deadlineMs, ...(secret !== null && { secret }) };
}

/** Whatever the driver has done, a card that could be reset is unverified after this. Never rejects. */
async function resetCard(slot: CardSlot): Promise<CardLeft> {
  if (slot instanceof NoReader) return 'unknown';
  try {
    const channel = await slot.open();
    return (await channel.close('reset')) ? 'reset' : 'unknown';
  } catch {
    // Out of the reader, or held by another program, which has the card to itself then.
    return 'unknown';
  }
}
