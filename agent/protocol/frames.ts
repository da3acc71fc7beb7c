// The frames of PROTOCOL.md, section 1: bytes ⇄ values, both directions. No I/O and no policy.
// Everything is capped and parsed once; trailing bytes are refused.
// Why: DECISIONS.md D34, D38.

import { assertNever } from '../base/assert.ts';
import { ByteReader } from '../base/bytes.ts';
import { AgentError } from '../base/errors.ts';
import type { Happened, Phase } from '../model/request.ts';
import { isTokenName } from '../model/card/token.ts';
import { ABSENT, FrameWriter, HEADER_BYTES, MAGIC, MAX_BODY_BYTES, MAX_FIELD_BYTES } from './frame-writer.ts';

/** The lowest version, in which begin is always written, and the highest (PROTOCOL.md, 1.2). */
export const FRAME_VERSION = 1;
export const HIGHEST_VERSION = 4;
export { HEADER_BYTES, MAX_BODY_BYTES, MAX_FIELD_BYTES };

/** PROTOCOL.md, 1.3 and 2.1. */
export const FRAME_TYPE = {
  begin: 1,
  ask: 2,
  tell: 3,
  wait: 4,
  answer: 5,
  verdict: 6,
  result: 7,
  hold: 8,
  skip: 9,
  take: 10,
  recall: 11,
  happened: 12,
  show: 13,
  measure: 14,
  measured: 15,
  token: 16,
} as const;

/** In which version a type of frame came. */
function firstVersionOf(typeNumber: number): number {
  if (typeNumber >= FRAME_TYPE.measure) return 4;
  if (typeNumber >= FRAME_TYPE.recall) return 3;
  return typeNumber >= FRAME_TYPE.hold ? 2 : FRAME_VERSION;
}

const PHASES: readonly Phase[] = [
  'authenticate',
  'account',
  'setcred',
  'open-session',
  'close-session',
  'chauthtok',
];
/** PROTOCOL.md, 1.3: the numbers are 0, 1, 2. */
const HAPPENED: readonly Happened[] = ['nothing', 'verdict', 'no-verdict'];
const VERDICTS = [
  'granted',
  'denied',
  'unavailable',
  'cancelled',
  'unknown-user',
  'card-required',
  'permitted',
] as const;
/** PROTOCOL.md, 1.3: the codes are 1, 2, … in this order. */
export type VerdictCode = (typeof VERDICTS)[number];

export interface BeginFrame {
  readonly type: 'begin';
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly phase: Phase;
  readonly flags: number;
  readonly service: string;
  readonly user: string | null;
  readonly tty: string | null;
  readonly rhost: string | null;
  readonly ruser: string | null;
}
export interface AskFrame {
  readonly type: 'ask';
  readonly echo: boolean;
  readonly text: string;
}
export interface TellFrame {
  readonly type: 'tell';
  readonly kind: 'information' | 'error';
  readonly text: string;
}
export interface AnswerFrame {
  readonly type: 'answer';
  readonly status: 'answered' | 'failed';
  /** A view into the bytes that were parsed: copy and wipe. */
  readonly secret: Buffer;
}
export interface VerdictFrame {
  readonly type: 'verdict';
  readonly code: VerdictCode;
  readonly user: string | null;
  readonly authtok: Buffer | null;
  readonly message: string | null;
}
export interface ResultFrame {
  readonly type: 'result';
  /** UTF-8 JSON. */
  readonly json: string;
}
/** Something is waited for; the person may go on without it. */
export interface HoldFrame {
  readonly type: 'hold';
  /** What is said where Enter can be read, and where it cannot. */
  readonly text: string;
  readonly plain: string;
}
/** Answered with the new password, while one is being set. */
export interface TakeFrame {
  readonly type: 'take';
  /** 1: the new password. */
  readonly item: 1;
}
/** A secret that the person is to see or to keep; answered, with nothing, once they have it. */
export interface ShowFrame {
  readonly type: 'show';
  readonly text: string;
  /** A view into the bytes that were parsed: use and wipe. */
  readonly secret: Buffer;
}
/** What the login's card is called where PKCS#11 shows it; for the session's environment. */
export interface TokenFrame {
  readonly type: 'token';
  /** 1 to 32 bytes of UTF-8 without control characters. */
  readonly name: string;
}
export type Frame =
  | BeginFrame
  | AskFrame
  | TellFrame
  | { readonly type: 'wait' }
  | AnswerFrame
  | VerdictFrame
  | ResultFrame
  | HoldFrame
  // Enter, while the agent holds.
  | { readonly type: 'skip' }
  | TakeFrame
  // Asks the relay what the authenticate phase came to.
  | { readonly type: 'recall' }
  | { readonly type: 'happened'; readonly happened: Happened }
  | ShowFrame
  // Asks the relay how wide its terminal is; 0: it has none, or that is not known.
  | { readonly type: 'measure' }
  | { readonly type: 'measured'; readonly columns: number }
  | TokenFrame;

