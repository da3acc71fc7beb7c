// What stands between a directory's bytes and the program: messages, StartTLS, marks of change.

import test from 'ava';
import fc from 'fast-check';
import { Client } from 'ldapts';
import { writeTlv } from '../../../agent/base/tlv.ts';
import { changesFrom, markOf, suffixOf } from '../../../agent/fleet/ldap/change-mark.ts';
import { serverOf, takesStartTls } from '../../../agent/fleet/ldap/connect.ts';
import { checkedMessage, messageLength } from '../../../agent/fleet/ldap/message.ts';
import { entry, message, octets, result, searchDone } from '../../kit/fleet/lying-server.ts';

const PAGED = '1.2.840.113556.1.4.319';
const controls = (oid: string, value: Buffer): Buffer =>
  writeTlv(0xa0, writeTlv(0x30, Buffer.concat([octets(oid), octets(value)])));
const page = (cookie: Buffer): Buffer =>
  writeTlv(0x30, Buffer.concat([writeTlv(0x02, Buffer.from([0])), octets(cookie)]));

test('an entry goes on as it is; a result without what else it says; a reference goes nowhere', (t) => {
  const one = entry(7, 'uid=ada,dc=example', { scauthRecord: ['a', 'b'], cn: [] });
  t.deepEqual(checkedMessage(one), { bytes: one, isEntry: true });
  const referral = writeTlv(0xa3, octets('ldap://elsewhere/'));
  t.deepEqual(
    checkedMessage(message(7, result(0x65, 10, 'go there', referral)))?.bytes,
    message(7, result(0x65, 10, 'go there')),
  );
  t.is(checkedMessage(message(7, writeTlv(0x73, octets('ldap://elsewhere/')))), null);
});

test('of controls only that of paging goes on', (t) => {
  const cookie = controls(PAGED, page(Buffer.from('next')));
  t.deepEqual(
    checkedMessage(message(7, result(0x65, 0), cookie))?.bytes,
    message(7, result(0x65, 0), cookie),
  );
  const other = controls('1.2.3', Buffer.from('x'));
  t.deepEqual(checkedMessage(message(7, result(0x65, 0), other))?.bytes, searchDone(7));
  t.throws(() => checkedMessage(message(7, result(0x65, 0), controls(PAGED, page(Buffer.alloc(5000))))));
});

test('what is not to the last byte an answer to us is refused', (t) => {
  const attribute = (...parts: Buffer[]): Buffer => writeTlv(0x30, Buffer.concat(parts));
  const entryOf = (...parts: Buffer[]): Buffer => message(7, writeTlv(0x64, Buffer.concat(parts)));
  const endless = Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff]);
  for (const [what, bytes] of Object.entries({
    'a result without a code': message(7, writeTlv(0x65, Buffer.alloc(0))),
    'a result with an empty code': message(
      7,
      writeTlv(0x65, Buffer.concat([writeTlv(0x0a, Buffer.alloc(0)), octets(''), octets('')])),
    ),
    'an inner length that is too long': entryOf(octets('dn'), Buffer.from([0x30, 0x50])),
    'something behind an entry': entryOf(octets('dn'), attribute(), octets('more')),
    'an attribute without values': entryOf(octets('dn'), attribute(attribute(octets('cn')))),
    'a value that is a number': entryOf(
      octets('dn'),
      attribute(attribute(octets('cn'), writeTlv(0x31, writeTlv(0x02, Buffer.from([1]))))),
    ),
    'StartTLS’s answer': message(7, result(0x78, 0)),
    'a notice of disconnection': message(0, result(0x78, 52)),
    'a search': message(7, writeTlv(0x63, octets(''))),
    'no message': octets('x'),
    'a number of eight bytes': writeTlv(
      0x30,
      Buffer.concat([writeTlv(0x02, Buffer.alloc(8)), result(0x65, 0)]),
    ),
    'a million values': entryOf(
      octets('dn'),
      attribute(attribute(octets('cn'), writeTlv(0x31, Buffer.alloc(1_000_000, Buffer.from([4, 0]))))),
    ),
    'a length of four bytes': endless,
  }))
    t.throws(() => checkedMessage(bytes), { code: 'malformed' } as never, what);
});

