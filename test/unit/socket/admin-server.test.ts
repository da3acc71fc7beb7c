// /run/scauth/io.scauth on a real socket with the fakes of the login stories: who may do what, shapes, upgrades.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { freeSecretSlots, secretBlock } from '../../../agent/base/secret.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { encodeFrame } from '../../../agent/protocol/frames.ts';
import { MAX_MESSAGE_BYTES } from '../../../agent/protocol/varlink.ts';
import { asNobody, NOBODY, rootTest } from '../base/folders.ts';
import { pairing, PIN } from '../../kit/story/fakes.ts';
import { attacker, victim } from '../../kit/story/run-login.ts';
import { nobody, PASSWORD, serve } from './admin-place.ts';
import { FrameClient, slotsBack, VarlinkClient, type Reply } from './clients.ts';

const SERVICE = 'org.varlink.service';
const hash = victim.publicKey.pkhh;
const folder = join(import.meta.dirname, '../../../agent/protocol');

const free = freeSecretSlots();
test.beforeEach(() => slotsBack(free));

/** `io.scauth.Failed` with its code, or the error's name with its parameter. */
function errorOf(reply: Reply | null): string | null {
  const { code, parameter, method } = reply?.parameters ?? {};
  const detail = [code, parameter, method].find((one) => typeof one === 'string');
  return reply?.error === undefined
    ? null
    : [reply.error, detail].filter((one) => one !== undefined).join(' ');
}

test.serial('introspection: info, and descriptions that are the files', async (t) => {
  const { path } = await serve(t);
  const client = new VarlinkClient(t, path);
  t.like(await client.call(`${SERVICE}.GetInfo`), {
    parameters: { product: 'scauthd', version: '1.2.3', interfaces: [SERVICE, 'io.scauth'] },
  });
  for (const name of [SERVICE, 'io.scauth']) {
    t.deepEqual(await client.call(`${SERVICE}.GetInterfaceDescription`, { interface: name }), {
      parameters: { description: readFileSync(join(folder, `${name}.varlink`), 'utf8') },
    });
  }
  t.is(
    errorOf(await client.call(`${SERVICE}.GetInterfaceDescription`, { interface: 'x' })),
    `${SERVICE}.InterfaceNotFound`,
  );
});

test.serial('unknown methods, interfaces and parameters', async (t) => {
  const { path } = await serve(t);
  const client = new VarlinkClient(t, path);
  for (const [method, parameters, error] of [
    ['io.scauth.Nothing', {}, `${SERVICE}.MethodNotFound Nothing`],
    ['io.scauth.constructor', {}, `${SERVICE}.MethodNotFound constructor`],
    [`${SERVICE}.Nothing`, {}, `${SERVICE}.MethodNotFound Nothing`],
    ['io.other.Pair', {}, `${SERVICE}.InterfaceNotFound`],
    ['Pair', {}, `${SERVICE}.InterfaceNotFound`],
    ['', {}, `${SERVICE}.InterfaceNotFound`],
    ['io.scauth.ListTokens', { user: 'x' }, `${SERVICE}.InvalidParameter user`],
    ['io.scauth.ListPairings', { user: 1 }, `${SERVICE}.InvalidParameter user`],
    ['io.scauth.AddPairing', { user: 'alice' }, `${SERVICE}.InvalidParameter hash`],
    ['io.scauth.AddPairing', { user: 'alice', hash, certificate: 'x' }, `${SERVICE}.InvalidParameter hash`],
    ['io.scauth.AddPairing', { hash }, `${SERVICE}.InvalidParameter user`],
    ['io.scauth.AddPairing', { user: 'alice', hash: 'zz' }, 'io.scauth.Failed invalid-argument'],
    ['io.scauth.AddPairing', { user: 'alice', certificate: 'zz' }, 'io.scauth.Failed bad-certificate'],
    ['io.scauth.AddPairing', { user: 'no-such', hash }, 'io.scauth.Failed unknown-user'],
    ['io.scauth.AddPairing', { user: '-rf', hash }, 'io.scauth.Failed unknown-user'],
    ['io.scauth.SetPairingPrompt', { enabled: 'yes' }, `${SERVICE}.InvalidParameter enabled`],
    ['io.scauth.Unpair', { hash }, 'io.scauth.Failed not-paired'],
    ['io.scauth.Pair', { hash }, 'io.scauth.Failed invalid-argument'],
    ['io.scauth.VerifyPin', {}, 'io.scauth.Failed invalid-argument'],
  ] as const) {
    t.is(errorOf(await client.call(method, parameters)), error, `${method} ${JSON.stringify(parameters)}`);
  }
});

