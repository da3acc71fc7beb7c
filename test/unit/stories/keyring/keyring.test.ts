// The keyring in the login and pairing stories, on the fakes: who gets the secret, what the card is asked and when, that
// no failure of it touches the login, and what a change of password does.

import { createECDH, createPublicKey, type KeyObject } from 'node:crypto';
import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots, SecretBuffer } from '../../../../agent/base/secret.ts';
import type { KeyringParts } from '../../../../agent/stories/card/keyring-parts.ts';
import { pairOwnCard } from '../../../../agent/stories/pair/pair.ts';
import { enableKeyring } from '../../../../agent/stories/keyring/enable-keyring.ts';
import { offerKeyring } from '../../../../agent/stories/keyring/offer-keyring.ts';
import { passwordChanged } from '../../../../agent/stories/keyring/reseal-keyring.ts';
import type { Challenge } from '../../../../agent/model/challenge.ts';
import type { KeptSecret } from '../../../../agent/model/secret/keyring.ts';
import type { Identity, PinTry } from '../../../../agent/model/card/token.ts';
import type { OpenCard, ProofInHand, WhileOpen } from '../../../../agent/token/interface.ts';
import { sealSecret } from '../../../../agent/model/secret/sealed-secret.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import { testKey } from '../../../kit/card/algorithms.ts';
import { publicKeyOf } from '../../../../agent/model/key/key.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const PASSWORD = 'correct horse';
const managementKey = testKey('p256', 4);
const root = { pid: 7, uid: 0, gid: 0 };
const OWN = { pid: 7, uid: 1000, gid: 1000 };

class Keyrings implements KeyringParts {
  kept: KeptSecret[] = [];
  mark = Buffer.from('mark 1');
  readonly table = {
    secretsOf: (): KeptSecret[] => this.kept,
    keepSecret: (secret: KeptSecret): void => {
      this.kept = [secret];
    },
    dropSecrets: () => {
      const gone = this.kept.map(({ pkhh }) => pkhh);
      this.kept = [];
      return gone;
    },
  };
  readonly passwordMark = (): Promise<Buffer> => Promise.resolve(this.mark);
  opens = true;
  readonly pamOpensKeyrings = (): boolean => this.opens;
  asks = false;
  readonly pamAsksForPassword = (): boolean => this.asks;
}

/** A card with a key for key management beside the one for login. */
class KeyringToken extends FakeToken {
  agreed = 0;
  /** Instead of agreeing. */
  fails: AgentError | null = null;
  readonly #key: KeyObject;

  constructor(key: KeyObject = managementKey) {
    super(victim);
    this.#key = key;
    const publicKey = publicKeyOf(createPublicKey(key));
    this.identities.push({ ...this.identity, slot: '9D', use: 'key-management', publicKey });
  }

  canAgree(identity: Identity): boolean {
    return identity.use === 'key-management';
  }

