// scauth-fleet with Debian's own slapd, by TLS.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bookLdif } from '../../../agent/model/book/book-ldif.ts';
import { FleetProgram } from '../../kit/fleet/program.ts';
import { head, keyHash, officer, record } from '../../kit/fleet/lines.ts';
import {
  baseLdif,
  BOOK_DN,
  personLdif,
  READER,
  addToConfig,
  Slapd,
  SUFFIX,
  type SlapdOptions,
} from '../../kit/fleet/slapd.ts';
import { ADA, ALWAYS, GRACE, LIN, PEOPLE, THREE_PEOPLE } from '../../kit/fleet/three-people.ts';
import { Authority } from '../../kit/fleet/tls.ts';

const VECTORS = join(import.meta.dirname, '../../vectors/book/vectors.json');

async function directory(t: ExecutionContext, options: SlapdOptions = {}): Promise<Slapd> {
  const slapd = new Slapd(options);
  slapd.load(THREE_PEOPLE);
  await slapd.start();
  t.teardown(() => slapd.remove());
  return slapd;
}

function machine(
  t: ExecutionContext,
  slapd: Slapd,
  settings: Parameters<FleetProgram['settings']>[0] = {},
): FleetProgram {
  const fleet = new FleetProgram();
  t.teardown(() => fleet.remove());
  const ca = fleet.trust(slapd.authority);
  fleet.settings({ url: [slapd.url], base: SUFFIX, ca, poll: 5, ...settings });
  return fleet;
}

const replaceHead = (...lines: readonly string[]): string =>
  `dn: ${BOOK_DN}\nchangetype: modify\nreplace: scauthBookHead\n${lines.map((line) => `scauthBookHead: ${line}\n`).join('')}`;
const replaceRecord = (uid: string, ...lines: readonly string[]): string =>
  `dn: uid=${uid},ou=people,${SUFFIX}\nchangetype: modify\nreplace: scauthRecord\n${lines.map((line) => `scauthRecord: ${line}\n`).join('')}`;

test('head and officers always, a key when it is asked for, a new head and a changed record at the next poll', async (t) => {
  const slapd = await directory(t);
  const fleet = machine(t, slapd);
  fleet.start();
  await fleet.bookIs(...ALWAYS);
  fleet.want(ADA);
  await fleet.bookIs(...ALWAYS, record(ADA));
  slapd.modify(replaceHead(head(2)));
  await fleet.bookIs(head(2), officer('a'), record(ADA));
  slapd.modify(replaceRecord('ada', record(ADA, 'renewed')));
  await fleet.bookIs(head(2), officer('a'), record(ADA, 'renewed'));
  // A key that appears later is found once the answer "nobody has it" is old, or by the poll, which asks for what is wanted.
  const NEW = keyHash('new');
  fleet.want(ADA, NEW);
  slapd.modify(
    `dn: uid=lin,ou=people,${SUFFIX}\nchangetype: modify\nadd: scauthKeyHash\nscauthKeyHash: ${NEW}\n-\nadd: scauthRecord\nscauthRecord: ${record(NEW)}\n`,
  );
  await fleet.until('the new key', () => fleet.book().includes(record(NEW)));
  t.false(fleet.book().includes(record(LIN)), 'another key of the same person is not wanted');
  slapd.modify(replaceRecord('ada'));
  await fleet.until('the record is gone', () => !fleet.book().includes(ADA));
});

