// scauth-fleet with a directory that lies. Whatever it says, the program goes on, the old book stays, and what is taken
// has limits.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LdapSource } from '../../../agent/fleet/ldap/ldap-source.ts';
import { serverOf } from '../../../agent/fleet/ldap/connect.ts';
import { any } from '../../../agent/fleet/ldap/schema.ts';
import { Session } from '../../../agent/fleet/ldap/session.ts';
import type { Book } from '../../../agent/fleet/book.ts';
import { FleetProgram } from '../../kit/fleet/program.ts';
import { head, keyHash, record } from '../../kit/fleet/lines.ts';
import {
  entry,
  honest,
  LyingServer,
  message,
  octets,
  result,
  searchDone,
  type Answer,
} from '../../kit/fleet/lying-server.ts';
import { writeTlv } from '../../../agent/base/tlv.ts';

const [ADA, GRACE] = [keyHash('ada'), keyHash('grace')];
const SETTINGS = {
  base: 'dc=example,dc=org',
  userAttribute: 'uid',
  ca: '',
  bind: 'anonymous',
  bindDn: '',
} as const;
const NOBODY = { all: false, users: [], groups: [] } as const;
const good = honest({ heads: [head(1)], people: { 'uid=ada': [record(ADA)] } });
const OLD = `${head(1)}\n${record(ADA)}\n`;

async function lying(t: ExecutionContext, answer: Answer): Promise<LyingServer> {
  const server = new LyingServer(answer);
  await server.start();
  t.teardown(() => server.stop());
  return server;
}

function sourceOf(t: ExecutionContext, server: LyingServer): LdapSource {
  const tls = { ca: [readFileSync(server.authority.certificate, 'latin1')] };
  const source = new LdapSource([server.url], SETTINGS, tls, { kind: 'anonymous' });
  t.teardown(() => {
    source.close();
  });
  return source;
}

const fetched = async (source: LdapSource, all = false): Promise<Book> =>
  source.fetch({ keys: new Set([ADA]), prefetch: { ...NOBODY, all } });

/** Answers of which each is a failure, and no book. */
const HOSTILE: Readonly<Record<string, Answer>> = {
  'too many entries': ({ id }) => [...Array.from({ length: 2000 }, () => entry(id, 'x', {})), searchDone(id)],
  'thousands of tiny messages in one packet': ({ id }) => [
    Buffer.concat([
      ...Array.from({ length: 20_000 }, () => message(id, writeTlv(0x73, Buffer.alloc(0)))),
      searchDone(id),
    ]),
  ],
  'a length that goes round': () => [Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1])],
  'a message of four gigabytes': () => [Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xf0])],
  'an entry whose attributes never end': ({ id }) => [
    message(id, writeTlv(0x64, Buffer.concat([octets('x'), Buffer.from([0x30, 0x7f])]))),
  ],
  'a result without a code': ({ id }) => [message(id, writeTlv(0x65, Buffer.alloc(0)))],
  'a referral': ({ id }) => [
    message(id, result(0x65, 10, '', writeTlv(0xa3, octets('ldap://127.0.0.1:1/')))),
  ],
  text: () => [Buffer.from('220 mail.example.org ESMTP\r\n')],
  'an end of the connection': (_, socket) => {
    socket.destroy();
    return [];
  },
  'an answer to somebody else': ({ id }) => [searchDone((id + 100) % 256), message(0, result(0x78, 52))],
  'a book without an entry': ({ id }) => [searchDone(id)],
  'a size limit': ({ id, attributes }) => [
    ...(attributes.includes('entryCSN')
      ? [entry(id, 'cn=book', { entryCSN: ['1'], objectClass: ['scauthBook'] })]
      : []),
    searchDone(id, 4),
  ],
};

for (const [what, answer] of Object.entries(HOSTILE))
  test(`refused, and good again afterwards: ${what}`, async (t) => {
    const server = await lying(t, answer);
    const source = sourceOf(t, server);
    await t.throwsAsync(fetched(source));
    server.answer = good;
    const book = await fetched(source);
    t.deepEqual([...book.records.keys()], [ADA]);
    t.is(book.heads.length, 1);
  });

test('a million entries, and an answer that never ends, end at the limit', async (t) => {
  let sent = 0;
  const flood: Answer = (asked, socket) => {
    if (asked.attributes[0] !== 'scauthRecord') return good(asked, socket);
    const many = Buffer.concat(
      Array.from({ length: 500 }, (_, at) =>
        entry(asked.id, `uid=${at}`, { scauthRecord: [record(keyHash(at))] }),
      ),
    );
    const pour = (): void => {
      while (!socket.destroyed && sent < 1_000_000) {
        sent += 500;
        if (!socket.write(many)) {
          socket.once('drain', pour);
          return;
        }
      }
    };
    pour();
    return [];
  };
  const server = await lying(t, flood);
  const source = sourceOf(t, server);
  await t.throwsAsync(fetched(source), { message: /too many entries|too long/ });
  t.true(sent < 100_000, `${sent} entries were read`);
  sent = 0;
  await t.throwsAsync(fetched(source, true), { message: /too many|too long/ });
  t.true(sent < 600_000, `${sent} entries were read`);
  t.true(process.memoryUsage().rss < 1500 * 1024 * 1024);
});