export interface FrameHeader {
  readonly version: number;
  readonly typeNumber: number;
  readonly bodyLength: number;
}

/**
 * Parses the 8 bytes of a header.
 * @throws AgentError `malformed` for another magic or a body above the cap
 */
export function parseHeader(bytes: Uint8Array): FrameHeader {
  const reader = new ByteReader(bytes);
  if (reader.u16() !== MAGIC) throw new AgentError('malformed', { detail: 'frame: wrong magic' });
  const version = reader.u8();
  const typeNumber = reader.u8();
  const bodyLength = reader.u32();
  reader.end();
  if (bodyLength > MAX_BODY_BYTES) throw new AgentError('malformed', { detail: 'frame: body too long' });
  return { version, typeNumber, bodyLength };
}

function readOptionalStr(reader: ByteReader): string | null {
  const length = reader.u16();
  if (length === ABSENT) return null;
  return decodeText(readField(reader, length));
}

function readStr(reader: ByteReader): string {
  const text = readOptionalStr(reader);
  if (text === null) throw new AgentError('malformed', { detail: 'frame: a required string is absent' });
  return text;
}

function readField(reader: ByteReader, length: number): Buffer {
  if (length > MAX_FIELD_BYTES) throw new AgentError('malformed', { detail: 'frame: field too long' });
  return reader.bytes(length);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes: Buffer): string {
  if (bytes.includes(0)) throw new AgentError('malformed', { detail: 'frame: NUL in a string' });
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new AgentError('malformed', { detail: 'frame: not UTF-8', cause });
  }
}

function readChoice<T>(value: number, choices: readonly T[], name: string): T {
  const choice = choices[value];
  if (choice === undefined) throw new AgentError('malformed', { detail: `frame: ${name} ${value}` });
  return choice;
}

/**
 * A token's name as PKCS#11 has it, which goes into an environment.
 * @throws AgentError `malformed`
 */
function tokenName(name: string): string {
  if (!isTokenName(name)) throw new AgentError('malformed', { detail: 'frame: no name of a token' });
  return name;
}

/**
 * Parses one frame's body. Whether the version is the one agreed on is the caller's to check.
 * @throws AgentError `malformed` for anything that PROTOCOL.md does not define
 */
export function parseBody(typeNumber: number, body: Uint8Array, version: number = FRAME_VERSION): Frame {
  // show is between scauthd and sc_auth alone, which speak version 1.
  const isOther =
    typeNumber === FRAME_TYPE.show ? version !== FRAME_VERSION : version < firstVersionOf(typeNumber);
  if (isOther)
    throw new AgentError('malformed', { detail: `frame: type ${typeNumber} in version ${version}` });
  const reader = new ByteReader(body);
  const frame = readFrame(typeNumber, reader);
  reader.end();
  return frame;
}

