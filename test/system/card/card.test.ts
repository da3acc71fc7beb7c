// Winscard, watcher, registry and PIV driver on the real pcscd with the software card in a sandbox: all kinds of keys,
// pcscd killed and restarted, a card that is pulled, swapped or hangs, and a second program at the card.
// libpcsclite keeps the name of the first pcscd that it was told: so one sandbox, and the tests one after the other.
import test from 'ava';
import { Pin } from '../../../agent/base/pin.ts';
import { Challenge } from '../../../agent/model/challenge.ts';
import { verifyProof } from '../../../agent/model/proof.ts';
import type { Identity } from '../../../agent/model/card/token.ts';
import type { CardEvent } from '../../../agent/pcsc/events.ts';
import { CardWatcher } from '../../../agent/pcsc/watcher.ts';
import { Winscard } from '../../../agent/pcsc/winscard.ts';
import type { Token } from '../../../agent/token/interface.ts';
import { PivDriver } from '../../../agent/token/piv/driver.ts';
import { TokenRegistry, type TokenEvent } from '../../../agent/token/registry.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const EMPTY_VERIFY = Buffer.from('00200080', 'hex');
const WAIT_MS = 20_000;

// Without certificates: the identities come from metadata, so that a test may put another key in.
const sandbox = await Sandbox.start({ agent: false, card: 'p256', cardArgs: ['--certificate', 'none'] });
process.env['PCSCLITE_CSOCK_NAME'] = sandbox.path('/run/pcscd/pcscd.comm');
const winscard = new Winscard({ transmitTimeoutMs: 1500, openTimeoutMs: 1500 });
const watcher = new CardWatcher(winscard);
const registry = new TokenRegistry(watcher, [new PivDriver()]);
watcher.start();

test.after.always(async () => {
  await watcher.stop();
  registry.close();
  await winscard.close();
  await sandbox.stop();
});

/** The next event of this kind; call before what brings it about. */
function next<K extends TokenEvent['kind']>(kind: K): Promise<Extract<TokenEvent, { kind: K }>> {
  return new Promise((resolve) => {
    const end = registry.onChange((event) => {
      if (event.kind !== kind) return;
      end();
      resolve(event as Extract<TokenEvent, { kind: K }>);
    });
  });
}

async function onlyToken(): Promise<Token> {
  const [token] = await registry.present(WAIT_MS);
  if (token === undefined) throw new Error(`no token\n${sandbox.logs()}`);
  return token;
}

const loginKey = (token: Token): Identity => {
  const key = token.identities.find(({ use }) => use === 'authentication');
  if (key === undefined) throw new Error('no login key');
  return key;
};

async function reinsert(): Promise<void> {
  await onlyToken();
  const out = next('token-out');
  await sandbox.card.eject();
  await out;
  const back = next('token-in');
  await sandbox.card.insert();
  await back;
}

const permit = (): void => undefined;

async function prove(token: Token): Promise<void> {
  const challenge = Challenge.create({
    purpose: 'login',
    hostId: Buffer.alloc(16, 7),
    user: 'ada',
    service: 'sudo',
  });
  const { proof, released } = await token.prove(loginKey(token), challenge, {
    pin: new Pin(Buffer.from(sandbox.pin)),
    permit,
  });
  verifyProof(challenge, proof, loginKey(token).publicKey);
  await released;
}

async function instructions(): Promise<string> {
  const log = await sandbox.card.log();
  await sandbox.card.clearLog();
  return log.map(({ ins }) => ins.toString(16)).join(' ');
}

const APDUS: Record<string, readonly [short: string, extended: string]> = {
  p256: ['a4 20 87 20', 'a4 20 87 20'],
  p384: ['a4 20 87 20', 'a4 20 87 20'],
  ed25519: ['a4 20 87 20', 'a4 20 87 20'],
  rsa2048: ['a4 20 87 87 c0 20', 'a4 20 87 20'],
  rsa3072: ['a4 20 87 87 c0 20', 'a4 20 87 20'],
  rsa4096: ['a4 20 87 87 87 c0 c0 20', 'a4 20 87 20'],
};

test.serial('the first use of the PIN costs one APDU more: the de-verify is seen to work', async (t) => {
  const token = await onlyToken();
  await sandbox.card.clearLog();
  await prove(token);
  t.is(await instructions(), 'a4 20 87 20 20');
  await prove(token);
  t.is(await instructions(), 'a4 20 87 20');
});

