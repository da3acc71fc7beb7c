// A Conversation over frames (PROTOCOL.md, 1.4): asks one thing at a time, sends `wait` while the agent works, and
// treats a relay that breaks the order as gone.

import { Pin } from '../base/pin.ts';
import { SecretBuffer } from '../base/secret.ts';
import type { Conversation } from '../stories/card/conversation.ts';
import type { Happened } from '../model/request.ts';
import type { Connection } from './peers/connection.ts';
import { encodeFrame, FRAME_VERSION, MAX_FRAME_BYTES, type Frame } from '../protocol/frames.ts';

/** While the agent works the relay hears from it at least each second. */
const HEARTBEAT_MS = 500;
/** How long a relay may take to say what it knows by itself. */
const RELAY_MS = 5000;
type RelayNote = Extract<Frame, { type: 'happened' | 'measured' }>;
const MAX_ASKS_AND_TELLS = 64;

export class FrameConversation implements Conversation {
  readonly #connection: Connection;
  readonly #version: number;
  readonly #heartbeat: NodeJS.Timeout;
  /** Of the last hold; a skip may still be on its way when the hold is over. */
  #skipped: AbortController | null = null;
  readonly #stopping: AbortSignal | undefined;
  #answered: ((answer: Pin | null) => void) | null = null;
  /** What the relay itself was asked, and waits for. */
  #noted: { readonly type: RelayNote['type']; readonly take: (note: RelayNote | null) => void } | null = null;
  #columns: Promise<number | null> | null = null;
  #exchanges = 0;
  readonly #gone = new AbortController();
  readonly #answerMs: number | null;