test.serial('root adds, lists and removes; each change is recorded with who made it', async (t) => {
  const { path, audit, table } = await serve(t);
  const client = new VarlinkClient(t, path);
  t.like(await client.call('io.scauth.AddPairing', { user: 'alice', hash }), {
    parameters: { pairing: { user: 'alice', hash, keyKnown: true, algorithm: 'p256', pairedBy: 'root' } },
  });
  t.is(
    errorOf(await client.call('io.scauth.AddPairing', { user: 'alice', hash, certificate: null })),
    'io.scauth.Failed already-paired',
  );
  const certificate = readFileSync(join(import.meta.dirname, '../../vectors/cacert-user.pem'), 'utf8');
  const pem = await client.call('io.scauth.AddPairing', { user: 'alice', certificate });
  t.like(pem, {
    parameters: { pairing: { hash: '0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8', label: 'CAcert WoT User' } },
  });
  const listed = await client.call('io.scauth.ListPairings');
  t.is((listed?.parameters?.['pairings'] as unknown[]).length, 2);
  t.like(await client.call('io.scauth.ListIdentities'), {
    parameters: { identities: [{ hash, pairedWith: ['alice'], unfit: null }] },
  });
  t.like(await client.call('io.scauth.ListTokens'), {
    parameters: { tokens: [{ id: 'org.scauth.fake:01', triesLeft: 3 }] },
  });
  // U: with several, all of them go only where that is said.
  for (const parameters of [{}, { all: false }, { all: null }])
    t.is(
      errorOf(await client.call('io.scauth.Unpair', { user: 'alice', ...parameters })),
      'io.scauth.Failed several-pairings',
    );
  t.is(table.rows.length, 2);
  const gone = await client.call('io.scauth.Unpair', { user: 'alice', all: true });
  t.is((gone?.parameters?.['removed'] as unknown[]).length, 2);
  t.is(table.rows.length, 0);
  t.deepEqual(
    audit.events.map((event) => event.kind),
    ['pairing-added', 'pairing-added', 'pairing-removed', 'pairing-removed'],
  );
  t.deepEqual(await client.call('io.scauth.SetPairingPrompt', { enabled: false }), { parameters: {} });
  t.deepEqual(await client.call('io.scauth.GetPairingPrompt'), {
    parameters: { enabled: false, level: 'machine' },
  });
  t.like(audit.events.at(-1), {
    kind: 'prompt-state',
    enabled: false,
    scope: { level: 'machine' },
    actor: { uid: 0, pid: process.pid },
  });
});

rootTest('a user sees and removes what is theirs, and nothing else', async (t) => {
  const { path, table } = await serve(t);
  table.rows.push(pairing(nobody.name, victim.publicKey), pairing(parseUsername('alice'), victim.publicKey));
  const client = asNobody(() => new VarlinkClient(t, path));
  for (const [method, parameters] of [
    ['AddPairing', { user: 'nobody', hash }],
    ['AddPairing', {}],
    ['ListPairings', { user: 'alice' }],
    ['ListPairings', { user: 'root' }],
    ['ListPairings', { user: 'no-such' }],
    ['Unpair', { user: 'alice' }],
    ['Unpair', { user: 'alice', hash }],
  ] as const) {
    t.is(
      errorOf(await client.call(`io.scauth.${method}`, parameters)),
      `${SERVICE}.PermissionDenied`,
      method,
    );
  }
  t.like(await client.call('io.scauth.ListIdentities'), {
    parameters: { identities: [{ pairedWith: ['nobody'] }] },
  });
  for (const parameters of [{}, { user: null }, { user: 'nobody' }]) {
    const listed = await client.call('io.scauth.ListPairings', parameters);
    t.deepEqual(
      (listed?.parameters?.['pairings'] as { user: string }[]).map((one) => one.user),
      ['nobody'],
    );
  }
  t.is(errorOf(await client.call('io.scauth.Unpair', {})), null);
  t.deepEqual(
    table.rows.map((row) => row.user as string),
    ['alice'],
  );
});