test('StartTLS, a bind with a password, and one with a certificate', async (t) => {
  const closed = await directory(t, { anonymous: false });
  const simple = machine(t, closed, { url: [closed.startTlsUrl], bind: 'simple', bind_dn: READER });
  writeFileSync(join(simple.folder, 'credentials/scauth-fleet.password'), 'reads\n');
  simple.start();
  await simple.bookIs(...ALWAYS);
  const external = machine(t, closed, { bind: 'external' });
  const { cert, key } = closed.authority.issue('machine7');
  copyFileSync(cert, join(external.folder, 'credentials/scauth-fleet.crt'));
  copyFileSync(key, join(external.folder, 'credentials/scauth-fleet.key'));
  external.start();
  await external.bookIs(...ALWAYS);
  const wrong = machine(t, closed, { bind: 'simple', bind_dn: READER });
  writeFileSync(join(wrong.folder, 'credentials/scauth-fleet.password'), 'guesses\n');
  wrong.start();
  await wrong.until('refused', () => /Invalid credentials|0x31/i.test(wrong.said));
  t.notRegex(wrong.said, /guesses/);
  t.is(wrong.book(), '');
  const without = machine(t, closed, { bind: 'simple', bind_dn: READER });
  without.start();
  t.is(await without.ended(), 78);
  t.regex(without.said, /credstore\/scauth-fleet\.password/);
});

test('users and groups by name, and everybody with changes and paging', async (t) => {
  const slapd = await directory(t, { global: 'sizelimit size.prtotal=unlimited' });
  slapd.modify(
    `dn: cn=staff,${SUFFIX}\nchangetype: add\nobjectClass: posixGroup\ncn: staff\ngidNumber: 77\nmemberUid: grace\nmemberUid: nobody*)(uid=*\n`,
  );
  const named = machine(t, slapd, { prefetch: ['ada', '@staff'] });
  named.start();
  await named.bookIs(...ALWAYS, ...[record(ADA), record(GRACE)].sort());
  const many = Array.from({ length: 1200 }, (_, at) =>
    personLdif(`u${at}`, keyHash(at), record(keyHash(at))),
  );
  slapd.modify(
    many.join('').replaceAll('\nobjectClass: inetOrgPerson', '\nchangetype: add\nobjectClass: inetOrgPerson'),
  );
  const all = machine(t, slapd, { prefetch: ['all'] });
  all.start();
  await all.until('1,203 records', () => all.book().split(' record ').length === 1204);
  slapd.modify(replaceRecord('u7', record(keyHash(7), 'renewed')));
  await all.until('the change', () => all.book().includes(record(keyHash(7), 'renewed')));
  t.is(all.book().split(' record ').length, 1204);
});

test('a book goes into the directory as LDIF by ldapmodify, again and again, and comes out at a machine', async (t) => {
  const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
    lines: readonly { line: string; body: { user?: string } }[];
  };
  const lines = vectors.lines.map(({ line }) => line);
  const users = [
    ...new Set(vectors.lines.flatMap(({ body: { user } }) => (user === undefined ? [] : [user]))),
  ];
  t.true(users.length > 0);
  const slapd = new Slapd();
  const people = users.map((uid) =>
    personLdif(uid, keyHash(uid)).replace(/objectClass: scauthPerson\n|scauthKeyHash.*\n/g, ''),
  );
  slapd.load(baseLdif({ heads: [] }) + people.join(''));
  await slapd.start();
  t.teardown(() => slapd.remove());
  const ldif = bookLdif(lines, { book: BOOK_DN, people: `ou=people,${SUFFIX}`, userAttribute: 'uid' });
  slapd.modify(ldif);
  slapd.modify(ldif);
  const fleet = machine(t, slapd, { prefetch: users });
  fleet.start();
  await fleet.until('every line', () => fleet.book().split('\n').length === lines.length + 1);
  t.deepEqual(fleet.book().split('\n').filter(Boolean).sort(), [...lines].sort());
});

test('without syncprov each poll reads what is wanted', async (t) => {
  const slapd = await directory(t, { syncprov: false });
  const fleet = machine(t, slapd);
  fleet.want(ADA);
  fleet.start();
  await fleet.bookIs(...ALWAYS, record(ADA));
  slapd.modify(replaceRecord('ada', record(ADA, 'renewed')));
  await fleet.bookIs(...ALWAYS, record(ADA, 'renewed'));
  t.pass();
});

