// The message that a card signs. Only this file builds one, so no caller can make a card sign something else
// (the 9A key also serves TLS, SSH and Kerberos; lesson of cross-protocol signing).

import { randomBytes } from 'node:crypto';
import { AgentError } from '../base/errors.ts';

const LABEL = 'scauth card proof';
const VERSION = 1;
const NONCE_BYTES = 32;

/** What the proof is for; a proof for one purpose is none for another. */
export type ChallengePurpose = 'login' | 'pairing' | 'rehearsal' | 'card';

export interface ChallengeContext {
  readonly purpose: ChallengePurpose;
  /** 16 random bytes that name this machine's scauth. */
  readonly hostId: Uint8Array;
  readonly user: string;
  readonly service: string;
}

/**
 * label ‖ version ‖ purpose ‖ host id ‖ user ‖ service ‖ nonce, each field with a 2-byte length.
 * Cannot be built from outside: the nonce is always the system generator's.
 */
export class Challenge {
  readonly purpose: ChallengePurpose;
  readonly #message: Buffer;

  private constructor(purpose: ChallengePurpose, message: Buffer) {
    this.purpose = purpose;
    this.#message = message;
  }

  /** @throws AgentError `invalid-argument` for a field of more than 512 bytes */
  static create(context: ChallengeContext): Challenge {
    const fields = [
      Buffer.from(LABEL),
      Buffer.from([VERSION]),
      Buffer.from(context.purpose),
      Buffer.from(context.hostId),
      Buffer.from(context.user),
      Buffer.from(context.service),
      randomBytes(NONCE_BYTES),
    ];
    const parts: Buffer[] = [];
    for (const field of fields) {
      if (field.length > 512)
        throw new AgentError('invalid-argument', { detail: 'challenge field too long' });
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