test.serial('pipelined calls are answered in order, a oneway call not at all', async (t) => {
  const gate = Promise.withResolvers<undefined>();
  const begun = Promise.withResolvers<undefined>();
  const tokens = {
    present: async () => {
      begun.resolve(undefined);
      await gate.promise;
      return [];
    },
  };
  const { path, table } = await serve(t, { tokens });
  const client = new VarlinkClient(t, path);
  client.send({ method: 'io.scauth.ListTokens' });
  await begun.promise;
  client.send({ method: 'io.scauth.SetPairingPrompt', parameters: { enabled: false }, oneway: true });
  client.send({ method: 'io.scauth.GetPairingPrompt' });
  client.send({ method: 'io.scauth.Nothing' });
  // A second connection is served meanwhile, and after it the first one's bytes have arrived.
  t.is(errorOf(await new VarlinkClient(t, path).call(`${SERVICE}.GetInfo`)), null);
  t.is(table.prompts.size, 0);
  gate.resolve(undefined);
  t.deepEqual(await client.next(), { parameters: { tokens: [] } });
  t.deepEqual(await client.next(), { parameters: { enabled: false, level: 'machine' } });
  t.is(errorOf(await client.next()), `${SERVICE}.MethodNotFound Nothing`);
});

test.serial('garbage and messages above the cap close the connection, and the next is served', async (t) => {
  const { path, log } = await serve(t);
  for (const bytes of [
    Buffer.from('nonsense\0'),
    Buffer.from('[]\0'),
    Buffer.from('{"method":1}\0'),
    Buffer.from([0x7b, 0xff, 0x7d, 0]),
    Buffer.alloc(MAX_MESSAGE_BYTES + 1, 0x20),
  ]) {
    const client = new VarlinkClient(t, path);
    client.socket.write(bytes);
    t.is(await client.next(), null);
  }
  t.is(log.length, 5);
  const largest = new VarlinkClient(t, path);
  const call = JSON.stringify({ method: `${SERVICE}.GetInfo` });
  largest.socket.write(`${call.padEnd(MAX_MESSAGE_BYTES)}\0`);
  t.is(errorOf(await largest.next()), null);
});

test.serial('causes stay in the log', async (t) => {
  const tokens = { present: () => Promise.reject(new Error('secret path /root/x')) };
  const { path, log } = await serve(t, { tokens });
  const reply = await new VarlinkClient(t, path).call('io.scauth.ListTokens');
  t.is(errorOf(reply), 'io.scauth.Failed internal');
  t.false(JSON.stringify(reply).includes('/root/x'));
  t.regex(log.join(), /\/root\/x/);
});

/** Upgrades a call; the connection carries frames afterwards. */
async function upgrade(
  t: ExecutionContext,
  open: () => FrameClient,
  method: string,
  parameters: object,
): Promise<FrameClient> {
  const client = open();
  client.socket.removeAllListeners('data');
  const reply = Promise.withResolvers<Buffer>();
  client.socket.on('data', (bytes: Buffer) => {
    const end = bytes.indexOf(0);
    client.socket.removeAllListeners('data');
    client.socket.on('data', (more: Buffer) => {
      client.take(more);
    });
    client.take(bytes.subarray(end + 1));
    reply.resolve(bytes.subarray(0, end));
  });
  client.socket.write(`${JSON.stringify({ method, parameters, upgrade: true })}\0`);
  t.deepEqual(JSON.parse((await reply.promise).toString()), { parameters: {} });
  return client;
}