  /**
   * @param version agreed on with the relay; all frames are written in it
   * @param answerMs how long a person may take for one answer; null: as long as their program waits for them
   * @param stopping aborted when nobody is waited for any more
   */
  constructor(
    connection: Connection,
    version: number = FRAME_VERSION,
    answerMs: number | null = null,
    stopping?: AbortSignal,
  ) {
    connection.works();
    this.#answerMs = answerMs;
    this.#connection = connection;
    this.#version = version;
    this.#stopping = stopping;
    const letGo = (): void => {
      if (this.#answered !== null) connection.destroy();
      this.#skipped?.abort();
    };
    stopping?.addEventListener('abort', letGo);
    this.#heartbeat = setInterval(() => {
      if (this.#answered === null) this.#sendPlain({ type: 'wait' });
    }, HEARTBEAT_MS);
    void connection.closed.then(() => {
      clearInterval(this.#heartbeat);
      stopping?.removeEventListener('abort', letGo);
      this.#gone.abort();
      this.#skipped?.abort();
      this.#settle(null);
      this.#noted?.take(null);
    });
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  ask(text: string, echo: boolean): Promise<Pin | null> {
    return this.#question({ type: 'ask', echo, text });
  }

  /** The answer says no more than that it is there. */
  async show(text: string, secret: Pin): Promise<boolean> {
    const buffer = new SecretBuffer(MAX_FRAME_BYTES);
    try {
      const bytes = secret.peek((shown) =>
        encodeFrame({ type: 'show', text, secret: shown }, buffer.bytes, this.#version),
      );
      const answer = await this.#question(bytes, () => {
        buffer.release();
      });
      answer?.wipe();
      return answer !== null;
    } finally {
      buffer.release();
    }
  }

  /** A relay of version 1 knows no hold: it shows a message, and nobody can go on without. */
  hold(text: string, plain: string): AbortSignal {
    this.#skipped = new AbortController();
    this.#connection.waits();
    if (!this.#connection.isOpen) this.#skipped.abort();
    if (this.#version < 2) this.tell('information', plain);
    else if (this.#count()) this.#sendPlain({ type: 'hold', text, plain });
    return this.#skipped.signal;
  }

  /** Only while a password is changed: elsewhere the relay takes the question for a fault. */
  takeNewPassword(): Promise<Pin | null> {
    if (this.#version < 2) return Promise.resolve(null);
    return this.#question({ type: 'take', item: 1 });
  }

  /** Once a conversation. */
  async recall(): Promise<Happened | null> {
    if (this.#version < 3) return null;
    const note = await this.#askRelay({ type: 'recall' }, 'happened');
    return note?.type === 'happened' ? note.happened : 'no-verdict';
  }

  /** The relay is asked once. */
  columns(): Promise<number | null> {
    this.#columns ??= this.#measure();
    return this.#columns;
  }

  async #measure(): Promise<number | null> {
    if (this.#version < 4) return null;
    const note = await this.#askRelay({ type: 'measure' }, 'measured');
    return note?.type === 'measured' && note.columns > 0 ? note.columns : null;
  }

  /** What the card of a grant is called, in front of the verdict. A relay of an older version is not told. */
  nameToken(name: string): void {
    if (this.#version >= 4) this.#sendPlain({ type: 'token', name });
  }

  /** @returns null: it is gone, or took too long and was closed */
  #askRelay(question: Frame, type: RelayNote['type']): Promise<RelayNote | null> {
    if (!this.#connection.isOpen) return Promise.resolve(null);
    return new Promise((resolve) => {
      const patience = setTimeout(() => {
        this.#connection.destroy();
      }, RELAY_MS);
      const take = (note: RelayNote | null): void => {
        clearTimeout(patience);
        this.#noted = null;
        resolve(note);
      };
      this.#noted = { type, take };
      this.#sendPlain(question);
    });
  }

  /** @param sent told when the bytes have left this process */
  #question(frame: Frame | Buffer, sent: () => void = () => undefined): Promise<Pin | null> {
    if (this.#stopping?.aborted === true) this.#connection.destroy();
    if (!this.#connection.isOpen || this.#answered !== null || !this.#count()) return Promise.resolve(null);
    return new Promise((resolve) => {
      const patience =
        this.#answerMs === null
          ? null
          : setTimeout(() => {
              this.#connection.destroy();
            }, this.#answerMs);
      this.#answered = (answer) => {
        if (patience !== null) clearTimeout(patience);
        resolve(answer);
      };
      this.#connection.waits();
      if (Buffer.isBuffer(frame)) void this.#connection.send(frame).then(sent, sent);
      else this.#sendPlain(frame);
    });
  }

  tell(kind: 'information' | 'error', text: string): void {
    if (this.#count()) this.#sendPlain({ type: 'tell', kind, text });
  }

  /**
   * Takes a frame of the relay's: an answer to an open question, what it has noted, or a skip after a hold. Anything
   * else ends the connection.
   */
  take(frame: Frame): void {
    if (frame.type === 'skip' && this.#skipped !== null) {
      this.#skipped.abort();
      return;
    }
    if ((frame.type === 'happened' || frame.type === 'measured') && frame.type === this.#noted?.type) {
      this.#noted.take(frame);
      return;
    }
    if (frame.type !== 'answer' || this.#answered === null) {
      this.#connection.destroy();
      return;
    }
    this.#settle(frame.status === 'answered' ? new Pin(frame.secret) : null);
  }

  /** Sends the last frame, wipes it and closes. */
  async finish(frame: Frame): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#connection.waits();
    const buffer = new SecretBuffer(MAX_FRAME_BYTES);
    try {
      await this.#connection.send(encodeFrame(frame, buffer.bytes, this.#version));
    } finally {
      buffer.release();
      this.#connection.end();
    }
  }

  #count(): boolean {
    this.#exchanges += 1;
    return this.#exchanges <= MAX_ASKS_AND_TELLS;
  }

  #settle(answer: Pin | null): void {
    const answered = this.#answered;
    this.#answered = null;
    if (answered === null) answer?.wipe();
    else {
      this.#connection.works();
      answered(answer);
    }
  }

  #sendPlain(frame: Frame): void {
    void this.#connection.send(encodeFrame(frame, undefined, this.#version));
  }
}