test('a server by another authority, or for another name, gets no word', async (t) => {
  const slapd = await directory(t);
  for (const [settings, why] of [
    [
      { ca: new Authority('Others').certificate },
      /self-signed|unable to verify|UNABLE_TO_VERIFY|certificate/i,
    ],
    [{ url: [slapd.url.replace('127.0.0.1', '127.0.0.2')] }, /ECONNREFUSED|altnames/i],
    [{ url: [slapd.startTlsUrl], ca: new Authority('Others').certificate }, /certificate/i],
    [{ ca: '' }, /certificate/i],
  ] as const) {
    const fleet = machine(t, slapd, settings);
    fleet.start();
    await fleet.until('refused', () => fleet.said.includes('(1 in a row)'));
    t.regex(fleet.said, why);
    t.is(fleet.book(), '');
  }
});

test('the first server that answers is asked; gone and back, the old book stays and goes on', async (t) => {
  const slapd = await directory(t);
  const fleet = machine(t, slapd, { url: ['ldaps://127.0.0.1:1', slapd.url, 'ldaps://127.0.0.1:2'] });
  fleet.want(ADA);
  fleet.start();
  await fleet.bookIs(...ALWAYS, record(ADA));
  await slapd.stop();
  await fleet.until('failures', () => fleet.said.includes('(2 in a row)'));
  t.is(fleet.book(), [...ALWAYS, record(ADA), ''].join('\n'));
  await fleet.stop();
  fleet.start();
  await fleet.until('failures after a start', () => fleet.said.split('(1 in a row)').length > 2);
  t.is(fleet.book(), [...ALWAYS, record(ADA), ''].join('\n'));
  await slapd.start();
  slapd.modify(replaceHead(head(9)));
  await fleet.bookIs(head(9), officer('a'), record(ADA));
});

test('an empty directory, one without the book, and one that limits its answers change nothing', async (t) => {
  const slapd = new Slapd({ global: 'sizelimit 2' });
  slapd.load(baseLdif({ heads: [head(1)] }) + PEOPLE);
  await slapd.start();
  t.teardown(() => slapd.remove());
  const fleet = machine(t, slapd);
  writeFileSync(join(fleet.folder, 'state/book'), `${head(1)}\n${record(ADA)}\n${record(GRACE)}\n`);
  fleet.start();
  await fleet.until('cut off', () => /size ?limit|0x4/i.test(fleet.said));
  slapd.modify(`dn: ${BOOK_DN}\nchangetype: delete\n`);
  await fleet.until('no book', () => fleet.said.includes('no entry of a book'));
  t.is(fleet.book(), `${head(1)}\n${record(ADA)}\n${record(GRACE)}\n`);
});

test('the three files of the schema say the same, and cn=config takes its own', (t) => {
  const folder = join(import.meta.dirname, '../../../install/ldap');
  const definitions = (file: string, names: RegExp): string[] =>
    readFileSync(join(folder, file), 'utf8')
      .replace(/^#.*\n/gm, '')
      .split(/^(?=\S)/m)
      .flatMap((part) => names.exec(part)?.[1] ?? [])
      .map((text) => text.replace(/\s+/g, ' ').trim());
  const wanted = definitions('scauth.schema', /^(?:attributetype|objectclass) (\(.*\))\s*$/s);
  t.is(wanted.length, 6);
  t.deepEqual(
    definitions('scauth-openldap.ldif', /^olc(?:AttributeTypes|ObjectClasses): (\(.*\))\s*$/s),
    wanted,
  );
  t.deepEqual(definitions('60scauth.ldif', /^(?:attributeTypes|objectClasses): (\(.*\))\s*$/s), wanted);
  t.notThrows(() => {
    addToConfig(readFileSync(join(folder, 'scauth-openldap.ldif'), 'utf8'));
  });
});
