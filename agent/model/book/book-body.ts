// What the items of the pairing book say, once their signature is known to be good: JSON of a fixed shape, in which nothing
// is left over. Times are whole seconds since 1970, keys and hashes as FLEET.md has them.

import { createHash, hash } from 'node:crypto';
import * as v from 'valibot';
import { AgentError, printable } from '../../base/errors.ts';
import { readOnly, readTlvs } from '../../base/tlv.ts';
import { parsePkhh, type Pkhh } from '../key/key.ts';
import { parseUsername, type Username } from '../request.ts';

/** Nothing of ours is valid for longer than this after it was made; a head much shorter. */
export const MAX_HEAD_S = 24 * 3600;
/** Keys and numbers that one line of a head can deny. */
const MAX_DENIED = 1000;
const MAX_PARTS = 512;

const realm = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/));
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(99_999_999_999));
const number = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER));
const spki = v.pipe(
  v.string(),
  v.maxLength(1600),
  v.regex(/^[A-Za-z0-9_-]{20,1600}$/),
  v.transform((text) => Buffer.from(text, 'base64url')),
);
const hostGlob = v.pipe(v.string(), v.regex(/^[A-Za-z0-9*.-]{1,253}$/));
const groupName = v.pipe(v.string(), v.regex(/^(\*|[A-Za-z0-9_.][A-Za-z0-9_.@$-]{0,255})$/));
const text = v.pipe(
  v.string(),
  v.maxLength(200),
  v.transform((said) => printable(said, 100)),
);
/** A key by its hash: pkhh (40 digits) or SHA-256 of the SPKI (64), upper case. */
const denied = v.pipe(v.string(), v.regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/));

const officer = v.strictObject({
  realm,
  /** `officer` signs records and officers; `head` signs heads, and nothing else. */
  role: v.picklist(['officer', 'head']),
  key: spki,
  name: v.pipe(text, v.minLength(1)),
  /** Whose members' cards; `*`: everybody's but root's. Any one is enough. */
  groups: v.pipe(v.array(groupName), v.maxLength(16)),
  /** On which hosts, by name; `*` stands for anything. */
  hosts: v.pipe(v.array(hostGlob), v.maxLength(32)),
  notBefore: seconds,
  notAfter: seconds,
  number,
});

const record = v.strictObject({
  realm,
  user: v.pipe(v.string(), v.maxLength(256)),
  key: spki,
  /** The card's own key (9E). */
  cardKey: v.nullable(spki),
  label: text,
  notBefore: seconds,
  notAfter: seconds,
  number,
  /** What the card may be used for; more words may come, and without `login` nobody logs in by it. */
  uses: v.pipe(v.array(v.pipe(v.string(), v.maxLength(40))), v.maxLength(8)),
});

const head = v.strictObject({
  realm,
  epoch: number,
  issued: seconds,
  until: seconds,
  /** Long lists stand in several lines of one epoch, which count only together. */
  part: number,
  parts: v.pipe(number, v.maxValue(MAX_PARTS)),
  revoked: v.pipe(v.array(denied), v.maxLength(MAX_DENIED)),
  revokedNumbers: v.pipe(v.array(number), v.maxLength(MAX_DENIED)),
  /** How many records there are, and the SHA-256 over their numbers (bookNumbersHash): whoever has all can compare. */
  records: v.strictObject({
    count: v.pipe(v.number(), v.integer(), v.minValue(0)),
    hash: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  }),
});

export type OfficerBody = v.InferOutput<typeof officer>;
export type HeadBody = v.InferOutput<typeof head>;
export interface RecordBody extends Omit<v.InferOutput<typeof record>, 'user'> {
  readonly user: Username;
}

/** As it is written: keys and hashes as text. */
export type OfficerInput = v.InferInput<typeof officer>;
export type RecordInput = v.InferInput<typeof record>;
export type HeadInput = v.InferInput<typeof head>;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws AgentError `malformed` */
function parse<S extends v.GenericSchema>(schema: S, body: string): v.InferOutput<S> {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(Buffer.from(body, 'base64url')));
  } catch (cause) {
    throw new AgentError('malformed', { detail: 'an item of the book is not JSON', cause });
  }
  const read = v.safeParse(schema, json, { abortEarly: true });
  if (read.success) return read.output;
  throw new AgentError('malformed', {
    detail: `an item of the book: ${v.getDotPath(read.issues[0]) ?? 'its shape'}`,
  });
}

/** @throws AgentError `malformed` */
function requireTime({ notBefore, notAfter }: { notBefore: number; notAfter: number }): void {
  if (notAfter <= notBefore)
    throw new AgentError('malformed', { detail: 'an item of the book that is never valid' });
}

/** @throws AgentError `malformed` */
export function parseOfficerBody(body: string): OfficerBody {
  const read = parse(officer, body);
  requireTime(read);
  return read;
}

/** @throws AgentError `malformed`, `unknown-user` */
export function parseRecordBody(body: string): RecordBody {
  const read = parse(record, body);
  requireTime(read);
  return { ...read, user: parseUsername(read.user) };
}

/** @throws AgentError `malformed` */
export function parseHeadBody(body: string): HeadBody {
  const read = parse(head, body);
  if (read.until <= read.issued || read.until - read.issued > MAX_HEAD_S)
    throw new AgentError('malformed', { detail: 'a head of the book is valid for a day at most' });
  if (read.part > read.parts)
    throw new AgentError('malformed', { detail: 'a part of a head that it does not have' });
  return read;
}

/** Checked as whoever reads it will: what is written here is read back. @throws AgentError `malformed`, `unknown-user` */
export function bookBody(kind: 'officer', said: OfficerInput): string;
export function bookBody(kind: 'record', said: RecordInput): string;
export function bookBody(kind: 'head', said: HeadInput): string;
export function bookBody(kind: 'officer' | 'record' | 'head', said: object): string {
  const body = Buffer.from(JSON.stringify(said)).toString('base64url');
  if (kind === 'officer') parseOfficerBody(body);
  else if (kind === 'record') parseRecordBody(body);
  else parseHeadBody(body);
  return body;
}

/** SHA-256 over the numbers of all records, in rising order, each with a line break behind it. */
export function bookNumbersHash(numbers: Iterable<number>): string {
  const made = createHash('sha256');
  for (const one of [...numbers].sort((a, b) => a - b)) made.update(`${one}\n`);
  return made.digest('base64url');
}

/** The two names of a key, read off its bytes: to parse a key takes as long as to verify a signature, and here nobody has shown a card yet. */
export interface KeyNames {
  readonly pkhh: Pkhh;
  /** SHA-256 of the SPKI, 64 upper-case hex digits. */
  readonly sha256: string;
}

/** @throws AgentError `malformed` for bytes that are no SubjectPublicKeyInfo */
export function keyNames(key: Buffer): KeyNames {
  const bits = readTlvs(readOnly(key, 0x30))[1];
  if (bits?.tag !== 0x03 || bits.value.length < 2)
    throw new AgentError('malformed', { detail: 'not a public key' });
  return {
    pkhh: parsePkhh(hash('sha1', bits.value.subarray(1))),
    sha256: hash('sha256', key).toUpperCase(),
  };
}
