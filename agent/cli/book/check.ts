// sc_auth book export and verify: what is signed, for carriers and machines; and whether a book is whole and its signatures
// are good. What a machine makes of it, its own settings and clock say (sc_auth explain, doctor).

import { createHash } from 'node:crypto';
import {
  bookNumbersHash,
  parseHeadBody,
  parseOfficerBody,
  parseRecordBody,
} from '../../model/book/book-body.ts';
import { bookLdif } from '../../model/book/book-ldif.ts';
import { bookLineText, isSignedItem, type BookLine } from '../../model/book/book.ts';
import { parsePublicKey, type PublicKey } from '../../model/key/key.ts';
import { book as say } from '../../words/book.ts';
import { writeNew } from '../card/new-file.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { readBook, saidBy } from './book-text.ts';
import { fileOption } from './make.ts';

// eslint-disable-next-line @typescript-eslint/require-await
export async function exportBook(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('book', args, {
    file: { type: 'string', short: 'f' },
    out: { type: 'string', short: 'o' },
    officers: { type: 'boolean' },
    ldif: { type: 'boolean' },
    base: { type: 'string' },
    people: { type: 'string' },
    'user-attribute': { type: 'string' },
    'have-class': { type: 'boolean' },
  });
  const lines = readBook(fileOption(options.file)).filter(
    ({ kind, signatures }) => signatures.length > 0 && (options.officers !== true || kind === 'officer'),
  );
  const { base, people = `ou=people,${base ?? ''}`, 'user-attribute': userAttribute = 'uid' } = options;
  if ((options.ldif === true) !== (base !== undefined)) throw new CommandError('usage', say.whichBase);
  const signed = lines.map(bookLineText);
  const haveClass = options['have-class'] === true;
  const place = { book: `cn=book,${base ?? ''}`, people, userAttribute, haveClass };
  const text = options.ldif === true ? bookLdif(signed, place).split('\n').slice(0, -1) : signed;
  if (options.out === undefined) {
    context.output.result({ lines: text }, text);
    return;
  }
  // Signed, and nobody's secret: other officers read it, and whoever carries it.
  writeNew(options.out, text.map((line) => `${line}\n`).join(''), 0o644);
  context.output.result({ file: options.out, lines: lines.length }, [
    say.exported(options.out, lines.length),
  ]);
}

interface Signer {
  readonly key: PublicKey;
  readonly role: 'officer' | 'head';
}

/** Whom a machine is told to believe: keys, and lines that count as they stand. */
interface Pinned {
  readonly keys: ReadonlySet<string>;
  readonly lines: ReadonlySet<string>;
}

/** @param signers SHA-256 of keys, and files of officers' lines */
function pinnedBy(signers: readonly string[]): Pinned {
  const keys = new Set<string>();
  const lines = new Set<string>();
  for (const one of signers) {
    const key = one.replace(/[\s:]/g, '').toUpperCase();
    if (/^[0-9A-F]{64}$/.test(key)) keys.add(key);
    else for (const line of readBook(one)) lines.add(bookLineText(line));
  }
  return { keys, lines };
}

/** Keys that officers' lines name, from those that are pinned. */
function signersOf(lines: readonly BookLine[], pinned: Pinned, threshold: number): Map<string, Signer> {
  const known = new Map<string, Signer>();
  for (let isNew = true; isNew;) {
    isNew = false;
    for (const line of lines) {
      const said = line.kind === 'officer' ? saidBy(parseOfficerBody, line) : null;
      if (said === null) continue;
      const key = parsePublicKey(said.key);
      if (known.has(key.sha256)) continue;
      const by = new Set(signedBy(line).filter((sha256) => known.get(sha256)?.role === 'officer'));
      by.delete(key.sha256);
      const isPinned = pinned.keys.has(key.sha256) || pinned.lines.has(bookLineText(line));
      const isOwn = said.role === 'officer' && isPinned && signedBy(line).includes(key.sha256);
      if (!isOwn && by.size < threshold) continue;
      known.set(key.sha256, { key, role: said.role });
      isNew = true;
    }
  }
  return known;
}

const signerNames = new WeakMap<BookLine, string[]>();

/** Whose signatures on the line are good, by SHA-256 of their keys. */
function signedBy(line: BookLine): string[] {
  const before = signerNames.get(line);
  if (before !== undefined) return before;
  const names = line.signatures.flatMap((one) =>
    isSignedItem(line, one, parsePublicKey(one.spki))
      ? [createHash('sha256').update(one.spki).digest('hex').toUpperCase()]
      : [],
  );
  signerNames.set(line, names);
  return names;
}

// eslint-disable-next-line @typescript-eslint/require-await
export async function verify(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('book', args, {
    file: { type: 'string', short: 'f' },
    signer: { type: 'string', multiple: true },
    threshold: { type: 'string' },
  });
  const lines = readBook(fileOption(options.file));
  if (options.signer === undefined) throw new CommandError('usage', say.whichSigners);
  const { threshold = '2' } = options;
  // What is no number would be less than nothing, and name everybody.
  if (!/^[1-8]$/.test(threshold)) throw new CommandError('usage', say.threshold);
  const signers = signersOf(lines, pinnedBy(options.signer), Number(threshold));
  const bad: number[] = [];
  let drafts = 0;
  const numbers: number[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.signatures.length === 0) {
      drafts += 1;
      continue;
    }
    const parse = { officer: parseOfficerBody, record: parseRecordBody, head: parseHeadBody }[line.kind];
    const said = saidBy<unknown>(parse, line);
    const role = line.kind === 'head' ? 'head' : 'officer';
    const isNamed =
      line.kind === 'officer'
        ? signers.has(parseOfficerKey(line))
        : signedBy(line).some((sha256) => signers.get(sha256)?.role === role);
    if (said === null || !isNamed) bad.push(index + 1);
    else if (line.kind === 'record') numbers.push(saidBy(parseRecordBody, line)?.number ?? 0);
  }
  const head =
    lines.filter(({ kind }) => kind === 'head').map((line) => saidBy(parseHeadBody, line))[0] ?? null;
  const isWhole = head !== null && head.records.hash === bookNumbersHash(numbers);
  const found = { lines: lines.length, records: numbers.length, drafts, bad, whole: isWhole };
  context.output.result(found, say.verified(found));
  if (bad.length > 0 || !isWhole) context.output.failed(1);
}

function parseOfficerKey(line: BookLine): string {
  const said = saidBy(parseOfficerBody, line);
  return said === null ? '' : createHash('sha256').update(said.key).digest('hex').toUpperCase();
}
