// Varlink messages (https://varlink.org/Method-Call): JSON objects ended by a NUL byte. Framing and shapes only;
// what the methods do is in agent/socket/methods.

import { AgentError } from '../base/errors.ts';

/** Longest message in either direction, bytes. */
export const MAX_MESSAGE_BYTES = 65536;

/** org.varlink.service.InvalidParameter, with the parameter's name. */
export class InvalidParameter extends Error {
  readonly parameter: string;

  constructor(parameter: string) {
    super(`invalid parameter: ${parameter}`);
    this.name = 'InvalidParameter';
    this.parameter = parameter;
  }
}

/** org.varlink.service.PermissionDenied. */
export class PermissionDenied extends Error {}

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
  /** Another reply to the same call follows. */
  readonly continues: boolean;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AgentError('malformed', { say: 'varlink: not JSON', cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AgentError('malformed', { say: 'varlink: not an object' });
  }
  return value as Record<string, unknown>;
}

function parametersOf(message: Record<string, unknown>): Record<string, unknown> {
  const parameters = message['parameters'] ?? {};
  if (typeof parameters !== 'object' || Array.isArray(parameters)) {
    throw new AgentError('malformed', { say: 'varlink: parameters are not an object' });
  }
  return parameters as Record<string, unknown>;
}

/** @throws AgentError `malformed` */
export function parseCall(bytes: Uint8Array): VarlinkCall {
  const message = parseObject(bytes);
  const method = message['method'];
  if (typeof method !== 'string') throw new AgentError('malformed', { say: 'varlink: no method' });
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
    throw new AgentError('malformed', { say: 'varlink: error' });
  return { parameters: parametersOf(message), error, continues: message['continues'] === true };
}

/** A message with its NUL. */
export function encodeMessage(message: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.concat([Buffer.from(JSON.stringify(message)), Buffer.from([0])]);
}

/** Collects bytes and gives out whole messages; what follows a message stays. Each byte is looked at once. */
export class MessageSplitter {
  #buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** Up to here there is no NUL. */
  #searched = 0;

  /** @throws AgentError `malformed` when a message grows above the cap */
  push(chunk: Uint8Array): void {
    this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#to);
    this.#to += chunk.length;
    // Several short messages may wait while one is answered, but not without limit.
    const end = this.#end();
    const firstLength = (end === -1 ? this.#to : end) - this.#from;
    if (this.#to - this.#from > 2 * MAX_MESSAGE_BYTES || firstLength > MAX_MESSAGE_BYTES) {
      throw new AgentError('malformed', { say: 'varlink: message too long' });
    }
  }

  #makeRoom(length: number): void {
    if (this.#to + length <= this.#buffer.length) return;
    const kept = this.#to - this.#from;
    const larger = Buffer.alloc(Math.max(2 * kept, kept + length));
    this.#buffer.copy(larger, 0, this.#from, this.#to);
    this.#searched -= this.#from;
    this.#from = 0;
    this.#to = kept;
    this.#buffer = larger;
  }

  #end(): number {
    const end = this.#buffer.subarray(this.#searched, this.#to).indexOf(0);
    if (end !== -1) return (this.#searched += end);
    this.#searched = this.#to;
    return -1;
  }

  /** The next whole message without its NUL, or null. */
  next(): Buffer | null {
    const end = this.#end();
    if (end === -1) return null;
    const message = Buffer.from(this.#buffer.subarray(this.#from, end));
    this.#from = this.#searched = end + 1;
    if (this.#from === this.#to) this.#empty();
    return message;
  }

  /** Bytes after the last message: after an upgrade they belong to the new protocol, and may be secret. */
  takeRest(): Buffer {
    const rest = Buffer.from(this.#buffer.subarray(this.#from, this.#to));
    this.#buffer.fill(0);
    this.#empty();
    return rest;
  }

  /** An idle connection keeps no memory. */
  #empty(): void {
    this.#buffer = Buffer.alloc(0);
    this.#from = this.#to = this.#searched = 0;
  }
}