function readFrame(typeNumber: number, reader: ByteReader): Frame {
  switch (typeNumber) {
    case FRAME_TYPE.begin: {
      const minVersion = reader.u8();
      const maxVersion = reader.u8();
      if (minVersion === 0 || minVersion > maxVersion)
        throw new AgentError('malformed', { detail: 'frame: versions' });
      return {
        type: 'begin',
        minVersion,
        maxVersion,
        phase: readChoice(reader.u8() - 1, PHASES, 'phase'),
        flags: reader.u32(),
        service: readStr(reader),
        user: readOptionalStr(reader),
        tty: readOptionalStr(reader),
        rhost: readOptionalStr(reader),
        ruser: readOptionalStr(reader),
      };
    }
    case FRAME_TYPE.ask:
      return { type: 'ask', echo: readChoice(reader.u8(), [false, true], 'echo'), text: readStr(reader) };
    case FRAME_TYPE.tell:
      return {
        type: 'tell',
        kind: readChoice(reader.u8(), ['information', 'error'] as const, 'kind'),
        text: readStr(reader),
      };
    case FRAME_TYPE.wait:
      return { type: 'wait' };
    case FRAME_TYPE.answer: {
      const status = readChoice(reader.u8(), ['answered', 'failed'] as const, 'status');
      const secret = readField(reader, reader.u16());
      if (status === 'failed' && secret.length > 0) {
        throw new AgentError('malformed', { detail: 'frame: a failed answer with bytes' });
      }
      return { type: 'answer', status, secret };
    }
    case FRAME_TYPE.verdict: {
      const code = readChoice(reader.u8() - 1, VERDICTS, 'verdict');
      const user = readOptionalStr(reader);
      const authtokLength = reader.u16();
      const authtok = authtokLength === ABSENT ? null : readField(reader, authtokLength);
      return { type: 'verdict', code, user, authtok, message: readOptionalStr(reader) };
    }
    case FRAME_TYPE.result:
      return { type: 'result', json: decodeText(reader.bytes(reader.remaining)) };
    case FRAME_TYPE.hold:
      return { type: 'hold', text: readStr(reader), plain: readStr(reader) };
    case FRAME_TYPE.skip:
      return { type: 'skip' };
    case FRAME_TYPE.take:
      return { type: 'take', item: readChoice(reader.u8() - 1, [1] as const, 'item') };
    case FRAME_TYPE.recall:
      return { type: 'recall' };
    case FRAME_TYPE.happened:
      return { type: 'happened', happened: readChoice(reader.u8(), HAPPENED, 'happened') };
    case FRAME_TYPE.measure:
      return { type: 'measure' };
    case FRAME_TYPE.measured:
      return { type: 'measured', columns: reader.u16() };
    case FRAME_TYPE.token:
      return { type: 'token', name: tokenName(readStr(reader)) };
    case FRAME_TYPE.show:
      return { type: 'show', text: readStr(reader), secret: readField(reader, reader.u16()) };
    default:
      throw new AgentError('malformed', { detail: `frame: type ${typeNumber}` });
  }
}

function writeBody(frame: Frame, writer: FrameWriter): void {
  switch (frame.type) {
    case 'begin':
      writer.u8(frame.minVersion);
      writer.u8(frame.maxVersion);
      writer.u8(PHASES.indexOf(frame.phase) + 1);
      writer.u32(frame.flags);
      for (const text of [frame.service, frame.user, frame.tty, frame.rhost, frame.ruser]) writer.text(text);
      return;
    case 'ask':
      writer.u8(frame.echo ? 1 : 0);
      writer.text(frame.text);
      return;
    case 'tell':
      writer.u8(frame.kind === 'error' ? 1 : 0);
      writer.text(frame.text);
      return;
    case 'wait':
    case 'skip':
    case 'recall':
    case 'measure':
      return;
    case 'measured':
      writer.u16(frame.columns);
      return;
    case 'token':
      writer.text(tokenName(frame.name));
      return;
    case 'happened':
      writer.u8(HAPPENED.indexOf(frame.happened));
      return;
    case 'hold':
      writer.text(frame.text);
      writer.text(frame.plain);
      return;
    case 'take':
      writer.u8(frame.item);
      return;
    case 'answer':
      writer.u8(frame.status === 'failed' ? 1 : 0);
      writer.field(frame.secret);
      return;
    case 'verdict':
      writer.u8(VERDICTS.indexOf(frame.code) + 1);
      writer.text(frame.user);
      writer.field(frame.authtok);
      writer.text(frame.message);
      return;
    case 'show':
      writer.text(frame.text);
      writer.field(frame.secret);
      return;
    case 'result':
      writer.raw(Buffer.from(frame.json));
      return;
    default:
      assertNever(frame);
  }
}

/** Size of a buffer that holds any frame. */
export const MAX_FRAME_BYTES = HEADER_BYTES + MAX_BODY_BYTES;

/**
 * Encodes header and body into `into` (a new buffer if left out) and returns the part that was written. Whoever
 * encodes a secret (answer, verdict with authtok) gives a locked buffer and wipes it once it is sent.
 * @throws AgentError `malformed` when a field or the body is above its cap
 */
export function encodeFrame(
  frame: Frame,
  into: Buffer = Buffer.alloc(MAX_FRAME_BYTES),
  version: number = FRAME_VERSION,
): Buffer {
  const writer = new FrameWriter(into);
  writeBody(frame, writer);
  return writer.finish(FRAME_TYPE[frame.type], version);
}