async function resultOf(client: FrameClient): Promise<unknown> {
  const frame = await client.nextWord();
  return frame?.type === 'result' ? JSON.parse(frame.json) : frame;
}

rootTest('Pair, upgraded: password, PIN, result; secrets are gone afterwards', async (t) => {
  const { path, table, audit } = await serve(t);
  const open = (): FrameClient => asNobody(() => new FrameClient(t, path));
  const client = await upgrade(t, open, 'io.scauth.Pair', { hash });
  t.like(await client.nextWord(), { type: 'tell' });
  t.deepEqual(await client.nextWord(), { type: 'ask', echo: false, text: 'Account password of nobody: ' });
  client.answer(PASSWORD);
  t.like(await client.nextWord(), { type: 'ask', echo: false });
  client.answer(PIN);
  t.like(await resultOf(client), { pairing: { user: 'nobody', hash, pairedBy: 'nobody' } });
  t.is(await client.nextWord(), null);
  t.is(table.rows.length, 1);
  t.like(audit.events, [{ kind: 'pairing-added', actor: { uid: NOBODY } }]);
  await slotsBack(free);
  t.false(secretBlock().includes(PIN) || secretBlock().includes(PASSWORD));

  const again = await upgrade(t, open, 'io.scauth.Pair', { hash });
  t.like(await resultOf(again), { error: 'already-paired', triesLeft: null });
  const absent = await upgrade(t, open, 'io.scauth.Pair', { hash: attacker.publicKey.pkhh });
  t.like(await resultOf(absent), { error: 'no-identity' });
});

test.serial('VerifyPin, upgraded: right, wrong, and a relay that breaks the order', async (t) => {
  const { path } = await serve(t);
  const open = (): FrameClient => new FrameClient(t, path);
  for (const [typed, result] of [
    [PIN, { token: 'org.scauth.fake:01' }],
    ['000000', { error: 'wrong-pin', message: 'Wrong PIN. 2 tries left.', triesLeft: 2 }],
  ] as const) {
    const client = await upgrade(t, open, 'io.scauth.VerifyPin', { token: null });
    t.like(await client.nextWord(), { type: 'ask', echo: false });
    client.answer(typed);
    t.deepEqual(await resultOf(client), result);
  }
  for (const bytes of [
    Buffer.alloc(32, 0xa5),
    encodeFrame({ type: 'wait' }),
    Buffer.from('{"method":"x"}\0'),
  ]) {
    const client = await upgrade(t, open, 'io.scauth.VerifyPin', {});
    t.like(await client.nextWord(), { type: 'ask' });
    client.socket.write(bytes);
    t.is(await client.nextWord(), null);
    await slotsBack(free);
  }
});

test.serial(
  'a refusal before anything is asked is a varlink error, and the connection stays varlink',
  async (t) => {
    const { path } = await serve(t, {
      accounts: { byName: () => Promise.resolve(null), byUid: () => Promise.resolve(null) },
    });
    const client = new VarlinkClient(t, path);
    for (const [method, parameters, error] of [
      ['io.scauth.Pair', { hash }, 'io.scauth.Failed unknown-user'],
      ['io.scauth.Pair', {}, `${SERVICE}.InvalidParameter hash`],
      ['io.scauth.Pair', { hash, user: 'root' }, `${SERVICE}.InvalidParameter user`],
      ['io.scauth.Pair', { hash: 'zz' }, 'io.scauth.Failed invalid-argument'],
      ['io.scauth.VerifyPin', { token: 'no token' }, 'io.scauth.Failed invalid-argument'],
    ] as const) {
      client.send({ method, parameters, upgrade: true });
      t.is(errorOf(await client.next()), error);
    }
    t.is(errorOf(await client.call(`${SERVICE}.GetInfo`)), null);
  },
);
