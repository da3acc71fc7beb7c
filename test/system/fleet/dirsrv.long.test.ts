// scauth-fleet with Debian's own 389 Directory Server, made by its dscreate and set up by the guide's words.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { GOOD } from '../../kit/book/fleet-world.ts';
import { DirectoryServer389 } from '../../kit/fleet/dirsrv.ts';
import { head, keyHash, officer, record } from '../../kit/fleet/lines.ts';
import { FleetProgram } from '../../kit/fleet/program.ts';
import { BOOK_DN, personLdif, READER, SUFFIX } from '../../kit/fleet/slapd.ts';
import { Through } from '../../kit/fleet/through.ts';
import { ADA, ALWAYS, THREE_PEOPLE } from '../../kit/fleet/three-people.ts';
import { Authority } from '../../kit/fleet/tls.ts';

const directory = new DirectoryServer389();

test.before(async () => {
  await directory.start(THREE_PEOPLE);
});
test.after.always(() => directory.remove());

function machine(
  t: ExecutionContext,
  settings: Parameters<FleetProgram['settings']>[0] = {},
  password = 'reads',
): FleetProgram {
  const fleet = new FleetProgram();
  t.teardown(() => fleet.remove());
  const ca = fleet.trust(directory.authority);
  writeFileSync(join(fleet.folder, 'credentials/scauth-fleet.password'), password);
  const { url } = directory;
  fleet.settings({
    ...{ url: [url], base: SUFFIX, ca, bind: 'simple', bind_dn: READER, poll: 5 },
    ...settings,
  });
  return fleet;
}

const replace = (dn: string, attribute: string, ...lines: readonly string[]): string =>
  `dn: ${dn}\nchangetype: modify\nreplace: ${attribute}\n${lines.map((line) => `${attribute}: ${line}\n`).join('')}`;
const personDn = (uid: string): string => `uid=${uid},ou=people,${SUFFIX}`;

test.serial(
  'head and officers always, a key when it is asked for, a record that changes and one that goes',
  async (t) => {
    const fleet = machine(t);
    fleet.start(directory.before);
    await fleet.bookIs(...ALWAYS);
    fleet.want(ADA);
    await fleet.bookIs(...ALWAYS, record(ADA));
    directory.modify(replace(BOOK_DN, 'scauthBookHead', head(2)));
    await fleet.bookIs(head(2), officer('a'), record(ADA));
    directory.modify(replace(personDn('ada'), 'scauthRecord', record(ADA, 'renewed')));
    await fleet.bookIs(head(2), officer('a'), record(ADA, 'renewed'));
    directory.modify(replace(personDn('ada'), 'scauthRecord'));
    await fleet.bookIs(head(2), officer('a'));
    directory.modify(replace(BOOK_DN, 'scauthBookHead', head(1)));
    directory.modify(replace(personDn('ada'), 'scauthRecord', record(ADA)));
    await fleet.bookIs(...ALWAYS, record(ADA));
    t.pass();
  },
);

test.serial('StartTLS; a wrong password, another authority and another name get no word', async (t) => {
  const startTls = machine(t, { url: [directory.startTlsUrl] });
  startTls.start(directory.before);
  await startTls.bookIs(...ALWAYS);
  for (const [settings, password, why] of [
    [{}, 'guesses', /Invalid credentials|0x31/i],
    [{ bind: 'anonymous' }, 'reads', /no entry of a book/],
    [{ ca: new Authority('Others').certificate }, 'reads', /certificate/i],
    [{ url: [directory.startTlsUrl], ca: new Authority('Others').certificate }, 'reads', /certificate/i],
    [{ url: ['ldaps://127.0.0.2'] }, 'reads', /altnames/i],
  ] as const) {
    const fleet = machine(t, settings, password);
    fleet.start(directory.before);
    await fleet.until('refused', () => fleet.said.includes('(1 in a row)'));
    t.regex(fleet.said, why);
    t.is(fleet.book(), '');
  }
});

test.serial(
  'everybody by paging, past what 389 looks through by itself, with what changes and goes',
  async (t) => {
    const many = Array.from({ length: 5100 }, (_, at) =>
      personLdif(`u${at}`, keyHash(at), record(keyHash(at))),
    );
    directory.modify(many.join(''), [0], '-a');
    const all = machine(t, { prefetch: ['all'] });
    const records = (): number => all.book().split(' record ').length - 1;
    all.start(directory.before);
    await all.until('5,103 records', () => records() === 5103);
    directory.modify(replace(personDn('u7'), 'scauthRecord', record(keyHash(7), 'renewed')));
    directory.modify(`dn: ${personDn('u8')}\nchangetype: delete\n`);
    await all.until(
      'the change',
      () => all.book().includes(record(keyHash(7), 'renewed')) && records() === 5102,
    );
    t.false(all.book().includes(keyHash(8)));
  },
);

test.serial('the first login by a signed book, and the last one before a head revokes the key', async (t) => {
  directory.modify(personLdif('alice', '0'.repeat(40)), [0], '-a');
  const through = new Through(directory);
  t.teardown(() => through.stop());
  writeFileSync(join(through.fleet.folder, 'credentials/scauth-fleet.password'), 'reads');
  await through.start(GOOD, { poll: 5, bind: 'simple', bind_dn: READER });
  // The same file may be sent again.
  through.publish(GOOD);
  await through.untilRevoked(t);
});