for (const [key, [short, extended]] of Object.entries(APDUS)) {
  test.serial(
    `${key}: a login's APDUs, chained and with extended length; the card is unverified`,
    async (t) => {
      await sandbox.card.setKey('9A', key);
      for (const [index, expected] of [short, extended].entries()) {
        await sandbox.card.setExtended(index === 1);
        await reinsert();
        const token = await onlyToken();
        t.is<string, string>(loginKey(token).publicKey.algorithm, key);
        // A card with other keys or another ATR is another card: its first use sees whether de-verify works, by one APDU more.
        await prove(token);
        await sandbox.card.clearLog();
        await token.pinState();
        t.is(await instructions(), 'a4 20');
        // Somebody else's turn: the look at the counter does not hold the card while a person types.
        await (await token.slot.open()).close('leave');
        await prove(token);
        t.is(await instructions(), expected);
        t.false(await sandbox.card.isVerified());
      }
    },
  );
}

test.serial('a wrong PIN says the tries, a right one restores them', async (t) => {
  const token = await onlyToken();
  t.like(await t.throwsAsync(token.verifyPin({ pin: new Pin(Buffer.from('999999')), permit })), {
    code: 'wrong-pin',
    triesLeft: 2,
  });
  await token.verifyPin({ pin: new Pin(Buffer.from(sandbox.pin)), permit });
  t.like(await token.pinState(), { triesLeft: 3 });
});

test.serial('L7: a card that refuses de-verify is reset, and so unverified', async (t) => {
  await sandbox.card.misbehave({ kind: 'status', sw: '6A86', ins: '20', p1: 'FF' });
  await prove(await onlyToken());
  t.false(await sandbox.card.isVerified());
  t.false((await sandbox.card.state()).selected);
});

test.serial('pcscd killed and restarted: the token goes, comes back, and works', async (t) => {
  for (let time = 0; time < 3; time++) {
    const [out, down] = [next('token-out'), next('service')];
    await sandbox.stopPcscd();
    await out;
    t.false((await down).up);
    await t.throwsAsync(registry.present(WAIT_MS), { code: 'no-service' });
    const back = next('token-in');
    await sandbox.startPcscd();
    const { token } = await back;
    await prove(token);
  }
  t.false(await sandbox.card.isVerified());
});

test.serial('pcscd killed while it works for us is no-service', async (t) => {
  const channel = await (await onlyToken()).slot.open();
  await sandbox.card.misbehave({ kind: 'hang', ins: '20' });
  const arrived = sandbox.card.waitFor({ ins: '20' });
  const waiting = channel.transmit(EMPTY_VERIFY);
  await Promise.all([
    arrived,
    t.throwsAsync(waiting, { code: 'no-service' }),
    arrived.then(() => sandbox.stopPcscd()),
  ]);
  await channel.close('reset');
  const back = next('token-in');
  await sandbox.card.release();
  await sandbox.startPcscd();
  await prove((await back).token);
});

test.serial('a card pulled in the middle is no-card, and the token is out', async (t) => {
  const token = await onlyToken();
  const out = next('token-out');
  await sandbox.card.misbehave({ kind: 'eject-after', ins: '20' });
  await t.throwsAsync(prove(token), { code: 'no-card' });
  await out;
  t.deepEqual(await registry.present(WAIT_MS), []);
  await t.throwsAsync(token.pinState(), { code: 'no-card' });
  const back = next('token-in');
  await sandbox.card.insert();
  await prove((await back).token);
});

test.serial(
  'a card that hangs is card-timeout; its reader is busy until it answers, and the card unverified',
  async (t) => {
    const token = await onlyToken();
    await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
    await t.throwsAsync(prove(token), { code: 'card-timeout' });
    await t.throwsAsync(token.pinState(), { code: 'card-busy' });
    await sandbox.card.release();
    // The reset that ends the abandoned transaction goes before whatever we send next.
    for (let tries = 0; tries < 50; tries++) {
      const state = await token.pinState().catch(() => null);
      if (state !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    t.false(await sandbox.card.isVerified());
    await prove(token);
  },
);

test.serial('another program at the card: card-busy at the deadline, and free when it goes', async (t) => {
  const token = await onlyToken();
  const other = new Winscard();
  const channel = await other.slot(token.slot.reader, token.slot.atr).open();
  await t.throwsAsync(token.pinState(), { code: 'card-busy' });
  const waiting = token.pinState().catch(() => token.pinState());
  await channel.close('leave');
  t.like(await waiting, { triesLeft: 3 });
  await other.close();
});

test.serial('another program resets the card on leaving: the next login works', async (t) => {
  const token = await onlyToken();
  const other = new Winscard();
  const channel = await other.slot(token.slot.reader, token.slot.atr).open();
  const waiting = token.pinState();
  await channel.close('reset');
  t.like(await waiting, { triesLeft: 3 });
  await prove(token);
  await other.close();
});

test.serial('a card swapped at once is seen as out and in', async (t) => {
  const events: CardEvent['kind'][] = [];
  const end = watcher.subscribe(({ kind }) => events.push(kind));
  const back = next('token-in');
  await sandbox.card.eject();
  await sandbox.card.insert();
  await back;
  t.deepEqual(events, ['card-out', 'card-in']);
  end();
});