test('pages of which there is always one more end at the limit', async (t) => {
  const cookie = writeTlv(0x30, Buffer.concat([writeTlv(0x02, Buffer.from([0])), octets('again')]));
  const control = writeTlv(
    0xa0,
    writeTlv(0x30, Buffer.concat([octets('1.2.840.113556.1.4.319'), octets(cookie)])),
  );
  const server = await lying(t, ({ id }) => [entry(id, 'uid=x', {}), message(id, result(0x65, 0), control)]);
  const tls = { ca: [readFileSync(server.authority.certificate, 'latin1')] };
  const session = await Session.open(serverOf(server.url), tls, { kind: 'anonymous' }, 5000);
  const search = { base: SETTINGS.base, scope: 'sub', filter: any, attributes: ['cn'] } as const;
  let seen = 0;
  const all = session.searchPages(search, { entries: 50, bytes: 1_000_000 }, 120_000, (entries) => {
    seen += entries.length;
  });
  await t.throwsAsync(all, { message: /too many/ });
  t.is(seen, 50);
  t.false(session.isOpen);
});

test('names, values and lines that are no lines', async (t) => {
  const evil = [
    '',
    '\n',
    `${record(GRACE)}\n${record(ADA)}`,
    record('*'),
    '*)(uid=*',
    'x'.repeat(20_000),
    '\0',
    '\u202e',
  ];
  const server = await lying(
    t,
    honest({
      heads: [...evil, head(2), record(ADA)],
      people: { '\n,=+"\\': [...evil, record(ADA)], 'uid=ada': [record(GRACE), head(3)] },
    }),
  );
  const book = await fetched(sourceOf(t, server));
  t.deepEqual(
    book.heads.map(({ line }) => line),
    [head(2)],
    'a record is no head',
  );
  t.deepEqual(
    [...book.records.values()].flat().map(({ line }) => line),
    [record(ADA)],
    'nobody asked for the other',
  );
  t.deepEqual(await sourceOf(t, server).lookUp(GRACE), [
    { kind: 'record', name: GRACE, line: record(GRACE) },
  ]);
});

test('a contextCSN that stays as it is hides a change for ten polls at most', async (t) => {
  const server = await lying(t, good);
  const source = sourceOf(t, server);
  await fetched(source);
  server.answer = honest({ heads: [head(1)], people: { 'uid=ada': [record(ADA, 'new')] } });
  const seen: (string | undefined)[] = [];
  for (let poll = 0; poll < 10; poll += 1) seen.push((await fetched(source)).records.get(ADA)?.[0]?.line);
  t.is(seen[0], record(ADA));
  t.is(seen[9], record(ADA, 'new'));
});

test('a look-up takes a second at most, and the program has its old book all the time', async (t) => {
  const server = await lying(t, () => []);
  const fleet = new FleetProgram();
  t.teardown(() => fleet.remove());
  const ca = fleet.trust(server.authority);
  fleet.settings({ url: [server.url], base: SETTINGS.base, ca, poll: 5 });
  writeFileSync(join(fleet.folder, 'state/book'), OLD);
  fleet.want(GRACE);
  fleet.start();
  await fleet.until('a look-up that ends', () =>
    /cannot be looked up: .*no answer within \d{1,3} ms|no connection within 1000 ms/.test(fleet.said),
  );
  await fleet.until('a poll that ends', () => fleet.said.includes('no answer within 10000 ms'));
  server.answer = (asked, socket) => {
    // And then each kind, one after the other.
    const kinds = Object.values(HOSTILE);
    return kinds[server.asked.length % kinds.length]?.(asked, socket) ?? [];
  };
  await fleet.until('more failures', () => fleet.said.includes('(3 in a row)'));
  t.is(fleet.book(), OLD);
  server.answer = honest({
    heads: [head(2)],
    people: { 'uid=ada': [record(ADA)], 'uid=grace': [record(GRACE)] },
  });
  await fleet.until('good again', () => fleet.book().startsWith(head(2)));
  t.true(fleet.book().includes(record(ADA)));
});

for (const [what, said] of [
  ['no', () => message(1, result(0x78, 2, 'stripped'))],
  ['another kind of answer', () => message(1, result(0x61, 0))],
  ['yes, and more in the clear', () => Buffer.concat([message(1, result(0x78, 0)), searchDone(2)])],
  ['yes, and then no TLS', () => message(1, result(0x78, 0))],
] as const)
  test(`StartTLS that is answered with ${what} gets no word and no password`, async (t) => {
    const server = new LyingServer(good, { startTls: said });
    await server.start();
    t.teardown(() => server.stop());
    const tls = { ca: [readFileSync(server.authority.certificate, 'latin1')] };
    const source = new LdapSource([server.url], SETTINGS, tls, {
      kind: 'simple',
      dn: 'cn=me',
      password: 'secret',
    });
    t.teardown(() => {
      source.close();
    });
    const waits = what.endsWith('no TLS') ? setTimeout(() => void server.stop(), 500) : undefined;
    await t.throwsAsync(fetched(source));
    clearTimeout(waits);
    t.false(server.clear.includes('secret'));
    t.is(server.asked.length, 0);
    if (waits !== undefined) await server.start();
  });
