// The message that a card signs. Only this file builds one, so no caller can make a card sign something else
// (the 9A key also serves TLS, SSH and Kerberos; lesson of cross-protocol signing).

import { randomBytes } from 'node:crypto';
import { AgentError } from '../base/errors.ts';
import { anchorText, type Anchor } from './sealed-log/anchor.ts';

const LABEL = 'scauth card proof';
const VERSION = 1;
const NONCE_BYTES = 32;

/** What the proof is for; a proof for one purpose is none for another. */
export type ChallengePurpose = 'login' | 'pairing' | 'rehearsal' | 'card' | 'audit-anchor' | 'pairing-book';

export interface ChallengeContext {
  readonly purpose: ChallengePurpose;
  /** 16 random bytes that name this machine's scauth. */
  readonly hostId: Uint8Array;
  readonly user: string;
  readonly service: string;
  /** For `audit-anchor`, and only there: the record of the audit log up to which the card vouches. */
  readonly anchor?: Anchor;
  /** For `pairing-book`, and only there: which item of the book is signed (model/book/book.ts). */
  readonly item?: string;
}

/**
 * label ‖ version ‖ purpose ‖ host id ‖ user ‖ service ‖ [anchor or item ‖] nonce, each field with a 2-byte length.
 * Cannot be built from outside: the nonce is always the system generator's.
 */
export class Challenge {
  readonly purpose: ChallengePurpose;
  readonly #message: Buffer;

  private constructor(purpose: ChallengePurpose, message: Buffer) {
    this.purpose = purpose;
    this.#message = message;
  }

  /** @throws AgentError `invalid-argument` for a field of more than 512 bytes, or an anchor or item where none belongs */
  static create(context: ChallengeContext): Challenge {
    const { anchor, item } = context;
    if ((context.purpose === 'audit-anchor') !== (anchor !== undefined))
      throw new AgentError('invalid-argument', { say: 'anchor and purpose do not fit' });
    if ((context.purpose === 'pairing-book') !== (item !== undefined))
      throw new AgentError('invalid-argument', { say: 'item and purpose do not fit' });
    const fields = [
      Buffer.from(LABEL),
      Buffer.from([VERSION]),
      Buffer.from(context.purpose),
      Buffer.from(context.hostId),
      Buffer.from(context.user),
      Buffer.from(context.service),
      ...(anchor === undefined ? [] : [Buffer.from(anchorText(anchor))]),
      ...(item === undefined ? [] : [Buffer.from(item)]),
      randomBytes(NONCE_BYTES),
    ];
    if (fields.some(({ length }) => length > 512))
      throw new AgentError('invalid-argument', { say: 'challenge field too long' });
    return new Challenge(context.purpose, Buffer.concat(fields.map(lengthPrefixed)));
  }

  /** The bytes to sign. Drivers hash and pad as their key wants. A copy: changing it changes nothing. */
  message(): Buffer {
    return Buffer.from(this.#message);
  }
}

/** What a message says that is no login's: who it was made for, and what is signed by it. */
interface Statement {
  readonly user: string;
  readonly said: string;
}

function lengthPrefixed(field: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(field.length);
  return Buffer.concat([length, field]);
}

/** Label, version and purpose: with what such a message begins. */
function beginning(purpose: ChallengePurpose): Buffer {
  const fields = [Buffer.from(LABEL), Buffer.from([VERSION]), Buffer.from(purpose)];
  return Buffer.concat(fields.map(lengthPrefixed));
}

const STATEMENTS = {
  'audit-anchor': beginning('audit-anchor'),
  'pairing-book': beginning('pairing-book'),
} as const;

/** null for a message with any other purpose, for one without a statement, and for trailing bytes. */
function readStatement(message: Buffer, wanted: keyof typeof STATEMENTS): Statement | null {
  const begins = STATEMENTS[wanted];
  if (!message.subarray(0, begins.length).equals(begins)) return null;
  const fields: Buffer[] = [];
  for (let at = begins.length; at < message.length;) {
    if (at + 2 > message.length || fields.length === 5) return null;
    const end = at + 2 + message.readUInt16BE(at);
    if (end > message.length) return null;
    fields.push(message.subarray(at + 2, end));
    at = end;
  }
  const [hostId, user = '', , said = '', nonce] = fields;
  if (hostId?.length !== 16 || nonce?.length !== NONCE_BYTES) return null;
  return { user: user.toString(), said: said.toString() };
}

/** What a message of ours with the purpose `audit-anchor` says; null for anything else, and for trailing bytes. */
export function readAnchorMessage(
  message: Buffer,
): { readonly user: string; readonly anchor: string } | null {
  const statement = readStatement(message, 'audit-anchor');
  return statement === null ? null : { user: statement.user, anchor: statement.said };
}

/** Which item a message of ours with the purpose `pairing-book` signs; null for anything else, and for trailing bytes. */
export function readBookMessage(message: Buffer): { readonly user: string; readonly item: string } | null {
  const statement = readStatement(message, 'pairing-book');
  return statement === null ? null : { user: statement.user, item: statement.said };
}
