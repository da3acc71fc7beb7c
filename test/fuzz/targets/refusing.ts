// What a parser may do with an input that it does not like: throw one of our errors, and nothing else.

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { AgentError } from '../../../agent/base/errors.ts';

/** @returns undefined where `parse` refused; anything but a refusal goes on */
export function refusing<T>(parse: () => T, isRefusal = isAgentError): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

export function isAgentError(error: unknown): boolean {
  return error instanceof AgentError && error.code !== 'internal';
}

export function isSyntaxError(error: unknown): boolean {
  return error instanceof SyntaxError;
}

/** @throws Error with what was promised */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken rule: ${what}`);
}

export function same(one: unknown, other: unknown, what: string): void {
  must(isDeepStrictEqual(one, other), what);
}

/** `input` in pieces of the sizes that its own first bytes say. */
export function* piecesOf(input: Buffer): Generator<Buffer> {
  for (let at = 0, turn = 0; at < input.length; turn++) {
    const size = 1 + (input[turn % 8] ?? 0);
    yield input.subarray(at, at + size);
    at += size;
  }
}

/** The first PEM block of a file, decoded; what stands around it is left out. */
export function derOf(path: string | URL): Buffer {
  return Buffer.from(/-----BEGIN [^-]+-----([^-]+)/.exec(readFileSync(path, 'latin1'))?.[1] ?? '', 'base64');
}

const VECTORS = new URL('../../vectors/', import.meta.url);

/** A certificate of test/vectors. */
export function vector(path: string): Buffer {
  return derOf(new URL(path, VECTORS));
}