  override async prove(
    identity: Identity,
    challenge: Challenge,
    pin: PinTry,
    _gone?: AbortSignal,
    whileOpen?: WhileOpen,
  ): Promise<ProofInHand> {
    const inHand = await super.prove(identity, challenge, pin);
    await whileOpen?.(inHand.proof, this.#open);
    return inHand;
  }

  readonly #open: OpenCard = {
    agree: async (_identity, input) => {
      await Promise.resolve();
      this.agreed += 1;
      if (this.fails !== null) throw this.fails;
      const ecdh = createECDH('prime256v1');
      ecdh.setPrivateKey(Buffer.from(this.#key.export({ format: 'jwk' }).d ?? '', 'base64url'));
      const shared = new SecretBuffer(32);
      shared.bytes.set(ecdh.computeSecret(input));
      return shared;
    },
  };
}

function sealed(password = PASSWORD): Keyrings {
  const keyrings = new Keyrings();
  const key = publicKeyOf(createPublicKey(managementKey));
  const { pkhh } = victim.publicKey;
  const binding = { hostId: Buffer.alloc(16, 9), user: alice.name, pkhh };
  keyrings.kept = [
    {
      ...{ user: alice.name, pkhh, key },
      sealed: sealSecret(Buffer.from(password), key, binding),
      passwordMark: keyrings.mark,
      sealedAtMs: 1,
    },
  ];
  return keyrings;
}

const LOGIN = { request: { service: 'login' }, answers: [PIN] } as const;

test.serial('a login gets the secret, behind the grant, with one operation more', async (t) => {
  const token = new KeyringToken();
  const seen = await runLogin(t, { ...LOGIN, tokens: [token], parts: { keyring: sealed() } });
  t.is(seen.outcome, 'granted');
  t.is(seen.keyringSecret, PASSWORD);
  t.is(token.agreed, 1);
  t.deepEqual(seen.told, []);
  t.like(seen.events[1], { kind: 'keyring', action: 'released', user: 'alice' });
});

test.serial('nobody else gets it, and the card is not asked', async (t) => {
  for (const [name, scene] of [
    ['sudo', { request: { service: 'sudo' } }],
    ['a program of the user', { request: { service: 'login', peer: { pid: 7, uid: 1000, gid: 1000 } } }],
    ['not allowed', { policy: { keyring: { ...defaultPolicy.keyring, allowed: false } } }],
    ['nothing is kept', { parts: { keyring: new Keyrings() } }],
    ['no keyrings at all', { parts: {} }],
  ] as const) {
    const token = new KeyringToken();
    const seen = await runLogin(t, { ...LOGIN, tokens: [token], parts: { keyring: sealed() }, ...scene });
    t.is(seen.outcome, 'granted', name);
    t.is(seen.keyringSecret, null, name);
    t.is(token.agreed, 0, name);
  }
});

test.serial('a refusal releases nothing: wrong PIN, no record', async (t) => {
  const wrong = new KeyringToken();
  const seen = await runLogin(t, {
    ...LOGIN,
    answers: ['000000'],
    tokens: [wrong],
    parts: { keyring: sealed() },
  });
  t.is(seen.keyringSecret, null);
  t.is(wrong.agreed, 0);
  const audit = new FakeAudit();
  audit.broken = true;
  const token = new KeyringToken();
  const unrecorded = await runLogin(t, { ...LOGIN, tokens: [token], audit, parts: { keyring: sealed() } });
  t.is(unrecorded.decision.kind, 'unavailable');
  t.is(unrecorded.keyringSecret, null);
});

test.serial('whatever fails, the login is granted, and the person is told what to do', async (t) => {
  const corrupt = sealed();
  const [kept] = corrupt.kept;
  if (kept !== undefined) corrupt.kept = [{ ...kept, sealed: Buffer.concat([kept.sealed, Buffer.of(0)]) }];
  const failing = new KeyringToken();
  failing.fails = new AgentError('no-card');
  const unreadable = sealed();
  unreadable.table.secretsOf = () => {
    throw new AgentError('store-unreadable');
  };
  for (const [name, keyring, token, told] of [
    ['corrupt', corrupt, new KeyringToken(), 1],
    ['another card', sealed(), new KeyringToken(testKey('p256', 3)), 1],
    ['a driver that cannot', sealed(), new FakeToken(victim), 1],
    ['the card fails', sealed(), failing, 1],
    ['the table cannot be read', unreadable, new KeyringToken(), 0],
  ] as const) {
    const seen = await runLogin(t, { ...LOGIN, tokens: [token], parts: { keyring } });
    t.is(seen.outcome, 'granted', name);
    t.is(seen.keyringSecret, null, name);
    t.is(seen.told.filter((text) => text.includes('sc_auth keyring enable')).length, told, name);
  }
});

test.serial('an older password is handed on, with a word', async (t) => {
  const keyring = sealed();
  keyring.mark = Buffer.from('mark 2');
  const seen = await runLogin(t, { ...LOGIN, tokens: [new KeyringToken()], parts: { keyring } });
  t.is(seen.keyringSecret, PASSWORD);
  t.regex(seen.told.join(), /Your password has changed since/);
});

const clock = { nowMs: () => 42, monotonicMs: () => 0 };

/** A scene of the account's own: pairing, or a card that is paired. */
function scene(keyring: Keyrings, token: FakeToken, pairings = new FakePairings()) {
  const audit = new FakeAudit();
  const policy = policyWith({ login: { cardCheck: 'off' as const } });
  return {
    ...{
      policy: () => policy,
      pairings,
      tokens: tokensOf(token),
      trust: noTrust,
      helpDesk: noHelpDesk,
      audit,
    },
    ...{ clock, accounts, keyring },
    checkPassword: (_user: unknown, password: Pin) => {
      password.wipe();
      return Promise.resolve();
    },
    offerRider: (riding: Parameters<typeof offerKeyring>[0], password: Pin) =>
      offerKeyring(riding, password, { audit, clock, keyring }),
  };
}

for (const [answer, wanted, asks] of [
  ['yes', true, false],
  ['', false, false],
  ['nonsense', false, false],
  // C3: a module would ask for the password behind each login by card.
  ['yes', true, true],
  ['', true, true],
  ['no', false, true],
  ['nonsense', false, true],
] as const) {
  test.serial(
    `pairing: '${answer}' to the question about the keyring${asks ? ', C3: yes is usual' : ''}`,
    async (t) => {
      const free = freeSecretSlots();
      const keyring = new Keyrings();
      keyring.asks = asks;
      const token = new KeyringToken();
      const person = new FakePerson([PASSWORD, PIN, answer]);
      const parts = scene(keyring, token);
      await pairOwnCard(alice, victim.publicKey.pkhh, { peer: OWN, person, parts });
      t.is(token.agreed, 1, 'the card has shown that it opens what is sealed to it');
      t.is(keyring.kept.length, wanted ? 1 : 0);
      t.is(parts.audit.events.filter(({ kind }) => kind === 'keyring').length, wanted ? 1 : 0);
      t.is(freeSecretSlots(), free);
    },
  );
}

test.serial('pairing: where no PAM stack opens keyrings, nobody is asked about one', async (t) => {
  const keyring = new Keyrings();
  keyring.opens = false;
  const token = new KeyringToken();
  const person = new FakePerson([PASSWORD, PIN]);
  const parts = scene(keyring, token);
  await pairOwnCard(alice, victim.publicKey.pkhh, { peer: OWN, person, parts });
  t.is(token.agreed, 0);
  // Who asks for it by name gets it: a stack may be written later.
  const named = new FakePerson([PASSWORD, PIN]);
  const wished = scene(keyring, token);
  await pairOwnCard(alice, victim.publicKey.pkhh, { peer: OWN, person: named, parts: wished }, 'yes');
  t.is(keyring.kept.length, 1);
});

test.serial('keyring enable: a paired card of one’s own that opens what is sealed to it', async (t) => {
  const free = freeSecretSlots();
  const enable = (keyring: Keyrings, parts: ReturnType<typeof scene>, pkhh = victim.publicKey.pkhh) =>
    enableKeyring(alice, pkhh, {
      peer: OWN,
      person: new FakePerson([PASSWORD, PIN]),
      parts: { ...parts, keyring },
    });
  const keyring = new Keyrings();
  const paired = (token: FakeToken) => scene(keyring, token, pairedTable());
  t.is((await enable(keyring, paired(new KeyringToken()))).user, alice.name);
  t.is(keyring.kept.length, 1);

  keyring.kept = [];
  const forbidden = policyWith({ keyring: { allowed: false } });
  await t.throwsAsync(enable(keyring, { ...paired(new KeyringToken()), policy: () => forbidden }), {
    code: 'not-allowed',
  } as object);
  const other = attacker.publicKey.pkhh;
  for (const [parts, pkhh] of [
    [scene(keyring, new KeyringToken()), victim.publicKey.pkhh],
    [paired(new KeyringToken()), other],
  ] as const)
    await t.throwsAsync(enable(keyring, parts, pkhh), { code: 'not-paired' } as object);
  await t.throwsAsync(enable(keyring, paired(new FakeToken(victim))), { code: 'not-supported' } as object);
  const mute = new KeyringToken();
  mute.fails = new AgentError('card-fault', { detail: 'no' });
  await t.throwsAsync(enable(keyring, paired(mute)), { code: 'not-supported' } as object);
  t.deepEqual(keyring.kept, [], 'nothing is kept that the card has not opened');
  t.is(freeSecretSlots(), free);
});

test.serial(
  'a change of password: sealed anew, only by root, and nothing is taken for nothing',
  async (t) => {
    const free = freeSecretSlots();
    const request = { id: 'r', phase: 'chauthtok', service: 'passwd', user: alice.name, peer: root } as const;
    const more = { tty: null, rhost: null, ruser: null, flags: 0 };
    const change = async (keyring: Keyrings, peer = root): Promise<{ taken: number; told: string[] }> => {
      let taken = 0;
      const person = Object.assign(new FakePerson([]), {
        takeNewPassword: () => {
          taken += 1;
          return Promise.resolve(new Pin(Buffer.from('new password')));
        },
      });
      const parts = {
        ...{ pairings: pairedTable(), keyring, audit: new FakeAudit(), log: () => undefined },
        clock: { nowMs: () => 43, monotonicMs: () => 0 },
      };
      await passwordChanged({ ...request, ...more, peer }, person, parts);
      return { taken, told: person.told };
    };
    t.deepEqual(await change(new Keyrings()), { taken: 0, told: [] });
    t.deepEqual(await change(sealed(), { pid: 7, uid: 1000, gid: 1000 }), { taken: 0, told: [] });
    const keyring = sealed();
    t.deepEqual(await change(keyring), {
      taken: 1,
      told: ['Your card opens the keyring with the new password.'],
    });
    const seen = await runLogin(t, { ...LOGIN, tokens: [new KeyringToken()], parts: { keyring } });
    t.is(seen.keyringSecret, 'new password');
    t.is(freeSecretSlots(), free);
  },
);
