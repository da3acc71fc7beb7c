// The driver's side of the protocol, for the drivers that are shipped: reads requests, writes answers, on the standard
// streams. It blocks while it reads: such a process has nothing else to do. Never imported by scauthd itself.
// Specification: DRIVERS.md, "Messages".

import { readSync, writeSync } from 'node:fs';
import {
  AgentError,
  asAgentError,
  describeError,
  printable,
  type AgentErrorCode,
} from '../../base/errors.ts';
import { SecretBuffer } from '../../base/secret.ts';
import {
  bodyLength,
  encodeJson,
  HEADER_BYTES,
  JSON_FRAME,
  MAX_JSON_BYTES,
  MAX_SECRET_FRAME_BYTES,
  parseJson,
  SECRET_FRAME,
  type JsonObject,
} from './frames.ts';

/** One request, with what the handler may do while it is open. */
export interface Request {
  readonly method: string;
  readonly params: JsonObject;
  /** The bytes of the secret frame; wiped when the handler is done. null: there is none. */
  readonly secret: Buffer | null;
  /** The same of a second one, where a new PIN is to be set. */
  readonly newSecret: Buffer | null;
  /** Asks scauthd for something in the middle (kind `card`: transmit). */
  ask(message: JsonObject): JsonObject;
}

/** Thrown by a handler where nothing will ever work: the process ends, and its standard error says why. */
export class DriverUnfit extends Error {}

/** @returns false at the end of the input */
function fill(buffer: Buffer): boolean {
  for (let at = 0; at < buffer.length;) {
    const got = readSync(0, buffer, at, buffer.length - at, null);
    if (got === 0) return false;
    at += got;
  }
  return true;
}

function write(message: JsonObject): void {
  const frame = encodeJson(message);
  for (let at = 0; at < frame.length;) at += writeSync(1, frame, at);
}

/** @returns null at the end of the input */
function readJson(): JsonObject | null {
  const header = Buffer.alloc(HEADER_BYTES);
  if (!fill(header)) return null;
  const body = Buffer.alloc(bodyLength(header, JSON_FRAME, MAX_JSON_BYTES));
  return fill(body) ? parseJson(body) : null;
}

function readSecret(): SecretBuffer {
  const header = Buffer.alloc(HEADER_BYTES);
  if (!fill(header)) throw new DriverUnfit('the input ended before the secret');
  const secret = new SecretBuffer(bodyLength(header, SECRET_FRAME, MAX_SECRET_FRAME_BYTES));
  if (!fill(secret.bytes)) throw new DriverUnfit('the input ended in the secret');
  return secret;
}

/** A driver says nothing of itself: what it did not expect is the card's. */
export function codeOf(error: unknown): AgentErrorCode {
  const { code } = asAgentError(error);
  return code === 'internal' || code === 'malformed' || code === 'driver-fault' ? 'card-fault' : code;
}

function failure(error: unknown): JsonObject {
  const { triesLeft } = asAgentError(error);
  return { error: { code: codeOf(error), message: describeError(error), triesLeft: triesLeft ?? null } };
}

/** Answers requests until the input ends. `handle` returns the result's object, or throws an AgentError. */
export async function serve(handle: (request: Request) => JsonObject | Promise<JsonObject>): Promise<void> {
  for (let message = readJson(); message !== null; message = readJson()) {
    const { id, method, params, secret: hasSecret, newSecret: hasNew } = message;
    const secret = hasSecret === true ? readSecret() : null;
    const newSecret = hasNew === true ? readSecret() : null;
    const ask = (question: JsonObject): JsonObject => {
      write({ id, ...question });
      const answer = readJson();
      if (answer === null) throw new DriverUnfit('the input ended in a call');
      return answer;
    };
    let answer: JsonObject;
    try {
      const request = {
        method: String(method),
        params: params as JsonObject,
        secret: secret?.bytes ?? null,
        newSecret: newSecret?.bytes ?? null,
        ask,
      };
      const result = await handle(request);
      answer = { result: method === 'hello' ? { version: 1 } : result };
    } catch (error) {
      if (error instanceof DriverUnfit) {
        process.stderr.write(`${printable(error.message)}\n`);
        process.exitCode = 1;
        return;
      }
      answer = failure(error);
    } finally {
      secret?.release();
      newSecret?.release();
    }
    write({ id, ...answer });
  }
}

/** A text of a request's parameters. @throws AgentError `malformed` */
export function textOf(params: JsonObject, name: string): string {
  const value = params[name];
  if (typeof value !== 'string') throw new AgentError('malformed', { detail: `no ${name}` });
  return value;
}
