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
} from '../../protocol/frames.ts';
import type { AnswerSource } from './answer-source.ts';
import { openAnswers, type Sources } from './answers.ts';
import { upgradeCall, type UpgradedLink } from '../agent/client.ts';
import type { CommandContext } from '../context.ts';
import { agent as say, CANCELLED } from '../../words/sc-auth.ts';
import { CommandError } from '../exit-codes.ts';
import { printableLines } from './output.ts';
import type { AgentLink } from '../agent/link.ts';
import type { Methods, UpgradedMethod } from '../../protocol/io-scauth.ts';
import { notUnderstood } from '../agent/wire.ts';

/** PROTOCOL.md, 1.4. */
const MAX_ASKS_AND_TELLS = 64;

/** Cuts the agent's bytes into frames. */
class FrameSource {
  readonly #link: AgentLink;
  readonly #cancelled: AbortSignal;
  readonly #silenceMs: number;
  #pending: Buffer;

  constructor(upgraded: UpgradedLink, silenceMs: number, cancelled: AbortSignal) {
    this.#link = upgraded.link;
    this.#pending = upgraded.rest;
    this.#silenceMs = silenceMs;
    this.#cancelled = cancelled;
  }

  /** @throws CommandError `no-answer`, `cancelled`; AgentError `malformed` */
  async next(): Promise<Frame> {
    const header = parseHeader(await this.#take(HEADER_BYTES));
    if (header.version !== FRAME_VERSION) {
      throw new AgentError('malformed', { detail: `frame of version ${header.version}` });
    }
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
    const bytes = encodeFrame(
      { type: 'answer', status, secret: secret?.bytes ?? Buffer.alloc(0) },
      frame.bytes,
    );
    secret?.release();
    await link.write(bytes);
  } finally {
    secret?.release();
    frame.release();
  }
}

type Answer =
  { readonly kind: 'answered'; readonly secret: SecretBuffer } | { readonly kind: 'cancelled' | 'abandoned' };

/** Asks the person; `abandoned` when scauthd closes or speaks meanwhile: it does not wait any more. */
async function askPerson(
  link: AgentLink,
  answers: AnswerSource,
  text: string,
  echo: boolean,
): Promise<Answer> {
  const abandon = new AbortController();
  const watch = new AbortController();
  void link.readable(watch.signal).then(() => {
    abandon.abort();
  });
  try {
    const secret = await answers.ask({ text: printableLines(text), echo }, abandon.signal);
    if (secret !== null) return { kind: 'answered', secret };
    return { kind: abandon.signal.aborted ? 'abandoned' : 'cancelled' };
  } finally {
    watch.abort();
  }
}

function resultOf(json: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw notUnderstood(cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw notUnderstood('result: no object');
  const result = value as Record<string, unknown>;
  const { error, message, triesLeft = null } = result;
  if (error === undefined) return result;
  if (typeof error !== 'string' || typeof message !== 'string') throw notUnderstood('result: error');
  throw CommandError.fromAgent(error, message, typeof triesLeft === 'number' ? triesLeft : null);
}

async function answerTo(text: string, echo: boolean, link: AgentLink, answers: AnswerSource): Promise<void> {
  const answer = await askPerson(link, answers, text, echo);
  switch (answer.kind) {
    case 'answered':
      await sendAnswer(link, answer.secret);
      return;
    case 'abandoned':
      // A result that came instead is read next.
      if (!link.ended) return;
      throw new CommandError('no-answer', say.abandoned);
    case 'cancelled':
      // scauthd hears of it, so that its log is right; what it then says adds nothing.
      await sendAnswer(link, null).catch(() => undefined);
      throw new CommandError('cancelled', CANCELLED);
  }
}

/** Shows a secret, or lets it be kept; scauthd hears whether the person has it. */
async function showSecret(
  { text, secret }: ShowFrame,
  link: AgentLink,
  answers: AnswerSource,
  keep: Sources['keep'],
): Promise<void> {
  try {
    if (keep === undefined) {
      await sendAnswer(link, answers.show(text, secret) ? new SecretBuffer(0) : null);
      return;
    }
    await keep(secret);
    await sendAnswer(link, new SecretBuffer(0));
  } catch (error) {
    await sendAnswer(link, null).catch(() => undefined);
    throw error;
  } finally {
    secret.fill(0);
  }
}

async function relay(
  link: AgentLink,
  frames: FrameSource,
  answers: AnswerSource,
  { keep }: Sources,
): Promise<Readonly<Record<string, unknown>>> {
  for (let shown = 0; shown <= MAX_ASKS_AND_TELLS;) {
    answers.waiting(true);
    const frame = await frames.next();
    if (frame.type !== 'wait') answers.waiting(false);
    switch (frame.type) {
      case 'wait':
        break;
      case 'tell':
        shown += 1;
        answers.tell(frame.text);
        break;
      case 'ask':
        shown += 1;
        if (frames.hasMore) throw notUnderstood('a frame behind an ask');
        await answerTo(frame.text, frame.echo, link, answers);
        break;
      case 'show':
        shown += 1;
        await showSecret(frame, link, answers, keep);
        break;
      case 'result':
        return resultOf(frame.json);
      case 'begin':
      case 'answer':
      case 'verdict':
      case 'hold':
      case 'skip':
      case 'take':
      case 'recall':
      case 'happened':
      case 'measure':
      case 'measured':
      case 'token':
        throw notUnderstood(`a ${frame.type} frame`);
    }
  }
  throw notUnderstood('too many asks and tells');
}

/**
 * Makes an upgraded call and carries its conversation to the end.
 * @returns the result, unless it is a failure; its members are unchecked
 * @throws CommandError what scauthd said, `cancelled`, `unreachable`, `no-answer`, `malformed`, `usage`
 */
export async function converse<M extends UpgradedMethod>(
  context: CommandContext,
  method: M,
  parameters: Methods[M]['parameters'],
  sources: Sources,
): Promise<Readonly<Record<string, unknown>>> {
  const upgraded = await upgradeCall(context, method, parameters);
  let answers: AnswerSource | null = null;
  try {
    answers = await openAnswers(context, sources);
    const frames = new FrameSource(upgraded, context.silenceTimeoutMs, answers.cancelled);
    return await relay(upgraded.link, frames, answers, sources);
  } catch (error) {
    throw error instanceof AgentError ? notUnderstood(error) : error;
  } finally {
    answers?.close();
    upgraded.link.close();
  }
}
