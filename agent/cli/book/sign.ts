// sc_auth book sign and revoke: an officer's card signs drafts by one PIN, the on-line key signs heads.

import { randomBytes, sign as signBy } from 'node:crypto';
import {
  bookBody,
  bookNumbersHash,
  MAX_HEAD_S,
  parseHeadBody,
  parseOfficerBody,
  parseRecordBody,
  type HeadBody,
} from '../../model/book/book-body.ts';
import {
  bookItem,
  isSignedItem,
  MAX_SIGNATURES,
  type BookLine,
  type BookSignature,
} from '../../model/book/book.ts';
import { Challenge } from '../../model/challenge.ts';
import { parsePkhh, parsePublicKey } from '../../model/key/key.ts';
import { isProofScheme } from '../../model/proof.ts';
import { book as say } from '../../words/book.ts';
import { callAgent, converse } from '../agent/client.ts';
import { notUnderstood } from '../agent/wire.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { draft, readBook, saidBy, writeBook } from './book-text.ts';
import { fileOption, headKeyIn } from './make.ts';

/** As scauthd takes them at once. */
const AT_ONCE = 1000;
/** Of a head's line, so that it stays below its length. */
const DENIED_A_PART = 150;

async function byCard(
  lines: readonly BookLine[],
  pinFd: number | null,
  context: CommandContext,
): Promise<BookSignature[]> {
  const items = lines.map(bookItem);
  const { ticket } = await converse(context, 'SignBook', { items }, { pinFd, passwordFd: pinFd });
  if (typeof ticket !== 'string') throw notUnderstood('result: ticket');
  const signed: BookSignature[] = [];
  for (let after: number | null = 0; after !== null;) {
    const page: {
      signatures: readonly { scheme: string; key: string; message: string; signature: string }[];
      next: number | null;
    } = await callAgent(context, 'TakeBookSignatures', { ticket, after });
    for (const { scheme, key, message, signature } of page.signatures) {
      if (!isProofScheme(scheme)) throw notUnderstood('a signature');
      const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
      signed.push({
        proof: { scheme, signature: bytes(signature) },
        spki: bytes(key),
        message: bytes(message),
      });
    }
    after = page.next;
  }
  const isWhole = signed.length === lines.length;
  const isGood = lines.every((line, index) => {
    const one = signed[index];
    return one !== undefined && isSignedItem(line, one, parsePublicKey(one.spki));
  });
  if (!isWhole || !isGood) throw notUnderstood('signatures');
  return signed;
}

/** Whether who is meant has signed it: such a line is what machines pin, and stays as it is. */
function isOwn(line: BookLine): boolean {
  const said = saidBy(parseOfficerBody, line);
  return said !== null && line.signatures.some(({ spki }) => spki.equals(said.key));
}

/** Records and one's own line are signed once, lines that others name an officer by, by several. */
function isOpen(line: BookLine, also: boolean): boolean {
  const { kind, signatures } = line;
  if (kind === 'head') return false;
  if (signatures.length === 0) return true;
  return also && kind === 'officer' && signatures.length < MAX_SIGNATURES && !isOwn(line);
}

async function signDrafts(
  lines: BookLine[],
  file: string,
  also: boolean,
  pinFd: number | null,
  context: CommandContext,
): Promise<number> {
  const open = lines.flatMap((line, index) => (isOpen(line, also) ? [index] : []));
  for (let at = 0; at < open.length; at += AT_ONCE) {
    const some = open.slice(at, at + AT_ONCE);
    const signed = await byCard(
      some.map((index) => lines[index]).filter((line) => line !== undefined),
      pinFd,
      context,
    );
    for (const [place, index] of some.entries()) {
      const [line, one] = [lines[index], signed[place]];
      if (line === undefined || one === undefined) continue;
      const isAgain = line.signatures.some(({ spki }) => spki.equals(one.spki));
      if (!isAgain) lines[index] = { ...line, signatures: [...line.signatures, one] };
    }
    // What is signed is kept, whatever comes of the rest.
    writeBook(file, lines);
  }
  return open.length;
}

export async function sign(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('book', args, {
    file: { type: 'string', short: 'f' },
    officers: { type: 'boolean' },
    'head-key': { type: 'string' },
    'pin-fd': { type: 'string' },
  });
  const file = fileOption(options.file);
  const lines = readBook(file);
  const headKey = options['head-key'];
  if (headKey !== undefined) {
    newHead(lines, file, headKey, [], [], context);
    return;
  }
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  const count = await signDrafts(lines, file, options.officers === true, pinFd, context);
  context.output.result({ file, signed: count }, [say.signed(file, count)]);
}

