// sc_auth book where no card is needed: people from a list, the key for heads, revocations, and what is exported.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readBook, writeBook } from '../../../agent/cli/book/book-text.ts';
import { CommandError } from '../../../agent/cli/exit-codes.ts';
import { parseHeadBody } from '../../../agent/model/book/book-body.ts';
import { bookLdif } from '../../../agent/model/book/book-ldif.ts';
import { parseBookLine } from '../../../agent/model/book/book.ts';
import { ada, adaLine, olga, olgaLine, oona, otto, ottoLine } from '../../kit/book/fleet-world.ts';
import { officerLine, recordLine, REALM } from '../../kit/book/make-book.ts';
import { makeCertificate, toPem } from '../../kit/card/certificate.ts';
import { runHere, type Outcome } from './run-sc-auth.ts';

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

interface Place {
  readonly folder: string;
  readonly file: string;
  readonly head: string;
  readonly book: (verb: string, ...args: readonly string[]) => Promise<Outcome>;
  readonly lines: () => string[];
}

function place(...lines: readonly string[]): Place {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-book-'));
  const file = join(folder, 'fleet.book');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return {
    ...{ folder, file, head: join(folder, 'head.pem') },
    book: (verb, ...args) => runHere('/nowhere', ['book', verb, '-f', file, ...args]),
    lines: () => readFileSync(file, 'latin1').trimEnd().split('\n'),
  };
}

test('people from a list become drafts with numbers of their own, and one bad row makes none', async (t) => {
  const { folder, book, lines } = place(olgaLine, ottoLine);
  const list = join(folder, 'people.csv');
  for (const name of ['grace', 'lin'])
    writeFileSync(join(folder, `${name}.pem`), toPem(makeCertificate(newKey(), { cn: name })));
  writeFileSync(list, 'user,certificate\ngrace,grace.pem\nlin,missing.pem\n');
  const bad = await book('add', '--from', list);
  t.is(bad.code, 2);
  t.regex(bad.err, /missing\.pem/);
  t.is(lines().length, 2);
  writeFileSync(list, 'user;certificate\r\ngrace;grace.pem\r\nlin;lin.pem\r\n');
  t.is((await book('add', '--from', list)).code, 0);
  const drafts = lines().slice(2);
  t.is(drafts.length, 2);
  const said = drafts.map((line) => {
    const { body = '', signatures } = parseBookLine(line) ?? {};
    t.deepEqual(signatures, []);
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as {
      user: string;
      realm: string;
      number: number;
    };
  });
  t.deepEqual(
    said.map(({ user, realm }) => [user, realm]),
    [
      ['grace', REALM],
      ['lin', REALM],
    ],
  );
  t.is(new Set(said.map(({ number }) => number)).size, 2);
  writeFileSync(list, `user,hash\nada,${ada.publicKey.pkhh}\n`);
  t.is((await book('add', '--from', list)).code, 2, 'a hash is no key');
});

test('officers alone, everything that is signed, and the same as LDIF; a draft is in none of them', async (t) => {
  const { folder, book } = place(olgaLine, ottoLine, adaLine);
  t.is((await book('add', '--new-head-key', join(folder, 'head.pem'))).code, 0);
  t.is((await book('export', '--officers')).out, `${olgaLine}\n${ottoLine}\n`);
  const out = join(folder, 'out');
  t.is((await book('export', '-o', out)).code, 0);
  t.is(readFileSync(out, 'latin1'), `${olgaLine}\n${ottoLine}\n${adaLine}\n`);
  t.is((await book('export', '-o', out)).code, 2, 'never over a file');
  const base = 'dc=example,dc=org';
  const usual = { book: `cn=book,${base}`, people: `ou=people,${base}`, userAttribute: 'uid' };
  const ldif = await book('export', '--ldif', '--base', base);
  t.is(ldif.out, bookLdif([olgaLine, ottoLine, adaLine], usual));
  const elsewhere = { ...usual, people: 'cn=users,dc=x', userAttribute: 'cn' };
  const other = ['--people', elsewhere.people, '--user-attribute', 'cn', '-o', join(folder, 'ldif')];
  t.is((await book('export', '--ldif', '--base', base, ...other)).code, 0);
  t.is(readFileSync(join(folder, 'ldif'), 'utf8'), bookLdif([olgaLine, ottoLine, adaLine], elsewhere));
  const plain = (await book('export', '--ldif', '--base', base, '--have-class')).out;
  t.notRegex(plain, /^control:|objectClass/m, '389 Directory Server has no such control');
  t.true(plain.includes(`replace: scauthRecord\nscauthRecord: ${adaLine}\n`));
  t.is((await book('export', '--ldif')).code, 2);
  t.is((await book('export', '--base', base)).code, 2);
});

