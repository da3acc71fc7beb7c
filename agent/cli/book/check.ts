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
import { officerLineCounts } from '../../model/book/officer-line.ts';
import { parsePublicKey, type PublicKey } from '../../model/key/key.ts';
import { book as say } from '../../words/book.ts';
import { writeNew } from '../card/new-file.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { readBook, readOrNull, saidBy } from './book-text.ts';
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

interface Officers {
  /** Lines that count. */
  readonly lines: ReadonlySet<BookLine>;
  /** SHA-256 of the keys that they name, with the role. */
  readonly names: ReadonlySet<string>;
}

/** From those that are pinned on, by the same rule as on a machine. */
function officersOf(all: readonly BookLine[], pinned: Pinned, threshold: number): Officers {
  const lines = new Set<BookLine>();
  const names = new Set<string>();
  for (let before = -1; before < lines.size;) {
    before = lines.size;
    for (const line of all) {
      const said = line.kind === 'officer' && !lines.has(line) ? saidBy(parseOfficerBody, line) : null;
      const sha256 = said === null ? undefined : keyOf(said.key)?.sha256;
      if (said === null || sha256 === undefined) continue;
      const by = officerLineCounts({
        ...{ role: said.role, sha256, signers: new Set(signedBy(line)), threshold },
        isRoots: pinned.keys.has(sha256) || pinned.lines.has(bookLineText(line)),
        mayName: (signer) => names.has(`officer ${signer}`),
      });
      if (by === null) continue;
      lines.add(line);
      names.add(`${said.role} ${sha256}`);
    }
  }
  return { lines, names };
}

function nameOfKey(spki: Buffer): string {
  return createHash('sha256').update(spki).digest('hex').toUpperCase();
}

/** null for what is no key that signs, and for another encoding of one. */
function keyOf(spki: Buffer): PublicKey | null {
  const key = readOrNull(() => parsePublicKey(spki));
  return key?.sha256 === nameOfKey(spki) ? key : null;
}

const signerNames = new WeakMap<BookLine, string[]>();

/** Whose signatures on the line are good, by SHA-256 of their keys. */
function signedBy(line: BookLine): string[] {
  const before = signerNames.get(line);
  if (before !== undefined) return before;
  const names = line.signatures.flatMap((one) => {
    const key = keyOf(one.spki);
    return key !== null && isSignedItem(line, one, key) ? [key.sha256] : [];
  });
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
  const officers = officersOf(lines, pinnedBy(options.signer), Number(threshold));
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
        ? officers.lines.has(line)
        : signedBy(line).some((sha256) => officers.names.has(`${role} ${sha256}`));
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
