// The message that a card signs. Only this file builds one, so no caller can make a card sign something else
// (the 9A key also serves TLS, SSH and Kerberos; lesson of cross-protocol signing).

import { randomBytes } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import { anchorText, type Anchor } from './anchor.ts';

const LABEL = 'scauth card proof';
const VERSION = 1;
const NONCE_BYTES = 32;

/** What the proof is for; a proof for one purpose is none for another. */
export type ChallengePurpose = 'login' | 'pairing' | 'rehearsal' | 'card' | 'audit-anchor';

export interface ChallengeContext {
  readonly purpose: ChallengePurpose;
  /** 16 random bytes that name this machine's scauth. */
  readonly hostId: Uint8Array;
  readonly user: string;
  readonly service: string;
  /** For `audit-anchor`, and only there: the record of the audit log up to which the card vouches. */
  readonly anchor?: Anchor;
}

/**
 * label ‖ version ‖ purpose ‖ host id ‖ user ‖ service ‖ [anchor ‖] nonce, each field with a 2-byte length.
 * Cannot be built from outside: the nonce is always the system generator's.
 */
export class Challenge {
  readonly purpose: ChallengePurpose;
  readonly #message: Buffer;

  private constructor(purpose: ChallengePurpose, message: Buffer) {
    this.purpose = purpose;
    this.#message = message;
  }

  /** @throws AgentError `invalid-argument` for a field of more than 512 bytes, or an anchor where none belongs */
  static create(context: ChallengeContext): Challenge {
    const { anchor } = context;
    if ((context.purpose === 'audit-anchor') !== (anchor !== undefined))
      throw new AgentError('invalid-argument', { say: 'anchor and purpose do not fit' });
    const fields = [
      Buffer.from(LABEL),
      Buffer.from([VERSION]),
      Buffer.from(context.purpose),
      Buffer.from(context.hostId),
      Buffer.from(context.user),
      Buffer.from(context.service),
      ...(anchor === undefined ? [] : [Buffer.from(anchorText(anchor))]),
      randomBytes(NONCE_BYTES),
    ];
    const parts: Buffer[] = [];
    for (const field of fields) {
      if (field.length > 512) throw new AgentError('invalid-argument', { say: 'challenge field too long' });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(field.length);
      parts.push(length, field);
    }
    return new Challenge(context.purpose, Buffer.concat(parts));
  }

  /** The bytes to sign. Drivers hash and pad as their key wants. A copy: changing it changes nothing. */
  message(): Buffer {
    return Buffer.from(this.#message);
  }
}

/** What a message of ours with the purpose `audit-anchor` says; null for anything else, and for trailing bytes. */
export function readAnchorMessage(
  message: Buffer,
): { readonly user: string; readonly anchor: string } | null {
  const fields: Buffer[] = [];
  for (let at = 0; at < message.length;) {
    if (at + 2 > message.length) return null;
    const end = at + 2 + message.readUInt16BE(at);
    if (end > message.length) return null;
    fields.push(message.subarray(at + 2, end));
    at = end;
  }
  const [label, version, purpose, hostId, user, service, anchor, nonce] = fields;
  if (fields.length !== 8 || hostId?.length !== 16 || nonce?.length !== NONCE_BYTES) return null;
  if (label?.toString() !== LABEL || version?.equals(Buffer.from([VERSION])) !== true) return null;
  if (purpose?.toString() !== ('audit-anchor' satisfies ChallengePurpose)) return null;
  if (user === undefined || service === undefined || anchor === undefined) return null;
  return { user: user.toString(), anchor: anchor.toString() };
}
