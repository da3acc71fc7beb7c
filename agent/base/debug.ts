// SCAUTH_DEBUG=pcsc,token,login,socket,policy: lines on standard error for whoever looks for a fault, in scauthd and
// sc_auth. They tell headers, lengths and names, never data: no PIN, answer or certificate passes through here.

import { printable } from './errors.ts';

const CATEGORIES = ['pcsc', 'token', 'login', 'socket', 'policy'] as const;
export type DebugCategory = (typeof CATEGORIES)[number];

/**
 * Reads the variable; `all` stands for every category.
 * @returns what is wanted, and the words that name nothing
 */
export function parseDebug(text: string | undefined): {
  readonly wanted: ReadonlySet<DebugCategory>;
  readonly unknown: readonly string[];
} {
  const words = (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  const known = CATEGORIES.filter((category) => words.includes(category) || words.includes('all'));
  const unknown = words.filter((word) => word !== 'all' && !CATEGORIES.some((category) => category === word));
  return { wanted: new Set(known), unknown };
}

const { wanted, unknown } = parseDebug(process.env['SCAUTH_DEBUG']);
if (unknown.length > 0) {
  const names = printable(unknown.join(', '));
  process.stderr.write(`SCAUTH_DEBUG: unknown: ${names} (known: ${CATEGORIES.join(', ')}, all)\n`);
}

/** @param line is made only where somebody wants it */
export function debug(category: DebugCategory, line: () => string): void {
  if (wanted.has(category)) process.stderr.write(`debug ${category}: ${printable(line(), 500)}\n`);
}

/** The header of a command APDU (CLA INS P1 P2) and how long the whole is: what follows may be a PIN. */
export function commandWords(command: Uint8Array): string {
  return `${Buffer.from(command.subarray(0, 4)).toString('hex')} (${command.length} bytes)`;
}

/** The status bytes of a response APDU and how long the whole is. */
export function responseWords(response: Uint8Array): string {
  return `${Buffer.from(response.subarray(-2)).toString('hex')} (${response.length} bytes)`;
}