test('a message’s length is told as soon as it is there, and a monster’s at once', (t) => {
  t.is(messageLength(Buffer.alloc(0)), null);
  t.is(messageLength(Buffer.from([0x30])), null);
  t.is(messageLength(Buffer.from([0x30, 5])), 7);
  t.is(messageLength(Buffer.from([0x30, 0x82, 1])), null);
  t.is(messageLength(Buffer.from([0x30, 0x82, 1, 0])), 260);
  for (const bytes of [
    [0x31, 5],
    [0x30, 0x80],
    [0x30, 0x84, 0, 0, 0],
    [0x30, 0x83, 0xff, 0xff, 0xff],
    [0x48, 0x54],
  ])
    t.throws(() => messageLength(Buffer.from(bytes)));
});

test('no bytes lead to anything but a message or a refusal', (t) => {
  const seeds = [
    entry(7, 'dn', { a: ['b'] }),
    searchDone(7),
    message(7, result(0x65, 0), controls(PAGED, page(Buffer.from('c')))),
  ];
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255))), (seed, changes) => {
      const bytes = Buffer.from(seed);
      for (const [at, to] of changes) bytes[at % bytes.length] = to;
      try {
        const taken = checkedMessage(bytes);
        if (taken !== null) t.deepEqual(checkedMessage(taken.bytes)?.bytes, taken.bytes);
      } catch (error) {
        t.is((error as { code?: unknown }).code, 'malformed');
      }
    }),
    { numRuns: 5000 },
  );
});

test('StartTLS: only a whole yes, alone, is one', (t) => {
  const yes = message(1, result(0x78, 0));
  t.true(takesStartTls(yes));
  t.true(
    takesStartTls(message(1, result(0x78, 0, '', writeTlv(0x8a, Buffer.from('1.3.6.1.4.1.1466.20037'))))),
  );
  for (let cut = 0; cut < yes.length; cut += 1) t.false(takesStartTls(yes.subarray(0, cut)));
  for (const bad of [
    message(1, result(0x78, 52)),
    message(1, result(0x78, 2, 'protocol error')),
    message(1, result(0x65, 0)),
    message(1, writeTlv(0x78, Buffer.alloc(0))),
    Buffer.concat([yes, searchDone(2)]),
    Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
    Buffer.alloc(5000, 0x30),
  ])
    t.throws(() => takesStartTls(bad));
});

test('an address is read as the settings have it', (t) => {
  t.like(serverOf('ldaps://dir.example.org'), { host: 'dir.example.org', port: 636, startTls: false });
  t.like(serverOf('ldap://[2001:db8::1]:1389/'), { host: '2001:db8::1', port: 1389, startTls: true });
});

test('marks of change', (t) => {
  const csn = '20261130003000.123456Z#000000#001#000000';
  t.is(markOf([]), null);
  t.is(markOf(['b', 'a']), markOf(['a', 'b']));
  t.is(changesFrom([csn]), '20261130001500.000000Z#000000#000#000000');
  t.is(
    changesFrom([csn, '20261201000000.000000Z#000000#002#000000']),
    changesFrom([csn]),
    'the oldest counts',
  );
  t.is(changesFrom([csn, 'yesterday']), null);
  t.is(changesFrom([]), null);
  t.is(
    suffixOf('ou=x, DC=Example,dc=org', ['dc=org', 'dc=example, dc=org', 'dc=other']),
    'dc=example, dc=org',
  );
  t.is(suffixOf('dc=badexample,dc=org', ['dc=example,dc=org', '']), null);
});

test('why there is a guard: ldapts alone takes a result without a code for a yes', async (t) => {
  const { Duplex } = await import('node:stream');
  const stream = new Duplex({
    read: () => undefined,
    write(bytes: Buffer, _, done) {
      done();
      stream.push(message(bytes[4] ?? 0, writeTlv(0x61, Buffer.alloc(0))));
    },
  });
  const socket = Object.assign(stream, { readyState: 'open', connecting: false });
  const client = new Client({ url: 'ldap://x', createConnection: () => socket as never });
  await t.notThrowsAsync(client.bind('cn=x', 'wrong'));
  stream.destroy();
});
