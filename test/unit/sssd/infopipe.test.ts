// InfoPipe's answers, as they are and as nobody should have to read them. SSSD itself is in test/system/pair/sssd.test.ts.

import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Variant } from 'dbus-native';
import { InfoPipe } from '../../../agent/sssd/infopipe.ts';
import { FakeInfoPipe, type FakeUser } from '../../kit/sssd/fake-infopipe.ts';

const DER = Buffer.from('3003020101', 'hex');
const ALICE: FakeUser = {
  name: 'alice',
  uid: 1000,
  attributes: [
    ['objectSIDString', ['S-1-5-21-1-2-3-1105']],
    ['altSecurityIdentities', ['X509:<SKI>ab', 'X509:<S>CN=alice']],
  ],
};

async function bus(t: ExecutionContext, users: readonly FakeUser[] = [ALICE]): Promise<FakeInfoPipe> {
  const fake = await new FakeInfoPipe().start();
  t.teardown(() => {
    fake.stop();
  });
  fake.users = users;
  return fake;
}

/** Its end is heard a moment later at the other side. */
async function closed(fake: FakeInfoPipe): Promise<void> {
  while (fake.sockets.size > 0) await pause(5);
}

function ask({ socketPath }: FakeInfoPipe, limit = 2, ms = 20_000): ReturnType<InfoPipe['usersOf']> {
  return new InfoPipe(socketPath).usersOf(DER, limit, AbortSignal.timeout(ms));
}

test('the certificate goes as PEM with the limit; name, uid and the attributes that count come back', async (t) => {
  const fake = await bus(t);
  t.deepEqual(await ask(fake), [
    {
      name: 'alice',
      uid: 1000,
      sids: ['S-1-5-21-1-2-3-1105'],
      securityIdentities: ['X509:<SKI>ab', 'X509:<S>CN=alice'],
      principalNames: [],
    },
  ]);
  t.deepEqual(fake.calls[0], {
    member: 'ListByCertificate',
    body: ['-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n', 2],
  });
  const properties = fake.calls.slice(1).map(({ body }) => body[1]);
  t.deepEqual(properties, ['name', 'uidNumber', 'extraAttributes'], 'and never the groups, or a certificate');
  fake.users = [];
  t.deepEqual(await ask(fake), []);
});

test('no attributes that SSSD may tell: an account with nothing that could tie it', async (t) => {
  const [user] = await ask(await bus(t, [{ name: 'alice', uid: 1000 }]));
  t.deepEqual(user, { name: 'alice', uid: 1000, sids: [], securityIdentities: [], principalNames: [] });
});

test('wrong types, too many, too long, names of other things: no answer', async (t) => {
  const wrong: readonly (readonly FakeUser[])[] = [
    [{ ...ALICE, name: new Variant('u', 7) }],
    [{ ...ALICE, name: new Variant('as', ['alice']) }],
    [{ ...ALICE, name: '' }],
    [{ ...ALICE, name: 'a'.repeat(256) }],
    [{ ...ALICE, uid: new Variant('s', '1000') }],
    [{ ...ALICE, uid: new Variant('t', 1000n) }],
    [{ ...ALICE, uid: new Variant('d', 0.5) }],
    [{ ...ALICE, attributes: new Variant('s', 'objectSIDString') }],
    [{ ...ALICE, attributes: new Variant('a{su}', [['objectSIDString', 7]]) }],
    [{ ...ALICE, attributes: new Variant('a{ss}', [['objectSIDString', 'S-1-5-21-1-2-3-1105']]) }],
    [{ ...ALICE, attributes: [['altSecurityIdentities', ['a'.repeat(2049)]]] }],
    [{ ...ALICE, attributes: [['objectSIDString', Array.from({ length: 65 }, () => 'S-1-1-0')]] }],
    [ALICE, ALICE, ALICE],
  ];
  for (const users of wrong) {
    const fake = await bus(t, users);
    await t.throwsAsync(ask(fake), { message: /makes no sense|does not answer/ });
  }
  for (const path of ['/', '/org/freedesktop/sssd/infopipe/Users/../..', '/org/freedesktop/login1/user/_0']) {
    const fake = await bus(t);
    fake.answer = ({ member }) =>
      member === 'ListByCertificate' ? { signature: 'as', body: [[path]] } : undefined;
    await t.throwsAsync(ask(fake), { message: /path of a user/ }, path);
    t.is(fake.calls.length, 1, 'nothing was asked there');
  }
});

test('attributes are looked up by their own name alone', async (t) => {
  const fake = await bus(t, [
    {
      ...ALICE,
      attributes: [
        ['__proto__', ['S-1-1-0']],
        ['constructor', ['x']],
      ],
    },
  ]);
  t.deepEqual((await ask(fake))[0]?.sids, []);
});

test('an error, silence, a bus that ends in the middle, one that never says hello: no answer, in time', async (t) => {
  const refusing = await bus(t);
  refusing.answer = () => ({ error: 'org.freedesktop.DBus.Error.AccessDenied' });
  await t.throwsAsync(ask(refusing));
  const half = await bus(t);
  half.answer = ({ member }) => (member === 'Get' ? null : undefined);
  await t.throwsAsync(ask(half, 2, 300));
  await closed(half);
  const gone = await bus(t);
  gone.answer = () => {
    for (const socket of gone.sockets) socket.destroy();
    return null;
  };
  await t.throwsAsync(ask(gone));
  await t.throwsAsync(new InfoPipe('/nonexistent/bus').usersOf(DER, 2, AbortSignal.timeout(20_000)));
  await t.throwsAsync(ask(await bus(t), 2, 0), undefined, 'no time is left');
});

test('after a restart of SSSD, or of the bus, the next question is a new one', async (t) => {
  const fake = await bus(t);
  fake.answer = () => ({ error: 'org.freedesktop.DBus.Error.ServiceUnknown' });
  const pipe = new InfoPipe(fake.socketPath);
  await t.throwsAsync(pipe.usersOf(DER, 2, AbortSignal.timeout(20_000)));
  fake.answer = () => undefined;
  t.is((await pipe.usersOf(DER, 2, AbortSignal.timeout(20_000))).length, 1);
});

test('an answer of more than a megabyte, and words without end: cut off', async (t) => {
  const big = await bus(t);
  big.answer = () => ({ signature: 'as', body: [[`/${'a'.repeat(2 ** 21)}`]] });
  await t.throwsAsync(ask(big));
  const endless = await bus(t);
  let more: NodeJS.Timeout | undefined;
  endless.answer = (_, connection) => {
    const signal = {
      type: 4,
      path: '/a',
      interface: 'a.b',
      member: 'C',
      signature: 's',
      body: ['x'.repeat(60_000)],
    };
    let serial = 100;
    more = setInterval(() => {
      if (endless.sockets.size === 0) return;
      connection.message({ ...signal, serial: (serial += 1) });
    }, 1);
    return null;
  };
  await t.throwsAsync(ask(endless, 2, 500));
  clearInterval(more);
  await closed(endless);
});
