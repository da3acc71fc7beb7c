// The lines of Assuan (libassuan, "Client requests" and "Server responses"), as pinentry speaks it: what goes out is
// escaped and free of what a dialog could take for markup or control; what comes in is taken apart without a string
// where it may be a secret.

import { printable } from '../base/errors.ts';

/** ASSUAN_LINELENGTH, without the end of the line. */
const MAX_LINE_BYTES = 1000;

/** gpg-error.h: what a dialog ends with beside OK. The code is in the low 16 bits. */
const GPG_ERR_TIMEOUT = 62;
const GPG_ERR_CANCELED = 99;
const GPG_ERR_NOT_CONFIRMED = 114;
const GPG_ERR_FULLY_CANCELED = 198;
const GPG_ERR_WINDOW_TOO_SMALL = 301;

/**
 * Text of others (a card, a certificate, scauthd) for a dialog: one line, no control characters, and nothing that Pango
 * or Qt takes for markup.
 */
export function plain(text: string, maxLength = 120): string {
  return printable(text, maxLength).replace(/</g, '‹').replace(/>/g, '›').replace(/&/g, '+');
}

/** A command with its argument, escaped; cut at a whole character where it is too long. */
export function assuanLine(command: string, argument = ''): Buffer {
  const head = argument === '' ? command : `${command} `;
  let line = head;
  for (const character of argument) {
    // Line feeds are ours: text of others has none.
    const escaped = /[%\r\n\0]/.test(character) ? encodeURIComponent(character) : character;
    if (Buffer.byteLength(line) + Buffer.byteLength(escaped) > MAX_LINE_BYTES) break;
    line += escaped;
  }
  return Buffer.from(`${line}\n`);
}

/** How a command ended. */
export type AssuanEnd = 'ok' | 'cancelled' | 'not-confirmed' | 'timeout' | 'too-small' | 'failed';

function endOfError(line: string): AssuanEnd {
  const code = Number(/^ERR (\d+)/.exec(line)?.[1] ?? 0) & 0xffff;
  switch (code) {
    case GPG_ERR_CANCELED:
    case GPG_ERR_FULLY_CANCELED:
      return 'cancelled';
    case GPG_ERR_NOT_CONFIRMED:
      return 'not-confirmed';
    case GPG_ERR_TIMEOUT:
      return 'timeout';
    case GPG_ERR_WINDOW_TOO_SMALL:
      return 'too-small';
    default:
      return 'failed';
  }
}

export type AssuanResponse =
  | { readonly kind: 'end'; readonly end: AssuanEnd }
  /** The bytes of a `D` line, still escaped: a view. */
  | { readonly kind: 'data'; readonly bytes: Buffer }
  /** Status, comments: of no interest. */
  | { readonly kind: 'other' };

/** @param line without its end; only lines that are no data become a string */
export function parseResponse(line: Buffer): AssuanResponse {
  if (line[0] === 0x44 && (line.length === 1 || line[1] === 0x20))
    return { kind: 'data', bytes: line.subarray(2) };
  const text = line.toString('latin1');
  if (/^OK( |$)/.test(text)) return { kind: 'end', end: 'ok' };
  if (/^ERR( |$)/.test(text)) return { kind: 'end', end: endOfError(text) };
  // An inquiry is never answered; pinentry makes none.
  return { kind: 'other' };
}

/** Value of a hexadecimal digit; -1 for another character. */
function hexDigit(byte: number | undefined): number {
  const value = parseInt(String.fromCharCode(byte ?? 0), 16);
  return Number.isNaN(value) ? -1 : value;
}

/**
 * Undoes the escaping of a data line.
 * @param into where the bytes go, from `at` on
 * @returns how many were written; null when they do not fit or make no sense
 */
export function unescapeData(data: Buffer, into: Buffer, at: number): number | null {
  let written = 0;
  for (let index = 0; index < data.length; index += 1) {
    let byte = data[index] ?? 0;
    if (byte === 0x25) {
      const high = hexDigit(data[index + 1]);
      const low = hexDigit(data[index + 2]);
      if (high < 0 || low < 0) return null;
      byte = high * 16 + low;
      index += 2;
    }
    if (at + written >= into.length) return null;
    into[at + written] = byte;
    written += 1;
  }
  return written;
}
