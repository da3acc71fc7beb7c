// A blocked PIN at the login: a new one by the PUK in the same conversation, for whoever is here, and never a PUK that was
// not meant to be one.

import test, { type ExecutionContext } from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { Pin } from '../../../../agent/base/pin.ts';
import type { SessionPlace } from '../../../../agent/model/peer-session.ts';
import type { PinState, PinTry } from '../../../../agent/model/card/token.ts';
import { permitsUnblock } from '../../../../policy/permit-unblock.ts';
import { FakeToken, PIN, type Answer, type CardOptions } from '../../../kit/story/fakes.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';
import { runLogin, victim, type Scene, type Seen } from '../../../kit/story/run-login.ts';

const PUK = '87654321';
const OFFER = /^PIN blocked\. Type yes for a new one by the PUK, or Enter for your password: $/;
const read = (pin: Pin): string => pin.peek((bytes) => bytes.toString());

/** Its PIN is blocked until it is given a new one, which has to be PIN. */
class BlockedToken extends FakeToken {
  readonly puks: string[] = [];
  pukTries: number | null;
  #blocked: boolean;

  constructor(options: CardOptions & { readonly pukTries?: number | null; readonly blocked?: boolean } = {}) {
    super(victim, { triesLeft: 3, ...options });
    this.#blocked = options.blocked ?? true;
    this.pukTries = options.pukTries === undefined ? 3 : options.pukTries;
    if (this.#blocked) this.triesLeft = 0;
  }

  override pinState(): Promise<PinState> {
    if (this.triesLeft === 0) return Promise.reject(new AgentError('pin-blocked', { triesLeft: 0 }));
    return super.pinState();
  }

  unblockPin({ pin, permit }: PinTry, next: Pin): Promise<void> {
    permit({ triesLeft: this.pukTries, triesTotal: 3 });
    const puk = read(pin ?? next);
    this.puks.push(puk);
    if (puk === PUK) {
      this.triesLeft = 3;
      return Promise.resolve();
    }
    this.pukTries = (this.pukTries ?? 3) - 1;
    const code = this.pukTries === 0 ? 'puk-blocked' : 'wrong-puk';
    return Promise.reject(new AgentError(code, { triesLeft: this.pukTries }));
  }

  acceptsPuk(puk: Pin): boolean {
    return puk.length === 8;
  }

  pukState(): Promise<PinState> {
    return Promise.resolve({ triesLeft: this.pukTries, triesTotal: 3 });
  }
}

interface Tried extends Seen {
  readonly token: BlockedToken;
}

async function login(
  t: ExecutionContext,
  answers: readonly Answer[],
  token = new BlockedToken(),
  more: Scene = {},
): Promise<Tried> {
  return { ...(await runLogin(t, { tokens: [token], answers, ...more })), token };
}

function from(place: SessionPlace): Scene {
  const sessionOf = () => Promise.resolve({ place, session: null, detail: place });
  return { parts: { sessions: { sessionOf } } };
}

test.serial('yes, PUK, new PIN twice: logged in by the new PIN without typing it again', async (t) => {
  const seen = await login(t, ['yes', PUK, PIN, PIN]);
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.token.puks, [PUK]);
  t.deepEqual(seen.token.sent, [PIN]);
  t.regex(seen.asked[0] ?? '', OFFER);
  t.is(seen.asked.length, 4);
  const kinds = seen.events.map((event) => event.kind);
  t.deepEqual(kinds, ['pin-changed', 'login']);
  t.like(seen.events[0], { how: 'unblocked', good: true, user: 'alice' });
  t.like(seen.events[1], { outcome: { kind: 'granted' }, detail: null });
});

test.serial('blocked by the last try in this very login: offered as well', async (t) => {
  const token = new BlockedToken({ blocked: false, triesLeft: 1, triesAtInsertion: 1 });
  const seen = await login(t, ['yes', '000000', 'yes', PUK, PIN, PIN], token);
  t.is(seen.outcome, 'granted');
  t.deepEqual(seen.token.sent, ['000000', PIN]);
});