/** The next head: what was revoked before, and more. */
function newHead(
  lines: readonly BookLine[],
  file: string,
  keyFile: string,
  revoked: readonly string[],
  numbers: readonly number[],
  context: CommandContext,
): void {
  const { key, privateKey } = headKeyIn(keyFile);
  const heads = lines
    .filter(({ kind }) => kind === 'head')
    .flatMap((line) => saidBy(parseHeadBody, line) ?? []);
  const records = lines.flatMap((line) =>
    line.kind === 'record' && line.signatures.length > 0 ? (saidBy(parseRecordBody, line) ?? []) : [],
  );
  const officers = lines.flatMap((line) =>
    line.kind === 'officer' ? (saidBy(parseOfficerBody, line) ?? []) : [],
  );
  const realm = officers[0]?.realm ?? records[0]?.realm;
  if (realm === undefined) throw new CommandError('usage', say.whichRealm);
  const epoch = Math.max(0, ...heads.map((head) => head.epoch)) + 1;
  const all = [...new Set([...heads.flatMap((head) => head.revoked), ...revoked])];
  const allNumbers = [...new Set([...heads.flatMap((head) => head.revokedNumbers), ...numbers])];
  const parts = Math.max(
    1,
    Math.ceil(all.length / DENIED_A_PART),
    Math.ceil(allNumbers.length / DENIED_A_PART),
  );
  const issued = Math.floor(Date.now() / 1000);
  const said = { realm, epoch, issued, until: issued + MAX_HEAD_S, parts } as const;
  const made = Array.from({ length: parts }, (_, index): BookLine => {
    const slice = <T>(list: readonly T[]): T[] =>
      list.slice(index * DENIED_A_PART, (index + 1) * DENIED_A_PART);
    const body: HeadBody = {
      ...{ ...said, part: index + 1, revoked: slice(all), revokedNumbers: slice(allNumbers) },
      records: { count: records.length, hash: bookNumbersHash(records.map(({ number }) => number)) },
    };
    const line = draft('head', String(epoch), bookBody('head', body));
    const challenge = Challenge.create({
      ...{
        purpose: 'pairing-book',
        hostId: randomBytes(16),
        user: 'head',
        service: 'book',
        item: bookItem(line),
      },
    });
    const message = challenge.message();
    const isEd25519 = key.algorithm === 'ed25519';
    const signature = signBy(isEd25519 ? null : 'sha256', message, privateKey);
    const scheme = isEd25519 ? 'ed25519' : 'ecdsa-sha256';
    return { ...line, signatures: [{ proof: { scheme, signature }, spki: key.spki, message }] };
  });
  // Of the heads before this one everything is in it.
  writeBook(file, [...lines.filter(({ kind }) => kind !== 'head'), ...made]);
  const until = new Date(said.until * 1000).toISOString();
  context.output.result({ file, epoch, until, revoked: all.length + allNumbers.length }, [
    say.head(epoch, until, all.length + allNumbers.length),
  ]);
}

export async function revoke(args: readonly string[], context: CommandContext): Promise<void> {
  await Promise.resolve();
  const options = parseOptions('book', args, {
    file: { type: 'string', short: 'f' },
    hash: { type: 'string', short: 'h' },
    user: { type: 'string', short: 'u' },
    number: { type: 'string' },
    'head-key': { type: 'string' },
  });
  const file = fileOption(options.file);
  const lines = readBook(file);
  const { hash, user, number } = options;
  if (options['head-key'] === undefined) throw new CommandError('usage', say.whichHeadKey);
  if ([hash, user, number].filter((one) => one !== undefined).length !== 1)
    throw new CommandError('usage', say.whatToRevoke);
  const keys: string[] = [];
  const numbers: number[] = [];
  if (hash !== undefined) {
    const plain = hash.replace(/[\s:]/g, '').toUpperCase();
    keys.push(/^[0-9A-F]{64}$/.test(plain) ? plain : parsePkhh(hash));
  } else if (number !== undefined) {
    if (!/^\d{1,15}$/.test(number)) throw new CommandError('usage', say.whatToRevoke);
    numbers.push(Number(number));
  } else {
    // Their records, and not their keys: another account may have the same card.
    for (const line of lines) {
      const said = line.kind === 'record' ? saidBy(parseRecordBody, line) : null;
      if (String(said?.user) === user && said !== null) numbers.push(said.number);
    }
    if (numbers.length === 0) throw new CommandError('usage', say.noRecords);
  }
  newHead(lines, file, options['head-key'], keys, numbers, context);
}
