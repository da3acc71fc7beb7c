// sc_auth book init and add: drafts of officers, head keys and people's cards, which sign signs afterwards.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { bookBody, parseOfficerBody, parseRecordBody } from '../../model/book/book-body.ts';
import type { BookLine } from '../../model/book/book.ts';
import { parseCertificateFile, parsePublicKey, publicKeyOf, type PublicKey } from '../../model/key/key.ts';
import { book as say } from '../../words/book.ts';
import { fetchItems } from '../card/card-items.ts';
import { writeNew } from '../card/new-file.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { readCsv } from '../pair/csv.ts';
import { draft, Numbers, readBook, saidBy, writeBook } from './book-text.ts';

const DAY_S = 24 * 3600;
const OPTIONS = {
  file: { type: 'string', short: 'f' },
  realm: { type: 'string' },
  name: { type: 'string' },
  groups: { type: 'string' },
  hosts: { type: 'string' },
  days: { type: 'string' },
  hash: { type: 'string', short: 'h' },
  user: { type: 'string', short: 'u' },
  label: { type: 'string' },
  certificate: { type: 'string', short: 'c' },
  from: { type: 'string' },
  officer: { type: 'boolean' },
  'new-head-key': { type: 'string' },
} as const;

type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>;

/** @throws CommandError `usage` */
export function fileOption(file: string | undefined): string {
  if (file === undefined) throw new CommandError('usage', say.whichFile);
  return file;
}

interface OnCard {
  readonly key: PublicKey;
  readonly cardKey: string | null;
  readonly label: string;
}

/** The login key of the card that is in, or the one with this hash. @throws CommandError `usage`, `no-card` */
async function keyOnCard(hash: string | undefined, context: CommandContext): Promise<OnCard> {
  const items = await fetchItems(context, null);
  const keys = items.filter(({ use, unfit, hash: own }) => {
    const isMeant = hash === undefined || own === hash.replace(/[\s:]/g, '').toUpperCase();
    return use === 'authentication' && unfit === null && isMeant;
  });
  const [item, ...more] = keys;
  if (item === undefined) throw new CommandError('no-card', say.noKey);
  if (more.length > 0) throw new CommandError('usage', say.severalKeys);
  const card = items.find(({ token, use }) => token === item.token && use === 'card');
  return {
    key: parsePublicKey(Buffer.from(item.publicKey, 'base64')),
    cardKey: card === undefined ? null : Buffer.from(card.publicKey, 'base64').toString('base64url'),
    label: item.label,
  };
}

/** @throws CommandError `usage` */
function keyInFile(path: string): PublicKey {
  try {
    return parseCertificateFile(readFileSync(path)).publicKey;
  } catch (cause) {
    throw new CommandError('usage', say.noCertificate(path), cause);
  }
}

function words(text: string | undefined, usual: readonly string[]): string[] {
  return text === undefined ? [...usual] : text.split(',').filter((word) => word !== '');
}

function times(days: string | undefined, usual: number): { notBefore: number; notAfter: number } {
  if (days !== undefined && !/^\d{1,5}$/.test(days)) throw new CommandError('usage', say.days);
  const notBefore = Math.floor(Date.now() / 1000) - 300;
  return { notBefore, notAfter: notBefore + Number(days ?? usual) * DAY_S };
}

/** @throws CommandError `usage` for what no machine would take */
function made(make: () => BookLine): BookLine {
  try {
    return make();
  } catch (cause) {
    throw new CommandError('usage', say.notTaken, cause);
  }
}

function officer(
  key: PublicKey,
  realm: string,
  numbers: Numbers,
  options: Options,
  role: 'officer' | 'head',
): BookLine {
  const { name, groups, hosts, days } = options;
  const isHead = role === 'head';
  return made(() =>
    draft(
      'officer',
      key.sha256.toLowerCase(),
      bookBody('officer', {
        ...{ realm, role, key: key.spki.toString('base64url'), name: name ?? (isHead ? 'head' : 'officer') },
        groups: isHead ? [] : words(groups, ['*']),
        hosts: isHead ? [] : words(hosts, ['*']),
        ...{ ...times(days, 1826), number: numbers.next() },
      }),
    ),
  );
}

