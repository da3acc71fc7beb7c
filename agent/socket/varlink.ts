// Varlink messages (https://varlink.org/Method-Call): JSON objects ended by a NUL byte. Framing and shapes only;
// what the methods do is in admin.ts.

import { AgentError } from '../base/errors.ts';

/** Longest message in either direction, bytes. */
export const MAX_MESSAGE_BYTES = 65536;

export interface VarlinkCall {
  readonly method: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly more: boolean;
  readonly upgrade: boolean;
  readonly oneway: boolean;
}

export interface VarlinkReply {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly error: string | null;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AgentError('malformed', { detail: 'varlink: not JSON', cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AgentError('malformed', { detail: 'varlink: not an object' });
  }
  return value as Record<string, unknown>;
}

function parametersOf(message: Record<string, unknown>): Record<string, unknown> {
  const parameters = message['parameters'] ?? {};
  if (typeof parameters !== 'object' || Array.isArray(parameters)) {
    throw new AgentError('malformed', { detail: 'varlink: parameters are not an object' });
  }
  return parameters as Record<string, unknown>;
}

/** @throws AgentError `malformed` */
export function parseCall(bytes: Uint8Array): VarlinkCall {
  const message = parseObject(bytes);
  const method = message['method'];
  if (typeof method !== 'string') throw new AgentError('malformed', { detail: 'varlink: no method' });
  return {
    method,
    parameters: parametersOf(message),
    more: message['more'] === true,
    upgrade: message['upgrade'] === true,
    oneway: message['oneway'] === true,
  };
}

/** @throws AgentError `malformed` */
export function parseReply(bytes: Uint8Array): VarlinkReply {
  const message = parseObject(bytes);
  const error = message['error'] ?? null;
  if (error !== null && typeof error !== 'string')
    throw new AgentError('malformed', { detail: 'varlink: error' });
  return { parameters: parametersOf(message), error };
}

/** A message with its NUL. */
export function encodeMessage(message: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.concat([Buffer.from(JSON.stringify(message)), Buffer.from([0])]);
}

/** Collects bytes and gives out whole messages; what follows a message stays in `rest`. */
export class MessageSplitter {
  #pending: Buffer = Buffer.alloc(0);

  /** @throws AgentError `malformed` when a message grows above the cap */
  push(chunk: Uint8Array): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    // Several short messages may wait while one is answered, but not without limit.
    if (this.#pending.length > 2 * MAX_MESSAGE_BYTES || this.#firstLength() > MAX_MESSAGE_BYTES) {
      throw new AgentError('malformed', { detail: 'varlink: message too long' });
    }
  }

  #firstLength(): number {
    const end = this.#pending.indexOf(0);
    return end === -1 ? this.#pending.length : end;
  }

  /** The next whole message without its NUL, or null. */
  next(): Buffer | null {
    const end = this.#pending.indexOf(0);
    if (end === -1) return null;
    const message = this.#pending.subarray(0, end);
    this.#pending = this.#pending.subarray(end + 1);
    return message;
  }

  /** Bytes after the last message: after an upgrade they belong to the new protocol. */
  takeRest(): Buffer {
    const rest = this.#pending;
    this.#pending = Buffer.alloc(0);
    return rest;
  }
}