test('a long list of what is revoked goes on in further lines, which count together', async (t) => {
  const many = Array.from({ length: 400 }, (_, at) =>
    recordLine('alice', ada.publicKey, olga, { number: 100 + at }),
  );
  const { folder, book, lines } = place(olgaLine, ottoLine, ...many);
  const key = join(folder, 'head.pem');
  t.is((await book('add', '--new-head-key', key)).code, 0);
  t.is((await book('revoke', '-u', 'alice', '--head-key', key)).code, 0);
  t.is((await book('revoke', '-h', ada.publicKey.pkhh, '--head-key', key)).code, 0);
  const heads = lines()
    .filter((line) => line.startsWith('scauth-book 1 head '))
    .map((line) => parseHeadBody(parseBookLine(line)?.body ?? ''));
  t.deepEqual(
    heads.map(({ epoch, part, parts }) => [epoch, part, parts]),
    [1, 2, 3].map((part) => [2, part, 3]),
  );
  t.is(heads.flatMap(({ revokedNumbers }) => revokedNumbers).length, 400);
  t.deepEqual(
    heads.flatMap(({ revoked }) => revoked),
    [ada.publicKey.pkhh],
  );
});

test('verify: who is pinned, whom they name, and a threshold that is a number', async (t) => {
  const { book } = place(olgaLine, ottoLine, adaLine);
  const signers = [olga, otto].flatMap(({ publicKey }) => ['--signer', publicKey.sha256]);
  const found = await book('verify', ...signers, '--json');
  t.like(JSON.parse(found.out), { records: 1, bad: [], whole: false });
  t.is(found.code, 1, 'no head counts them');
  const one = await book('verify', '--signer', otto.publicKey.sha256, '--json');
  t.like(JSON.parse(one.out), { bad: [1, 3] });
  for (const threshold of ['two', '0', '-1', ''])
    t.is((await book('verify', ...signers, '--threshold', threshold)).code, 2, threshold);
});

test('verify: a line by which an officer says more of themselves than root’s file counts as little as on a machine', async (t) => {
  const wider = officerLine(olga.publicKey, [olga], { number: 7, groups: ['*'], hosts: ['*'] });
  const byTwo = officerLine(olga.publicKey, [otto, oona], { number: 8 });
  const oonaLine = officerLine(oona.publicKey, [oona], { name: 'Oona', number: 3 });
  const noKey = adaLine.replace(/(signed \S+) \S+/, '$1 AAAA');
  const { folder, book } = place(olgaLine, ottoLine, oonaLine, wider, byTwo, adaLine, noKey);
  const pinned = join(folder, 'officers.book');
  writeFileSync(pinned, `${olgaLine}\n${ottoLine}\n${oonaLine}\n`);
  const found = await book('verify', '--signer', pinned, '--json');
  t.like(JSON.parse(found.out), { records: 1, bad: [4, 7] }, found.err);
});

test('a book that cannot be put in its place leaves nothing beside it', (t) => {
  const { folder, file } = place(olgaLine);
  // A folder in the way of the rename, as a full disk is before it.
  mkdirSync(join(folder, 'other/in-the-way'), { recursive: true });
  const there = readdirSync(folder);
  t.throws(
    () => {
      writeBook(join(folder, 'other'), readBook(file));
    },
    { instanceOf: CommandError, message: /other/ },
  );
  t.deepEqual(readdirSync(folder), there);
  writeBook(file, readBook(file));
  t.deepEqual(readdirSync(folder), there);
});
