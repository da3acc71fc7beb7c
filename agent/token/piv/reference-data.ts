// A new PIN on a PIV card: by the old one (CHANGE REFERENCE DATA) or by the PUK (RESET RETRY COUNTER). One command each;
// the card is left unverified afterwards, whatever it thinks of the command.
// Specification: SP 800-73-4 part 2, 3.2.2 and 3.2.3; part 1, table 4a (key reference 81).

import { AgentError, asAgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { findTlv, readTlvs } from '../../base/tlv.ts';
import type { PinState } from '../../model/card/token.ts';
import type { ApduExchange } from './apdu.ts';
import { getMetadata } from './commands.ts';
import { METADATA_RETRIES, PIN_BLOCK_BYTES, PIN_MIN_BYTES, PIN_PADDING } from './constants.ts';
import { SW_CONDITIONS_NOT_SATISFIED, SW_SUCCESS, verifyResultOf, type StatusWord } from './status.ts';

const CHANGE_REFERENCE_DATA = 0x24;
const RESET_RETRY_COUNTER = 0x2c;
/** PIN Unblocking Key. */
export const PUK_REFERENCE = 0x81;

/** How a secret gets a new value: a PIN by the old one or the PUK, the PUK by the old one. */
export type NewPinBy = 'old-pin' | 'puk' | 'old-puk';

/** Two blocks of eight bytes, padded with FF; ours are wiped on each path, the secrets are the caller's. */
async function sendBlocks(
  exchange: ApduExchange,
  ins: number,
  reference: number,
  proof: Pin,
  next: Pin,
): Promise<StatusWord> {
  const blocks = new SecretBuffer(2 * PIN_BLOCK_BYTES);
  try {
    blocks.bytes.fill(PIN_PADDING);
    proof.peek((bytes) => {
      blocks.bytes.set(bytes);
    });
    next.peek((bytes) => {
      blocks.bytes.set(bytes, PIN_BLOCK_BYTES);
    });
    return (await exchange.send({ ins, p1: 0, p2: reference, data: blocks.bytes })).sw;
  } finally {
    blocks.release();
  }
}

/**
 * Sends the one command.
 * @param reference of the PIN that gets the new value
 * @throws AgentError `wrong-pin` or `wrong-puk` (with triesLeft where the card says it), `pin-blocked`, `puk-blocked`,
 * `pin-malformed` (the card does not take the new PIN), `card-fault`, what the channel throws
 */
export async function setNewPin(
  exchange: ApduExchange,
  reference: number,
  by: NewPinBy,
  proof: Pin,
  next: Pin,
): Promise<void> {
  const ins = by === 'puk' ? RESET_RETRY_COUNTER : CHANGE_REFERENCE_DATA;
  const sw = await sendBlocks(exchange, ins, by === 'old-puk' ? PUK_REFERENCE : reference, proof, next);
  // Firmware 5.7, "PIN complexity": the card finds the new value too simple.
  if (sw === SW_CONDITIONS_NOT_SATISFIED)
    throw new AgentError('pin-malformed', { detail: 'setting a PIN: too simple for the card' });
  const result = verifyResultOf(sw);
  if (result.verified) return;
  const { code, detail, triesLeft } = result.error;
  const data = { detail: `setting a PIN: ${detail}`, ...(triesLeft !== undefined && { triesLeft }) };
  if (by !== 'old-pin' && code === 'wrong-pin') throw new AgentError('wrong-puk', data);
  if (by !== 'old-pin' && code === 'pin-blocked') throw new AgentError('puk-blocked', data);
  throw new AgentError(code, data);
}

/** SP 800-73-4 part 2, 2.4.3: eight bytes of any value; YubiKeys take six and more. We send what a keyboard can type. */
export function canBePuk(puk: Pin, yubiKey: boolean): boolean {
  if (puk.length > PIN_BLOCK_BYTES || puk.length < (yubiKey ? PIN_MIN_BYTES : PIN_BLOCK_BYTES)) return false;
  return puk.peek((bytes) => bytes.every((byte) => byte >= 0x20 && byte < 0x7f));
}

/** What Yubico's metadata says of the PUK; the standard has no way to ask, and nonsense is no count. */
export async function readPukState(exchange: ApduExchange): Promise<PinState> {
  const { data, sw } = await getMetadata(exchange, PUK_REFERENCE);
  let tries: Buffer | undefined;
  try {
    tries = sw === SW_SUCCESS ? findTlv(readTlvs(data), METADATA_RETRIES) : undefined;
  } catch (error) {
    if (asAgentError(error).code !== 'malformed') throw error;
  }
  return { triesLeft: tries?.[1] ?? null, triesTotal: tries?.[0] ?? null };
}