function record(
  user: string,
  on: OnCard,
  realm: string,
  numbers: Numbers,
  { days, label }: Options,
): BookLine {
  const { key, cardKey } = on;
  return made(() =>
    draft(
      'record',
      key.pkhh.toLowerCase(),
      bookBody('record', {
        ...{ realm, user, key: key.spki.toString('base64url'), cardKey, label: label ?? on.label },
        ...{ ...times(days, 731), number: numbers.next(), uses: ['login'] },
      }),
    ),
  );
}

function realmOf(lines: readonly BookLine[], asked: string | undefined): string {
  for (const line of lines) {
    const said = line.kind === 'officer' ? saidBy(parseOfficerBody, line) : null;
    const realm = said?.realm ?? (line.kind === 'record' ? saidBy(parseRecordBody, line)?.realm : undefined);
    if (realm === undefined) continue;
    if (asked !== undefined && asked !== realm) throw new CommandError('usage', say.otherRealm(realm));
    return realm;
  }
  if (asked === undefined) throw new CommandError('usage', say.whichRealm);
  return asked;
}

/** The first officers: a draft of an officer's own line, by the card that is in. */
export async function init(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('book', args, OPTIONS);
  const file = fileOption(options.file);
  const lines = readBook(file, true);
  const realm = realmOf(lines, options.realm);
  const { key } = await keyOnCard(options.hash, context);
  writeBook(file, [...lines, officer(key, realm, new Numbers(lines), options, 'officer')]);
  context.output.result({ realm, officer: key.sha256, file }, say.begun(file, key.sha256));
}

/** @throws CommandError `usage` */
async function drafts(
  lines: readonly BookLine[],
  options: Options,
  context: CommandContext,
): Promise<BookLine[]> {
  const realm = realmOf(lines, options.realm);
  const numbers = new Numbers(lines);
  const { user, certificate, from } = options;
  const newHead = options['new-head-key'];
  if (newHead !== undefined) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeNew(newHead, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    return [officer(publicKeyOf(publicKey), realm, numbers, options, 'head')];
  }
  if (from !== undefined) {
    return [...readCsv(readFileSync(from))].map((row) => {
      if (row.problem !== null) throw new CommandError('usage', say.row(row.line, row.problem));
      if (row.certificate === '') throw new CommandError('usage', say.row(row.line, say.needsCertificate));
      const key = keyInFile(resolve(dirname(from), row.certificate));
      return record(row.user, { key, cardKey: null, label: '' }, realm, numbers, options);
    });
  }
  const on =
    certificate === undefined
      ? await keyOnCard(options.hash, context)
      : { key: keyInFile(certificate), cardKey: null, label: '' };
  if (options.officer === true) return [officer(on.key, realm, numbers, options, 'officer')];
  if (user === undefined) throw new CommandError('usage', say.whichUser);
  return [record(user, on, realm, numbers, options)];
}

/** Drafts of records, a further officer, or a key for heads. */
export async function add(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('book', args, OPTIONS);
  const file = fileOption(options.file);
  const lines = readBook(file);
  const added = await drafts(lines, options, context);
  writeBook(file, [...lines, ...added]);
  context.output.result({ file, added: added.length }, [say.added(file, added.length)]);
}

/** @throws CommandError `usage` */
export function headKeyIn(path: string): { readonly key: PublicKey; readonly privateKey: KeyObject } {
  try {
    const privateKey = createPrivateKey(readFileSync(path));
    const key = publicKeyOf(createPublicKey(privateKey));
    if (key.algorithm !== 'ed25519' && key.algorithm !== 'p256') throw new Error(key.algorithm);
    return { key, privateKey };
  } catch (cause) {
    throw new CommandError('usage', say.noHeadKey(path), cause);
  }
}