test.serial('Enter leads to the password; what else is typed is the password, and no PUK', async (t) => {
  const enter = await login(t, ['']);
  t.is(enter.outcome, 'denied pin-blocked');
  t.is(enter.password, null);
  const typed = await login(t, ['correct horse']);
  t.is(typed.outcome, 'unavailable password-instead');
  t.is(typed.password, 'correct horse');
  // A locker answers each prompt with one text: a PIN, or something as long as a PUK.
  const same = await login(t, [PIN]);
  t.is(same.password, null, 'a PIN is no password');
  const long = await login(t, [PUK]);
  t.is(long.outcome, 'unavailable password-instead');
  for (const { token } of [enter, typed, same, long]) t.deepEqual(token.puks, []);
  t.is((await login(t, [null])).outcome, 'denied pin-blocked');
});

test.serial('a wrong PUK: one a login, its tries are told, and it is recorded', async (t) => {
  const seen = await login(t, ['yes', '11111111', PIN, PIN]);
  t.is(seen.outcome, 'denied pin-blocked');
  t.regex(seen.told.join('\n'), /Wrong PUK\. 2 tries left/);
  t.like(seen.events[0], { kind: 'pin-changed', good: false });
  t.deepEqual(seen.token.sent, []);
});

test.serial(
  'what cannot be a PUK, Enter instead of it, a new PIN that is none: nothing is sent',
  async (t) => {
    for (const answers of [
      ['yes', '123'],
      ['yes', ''],
      ['yes', PUK, 'abc', '12', '1'],
      ['yes', PUK, null],
    ]) {
      const seen = await login(t, answers);
      t.is(seen.outcome, 'denied pin-blocked');
      t.deepEqual(seen.token.puks, []);
    }
  },
);

test.serial('the last try of the PUK is kept without a yes, and is its owner’s', async (t) => {
  const last = (): BlockedToken => new BlockedToken({ pukTries: 1 });
  const kept = await login(t, ['yes', ''], last());
  t.is(kept.outcome, 'denied pin-blocked');
  t.deepEqual(kept.token.puks, []);
  t.regex(kept.asked[1] ?? '', /PUK is blocked for good/);
  t.is((await login(t, ['yes', 'yes', PUK, PIN, PIN], last())).outcome, 'granted');
  const others = await login(t, [], last(), { parts: { loginUidOf: () => 1001 } });
  t.is(others.outcome, 'denied pin-blocked');
  t.deepEqual(others.asked, [], 'su by somebody else');
});

test.serial(
  'not offered: from elsewhere, switched off, no tries, the factory’s PUK, a pad, another driver',
  async (t) => {
    const remote = await login(t, [], new BlockedToken(), {
      ...from('remote'),
      policy: { login: { remote: true } },
    });
    const host = await login(t, [], new BlockedToken(), {
      request: { rhost: '192.0.2.7' },
      policy: { login: { remote: true } },
    });
    const off = await login(t, [], new BlockedToken(), { policy: { login: { unblockAtLogin: false } } });
    const spent = await login(t, [], new BlockedToken({ pukTries: 0 }));
    const factory = { pin: false, puk: true, managementKey: null };
    const factorys = await login(t, [], new BlockedToken({ factorySecrets: factory }), {
      policy: { card: { factorySecrets: 'warn' } },
    });
    const pad = await login(t, [], new BlockedToken({ pad: () => PIN }));
    const plain = await runLogin(t, {
      tokens: [new FakeToken(victim, { triesLeft: 0, triesAtInsertion: 0 })],
    });
    for (const seen of [remote, host, off, spent, factorys, pad, plain]) {
      t.is(seen.outcome, 'denied pin-blocked');
      t.deepEqual(seen.asked, []);
    }
  },
);

test('by place: at the machine alone, whatever login.remote says', (t) => {
  const secrets = { pin: null, puk: null, managementKey: null };
  const may = (session: SessionPlace, rhost: string | null = null): boolean =>
    permitsUnblock(policyWith({ login: { remote: true } }), { session, rhost, secrets });
  t.true(may('local') && may('none') && may('unknown'));
  t.false(may('remote') || may('unclear') || may('local', '192.0.2.7') || may('none', 'localhost'));
});
