// A conversation after an upgraded call (PROTOCOL.md, 1.3, 1.4 and 2.1): a relay between scauthd and the person.
// It knows no wording and no policy: scauthd says what to show, what to ask, and how it ended.

import { AgentError } from '../../base/errors.ts';
import { SecretBuffer } from '../../base/secret.ts';
import {
  encodeFrame,
  FRAME_VERSION,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  parseBody,
  parseHeader,
  type Frame,
  type ShowFrame,
} from '../frames.ts';
import { AgentRefusal } from './call.ts';
import { LinkError, type AgentLink } from './link.ts';

/** PROTOCOL.md, 1.4. */
const MAX_ASKS_AND_TELLS = 64;

/** Who is asked and told. */
export interface Answering {
  /** Aborts when the person cancels while nothing is being asked. */
  readonly cancelled: AbortSignal;
  /**
   * @param abandoned ends the wait: nobody wants the answer any more
   * @returns null when the person cancelled, or the question was abandoned
   */
  ask(text: string, echo: boolean, abandoned: AbortSignal): Promise<SecretBuffer | null>;
  tell(text: string): void;
  /** Shows a secret, or keeps it; it stays the caller's. Absent: none is shown. @returns whether the person has it */
  show?(text: string, secret: Uint8Array): Promise<boolean>;
  /** Whether the person waits for the card now. */
  waiting?(is: boolean): void;
}

function malformed(detail: string): AgentError {
  return new AgentError('malformed', { detail });
}

/** Cuts scauthd's bytes into frames. */
class FrameSource {
  readonly #link: AgentLink;
  readonly #cancelled: AbortSignal;
  readonly #silenceMs: number;
  #pending: Buffer;

  constructor(link: AgentLink, rest: Buffer, silenceMs: number, cancelled: AbortSignal) {
    this.#link = link;
    this.#pending = rest;
    this.#silenceMs = silenceMs;
    this.#cancelled = cancelled;
  }

  /** @throws LinkError; AgentError `malformed` */
  async next(): Promise<Frame> {
    const header = parseHeader(await this.#take(HEADER_BYTES));
    if (header.version !== FRAME_VERSION) throw malformed(`frame of version ${header.version}`);
    return parseBody(header.typeNumber, await this.#take(header.bodyLength));
  }

  /** True when scauthd has sent something already: between an ask and its answer it must not. */
  get hasMore(): boolean {
    return this.#pending.length > 0;
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#pending.length < length) {
      const pieces = [this.#pending, await this.#link.read(this.#silenceMs, this.#cancelled)];
      this.#pending = Buffer.concat(pieces);
      // A secret that is shown may be in them.
      for (const piece of pieces) piece.fill(0);
    }
    const taken = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return taken;
  }
}

/** Sends one answer and wipes it, and the frame around it, on each path. */
async function sendAnswer(link: AgentLink, secret: SecretBuffer | null): Promise<void> {
  const frame = new SecretBuffer(MAX_FRAME_BYTES);
  try {
    const status = secret === null ? 'failed' : 'answered';
    const bytes = secret?.bytes ?? Buffer.alloc(0);
    const encoded = encodeFrame({ type: 'answer', status, secret: bytes }, frame.bytes);
    secret?.release();
    await link.write(encoded);
  } finally {
    secret?.release();
    frame.release();
  }
}

function resultOf(json: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw malformed('result: not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('result: no object');
  const result = value as Record<string, unknown>;
  if (result['error'] === undefined) return result;
  throw new AgentRefusal({ ...result, code: result['error'] });
}

/** Asks the person, until scauthd closes or speaks meanwhile: then it does not wait any more. */
async function answerTo(text: string, echo: boolean, link: AgentLink, person: Answering): Promise<void> {
  const abandon = new AbortController();
  const watch = new AbortController();
  void link.readable(watch.signal).then(() => {
    abandon.abort();
  });
  try {
    const secret = await person.ask(text, echo, abandon.signal);
    if (secret !== null) {
      await sendAnswer(link, secret);
    } else if (!abandon.signal.aborted) {
      // scauthd hears of it, so that its log is right; what it then says adds nothing.
      await sendAnswer(link, null).catch(() => undefined);
      throw new LinkError({ kind: 'cancelled' });
    } else if (link.ended) {
      throw new LinkError({ kind: 'abandoned' });
    }
    // Else a result came instead, and is read next.
  } finally {
    watch.abort();
  }
}

/** Shows a secret, or lets it be kept; scauthd hears whether the person has it. */
async function showSecret({ text, secret }: ShowFrame, link: AgentLink, person: Answering): Promise<void> {
  if (person.show === undefined) throw malformed('a show frame');
  try {
    await sendAnswer(link, (await person.show(text, secret)) ? new SecretBuffer(0) : null);
  } catch (error) {
    await sendAnswer(link, null).catch(() => undefined);
    throw error;
  } finally {
    secret.fill(0);
  }
}

/**
 * Carries a conversation to its end.
 * @param rest what came behind the reply to the call
 * @param silenceMs how long scauthd may say nothing while it works
 * @returns the result, unless it is a failure; its members are unchecked
 * @throws AgentRefusal; LinkError; AgentError `malformed`; what `person` throws
 */
export async function relay(
  link: AgentLink,
  rest: Buffer,
  silenceMs: number,
  person: Answering,
): Promise<Readonly<Record<string, unknown>>> {
  const frames = new FrameSource(link, rest, silenceMs, person.cancelled);
  for (let shown = 0; shown <= MAX_ASKS_AND_TELLS;) {
    person.waiting?.(true);
    const frame = await frames.next();
    if (frame.type === 'wait') continue;
    person.waiting?.(false);
    shown += 1;
    switch (frame.type) {
      case 'tell':
        person.tell(frame.text);
        break;
      case 'ask':
        if (frames.hasMore) throw malformed('a frame behind an ask');
        await answerTo(frame.text, frame.echo, link, person);
        break;
      case 'show':
        await showSecret(frame, link, person);
        break;
      case 'result':
        return resultOf(frame.json);
      default:
        throw malformed(`a ${frame.type} frame`);
    }
  }
  throw malformed('too many asks and tells');
}
