// Drivers of the kind `token`: their processes have tokens of their own (PKCS#11 modules talk to pcscd by themselves).
// Each process runs only while it has a token. After a call with a PIN the card is reset, and when nobody asks for a
// while, the driver lets go of it. Specification: DRIVERS.md, "Kind token".

import { AgentError, asAgentError } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import type { Pin } from '../../base/pin.ts';
import type { CardPin, PinState } from '../../model/token.ts';
import type { CardSlot } from '../../pcsc/channel.ts';
import type { ProofInHand, SlotDriver, Token } from '../interface.ts';
import * as A from './answers.ts';
import type { JsonObject } from './frames.ts';
import { DriverProcess, type CallOptions, type DriverProgram } from './process.ts';
import { PluginToken, type TokenBackend } from './token.ts';

const LOOK_MS = 10_000;
const PIN_STATE_MS = 10_000;
const PROVE_MS = 15_000;
/** Where the person types on the reader. */
const PROVE_ON_READER_MS = 90_000;
/** After its last answer a driver lets go of the card: nobody else could open it exclusively. */
const REST_AFTER_MS = 2000;

export interface SlotProgram extends DriverProgram {
  /** Whether it may have tokens that are in no reader. */
  readonly standing: boolean;
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
  readonly #parts: readonly Part[];
  #lost: (tokens: readonly Token[]) => void = () => undefined;

  constructor(
    about: Pick<SlotDriver, 'id' | 'version' | 'displayName'>,
    programs: readonly SlotProgram[],
    log: (line: string) => void,
  ) {
    this.id = about.id;
    this.version = about.version;
    this.displayName = about.displayName;
    this.#parts = programs.map(
      (program) =>
        new Part(program, log, (tokens) => {
          this.#lost(tokens);
        }),
    );
  }

  /** What does not work now or did not, for diagnosis. */
  problems(): string[] {
    return this.#parts.flatMap(({ process }) => process.problems);
  }

  /** The first part that has tokens there has the card. A part that fails is passed over, and told if no other has it. */
  async tokensIn(slot: CardSlot): Promise<readonly Token[]> {
    let failure: AgentError | null = null;
    for (const part of this.#parts) {
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
    for (const part of this.#parts) part.forget((token) => token.slot === slot);
  }

  async standing(): Promise<readonly Token[]> {
    const found: Token[] = [];
    let failure: AgentError | null = null;
    for (const part of this.#parts.filter(({ program }) => program.standing)) {
      try {
        found.push(...(await part.look(null)));
      } catch (error) {
        failure ??= asAgentError(error);
      }
    }
    if (failure !== null && found.length === 0) throw failure;
    return found;
  }

  onLost(listener: (tokens: readonly Token[]) => void): void {
    this.#lost = listener;
  }

  close(): void {
    for (const part of this.#parts) part.close();
  }
}

/** One process and the tokens that it has. */
class Part implements TokenBackend {
  readonly program: SlotProgram;
  readonly process: DriverProcess;
  #tokens: PluginToken[] = [];
  #rest: NodeJS.Timeout | null = null;

  constructor(program: SlotProgram, log: (line: string) => void, lost: (tokens: readonly Token[]) => void) {
    this.program = program;
    this.process = new DriverProcess(program, log, () => {
      const tokens = this.#tokens;
      this.#tokens = [];
      if (tokens.length > 0) lost(tokens);
    });
  }

  /** @param slot null: the tokens that are in no reader */
  async look(slot: CardSlot | null): Promise<readonly Token[]> {
    const place = slot === null ? {} : { reader: slot.reader, atr: toHex(slot.atr) };
    try {
      const described = await this.#call('look', place, { deadlineMs: LOOK_MS }, (answer) =>
        A.parseAnswer(A.lookAnswer, answer, 'look').tokens.map((token) =>
          A.describeToken(this.program.id, token),
        ),
      );
      const found = described.map(
        (token) => new PluginToken(token, slot ?? new NoReader(token.label), this.program.id, this),
      );
      this.#tokens = [...this.#tokens.filter((token) => !isAt(token, slot)), ...found];
      return found;
    } finally {
      this.#endIfIdle();
    }
  }

  /** Tokens that are gone; without any, the process ends. */
  forget(which: (token: Token) => boolean): void {
    this.#tokens = this.#tokens.filter((token) => !which(token));
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

  async pinState(token: string, pin: string): Promise<PinState> {
    return this.#call('pinState', { token, pin }, { deadlineMs: PIN_STATE_MS }, A.pinStateOf);
  }

  async sign(
    token: string,
    key: string,
    pin: CardPin,
    message: Buffer,
    secret: Pin | null,
  ): Promise<ProofInHand> {
    const params = { token, key, pin: pin.id, message: message.toString('base64') };
    const slot = this.#slotOf(token);
    try {
      const proof = await this.#call('sign', params, proveOptions(pin, secret), A.proofOf);
      return { proof, released: resetCard(slot) };
    } catch (error) {
      await resetCard(slot);
      throw error;
    }
  }

  async verifyPin(token: string, pin: CardPin, secret: Pin | null): Promise<void> {
    const slot = this.#slotOf(token);
    try {
      await this.#call('verifyPin', { token, pin: pin.id }, proveOptions(pin, secret), A.emptyOf);
    } finally {
      await resetCard(slot);
    }
  }

  async changePin(token: string, pin: CardPin, old: Pin, next: Pin): Promise<void> {
    const slot = this.#slotOf(token);
    const options = { deadlineMs: PROVE_MS, secret: old, newSecret: next };
    try {
      await this.#call('changePin', { token, pin: pin.id }, options, A.emptyOf);
    } finally {
      await resetCard(slot);
    }
  }

  /** @throws AgentError `no-card` for a token that is gone */
  #slotOf(serial: string): CardSlot {
    const token = this.#tokens.find(({ id }) => id === `${this.program.id}:${serial}`);
    if (token === undefined) throw new AgentError('no-card', { detail: 'the token is gone' });
    return token.slot;
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

function isAt(token: PluginToken, slot: CardSlot | null): boolean {
  return slot === null ? token.slot instanceof NoReader : token.slot === slot;
}

function proveOptions(pin: CardPin, secret: Pin | null): CallOptions {
  const deadlineMs = pin.entry === 'reader' ? PROVE_ON_READER_MS : PROVE_MS;
  return { deadlineMs, ...(secret !== null && { secret }) };
}

/** Whatever the driver has done, the card is unverified after this. Never rejects. */
async function resetCard(slot: CardSlot): Promise<void> {
  if (slot instanceof NoReader) return;
  try {
    const channel = await slot.open();
    await channel.close('reset');
  } catch {
    // Out of the reader, or held by another program, which has the card to itself then.
  }
}
