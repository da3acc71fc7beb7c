// A card that was issued anew: what proves it, what goes and what stays, and when an authority's word is enough. And the
// renewal that needs nothing: a new certificate for the key that is paired.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../../agent/base/clock.ts';
import { toHex } from '../../../../agent/base/bytes.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { parseCertificate, publicKeyOf, type Certificate } from '../../../../agent/model/key/key.ts';
import type { KeptSecret } from '../../../../agent/model/secret/keyring.ts';
import { renewCard, type RenewParts, type RenewWish } from '../../../../agent/stories/pair/renew.ts';
import { ChainTrust } from '../../../../agent/trust/certificate-trust.ts';
import { Pki } from '../../trust/authority.ts';
import type { Signer } from '../../model/signer.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  type Answer,
} from '../../../kit/story/fakes.ts';
import { policyWith, type PolicyChanges } from '../../../kit/story/policy-with.ts';
import { attacker, runLogin, victim } from '../../../kit/story/run-login.ts';

const PASSWORD = 'correct horse';
const self = { pid: 7, uid: 1000, gid: 1000 };
const pki = new Pki();

test.before(() => {
  pki.root('root');
  pki.root('other');
  pki.issue('old', 'root', { subject: '/O=Test/CN=alice' });
  pki.issue('new', 'root', { subject: '/O=Test/CN=alice' });
  pki.issue('bob', 'root', { subject: '/O=Test/CN=bob' });
  pki.issue('case', 'root', { subject: '/O=Test/CN=Alice' });
  pki.issue('foreign', 'other', { subject: '/O=Test/CN=alice' });
});
test.after.always(() => pki.close());

interface Issued extends Signer {
  readonly certificate: Certificate;
}

function issued(name: string): Issued {
  const key = createPrivateKey(readFileSync(pki.file(`${name}.key`)));
  return {
    publicKey: publicKeyOf(createPublicKey(key)),
    sign: (message) => ({ scheme: 'ecdsa-sha256', signature: sign('sha256', message, key) }),
    certificate: parseCertificate(pki.der(name)),
  };
}

function cardOf(signer: Signer & Partial<Issued>): FakeToken {
  return new FakeToken(signer, { id: 'org.scauth.fake:02', certificate: signer.certificate ?? null });
}

interface Scene {
  readonly answers: readonly Answer[];
  readonly token?: FakeToken;
  readonly table?: FakePairings;
  readonly policy?: PolicyChanges;
  readonly wish?: Partial<RenewWish>;
  readonly sealed?: boolean;
  readonly parts?: Partial<RenewParts>;
}

interface Seen {
  readonly code: string;
  readonly hashes: readonly string[];
  readonly kinds: readonly string[];
  readonly person: FakePerson;
  readonly token: FakeToken;
  /** The wish for the keyring, where it was offered. */
  readonly offered: readonly string[];
}

function paired(signer: Signer & Partial<Issued> = victim): FakePairings {
  const table = new FakePairings();
  const certificate = signer.certificate?.der ?? null;
  table.rows.push({ ...pairing(alice.name, signer.publicKey), certificate });
  return table;
}

async function renew(t: ExecutionContext, scene: Scene): Promise<Seen> {
  const free = freeSecretSlots();
  const { token = cardOf(attacker), table = paired() } = scene;
  const audit = new FakeAudit();
  const person = new FakePerson(scene.answers);
  const offered: string[] = [];
  const policy = policyWith(scene.policy ?? {});
  const sealed = scene.sealed === true ? [{ pkhh: victim.publicKey.pkhh } as KeptSecret] : [];
  const parts: RenewParts = {
    policy: () => policy,
    pairings: table,
    tokens: tokensOf(token),
    trust: noTrust,
    helpDesk: noHelpDesk,
    audit,
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
    accounts,
    keyring: { table: { secretsOf: () => sealed } },
    offerRider: ({ wish }) => {
      offered.push(wish);
      return null;
    },
    checkPassword: (_user, password) =>
      password.use(async (bytes) => {
        await Promise.resolve();
        if (bytes.toString() !== PASSWORD) throw new AgentError('wrong-password');
      }),
    ...scene.parts,
  };
  const wish = { account: alice, pkhh: token.identity.publicKey.pkhh, old: null, keep: false, ...scene.wish };
  let code = 'done';
  try {
    await renewCard(wish, { peer: self, person, parts });
  } catch (error) {
    code = error instanceof AgentError ? error.code : String(error);
  }
  t.is(freeSecretSlots(), free);
  t.false(secretBlock().includes(PIN) || secretBlock().includes(PASSWORD));
  t.is(person.unused, 0);
  const hashes = table.rows.map(({ pkhh }) => pkhh);
  return { code, hashes, kinds: audit.events.map(({ kind }) => kind), person, token, offered };
}

const OLD = victim.publicKey.pkhh;
const NEW = attacker.publicKey.pkhh;

test.serial(
  'password and the new card’s PIN: it takes the place of the old one, and both are recorded',
  async (t) => {
    const seen = await renew(t, { answers: [PASSWORD, PIN] });
    t.is(seen.code, 'done');
    t.deepEqual(seen.hashes, [NEW]);
    t.deepEqual(seen.kinds, ['pairing-added', 'pairing-removed']);
    t.regex(
      seen.person.told.join(),
      /'Fake:Key \(alice\)' takes the place of 'paired' for the account alice/,
    );
  },
);

test.serial('--keep: the old one stays', async (t) => {
  const seen = await renew(t, { answers: [PASSWORD, PIN], wish: { keep: true } });
  t.deepEqual(seen.hashes, [OLD, NEW]);
  t.deepEqual(seen.kinds, ['pairing-added']);
});

test.serial(
  'a wrong password, a wrong PIN, a card that signs with another key: nothing has changed',
  async (t) => {
    const wrong = await renew(t, { answers: ['guess'] });
    t.is(wrong.code, 'wrong-password');
    t.deepEqual(wrong.token.sent, []);
    const pin = await renew(t, { answers: [PASSWORD, '000000'] });
    t.is(pin.code, 'wrong-pin');
    const forged = new FakeToken(attacker, { sign: (challenge) => victim.sign(challenge.message()) });
    const proof = await renew(t, { answers: [PASSWORD, PIN], token: forged });
    t.is(proof.code, 'bad-proof');
    for (const { hashes } of [wrong, pin, proof]) t.deepEqual(hashes, [OLD]);
    t.true(proof.kinds.includes('pairing-refused'));
  },
);

test.serial('nothing is paired, several are, the new one is paired or lost already', async (t) => {
  t.is((await renew(t, { answers: [], table: new FakePairings() })).code, 'not-paired');
  const two = paired();
  two.rows.push(pairing(alice.name, issued('bob').publicKey));
  t.is((await renew(t, { answers: [], table: two })).code, 'invalid-argument');
  const one = await renew(t, { answers: [PASSWORD, PIN], table: two, wish: { old: OLD } });
  t.deepEqual(one.hashes, [issued('bob').publicKey.pkhh, NEW]);
  const bobs = issued('bob').publicKey.pkhh;
  t.is((await renew(t, { answers: [], table: two, wish: { old: bobs } })).code, 'already-paired');
  t.is((await renew(t, { answers: [], table: two, wish: { old: OLD } })).code, 'not-paired');
  const lost = paired();
  lost.lost.sayLost([{ kind: 'key', name: NEW, serial: null, user: null, by: 'root', atMs: 0 }]);
  t.is((await renew(t, { answers: [], table: lost })).code, 'card-lost');
  const gone = paired();
  gone.lost.sayLost([{ kind: 'key', name: OLD, serial: null, user: null, by: 'root', atMs: 0 }]);
  t.deepEqual(
    (await renew(t, { answers: [PASSWORD, PIN], table: gone })).hashes,
    [NEW],
    'the old one is lost',
  );
});

test.serial('one card a user: the one that goes does not count, one that stays does', async (t) => {
  const policy = { pairing: { oneCardPerUser: true } };
  t.is((await renew(t, { answers: [PASSWORD, PIN], policy })).code, 'done');
  t.is((await renew(t, { answers: [], policy, wish: { keep: true } })).code, 'not-allowed');
});

test.serial('the keyring moves along where the old card opened it, and only there', async (t) => {
  t.deepEqual((await renew(t, { answers: [PASSWORD, PIN], sealed: true })).offered, ['yes']);
  t.deepEqual((await renew(t, { answers: [PASSWORD, PIN] })).offered, ['no']);
});

const vouching = (changes: PolicyChanges = {}): PolicyChanges => ({
  trust: {
    level: 1,
    pinned: [toHex(createHash('sha256').update(pki.der('root')).digest())],
    authorities: ['root', 'other'].map((name) => pki.file(`${name}.pem`)),
  },
  pairing: { renew: 'same-subject' },
  ...changes,
});
const trust = new ChainTrust(systemClock);

test.serial(
  'same subject, same authority, both trusted: the PIN alone, also where users may not pair',
  async (t) => {
    const scene = { token: cardOf(issued('new')), table: paired(issued('old')), parts: { trust } };
    const may = { pairing: { renew: 'same-subject', usersMayPair: false } } as const;
    const seen = await renew(t, { ...scene, answers: [PIN], policy: vouching(may), sealed: false });
    t.is(seen.code, 'done');
    t.deepEqual(seen.hashes, [issued('new').publicKey.pkhh]);
    t.deepEqual(
      seen.person.asked.map(({ text }) => text),
      ["Enter PIN for 'alice': "],
    );
  },
);

test.serial(
  'another name, another case, another authority, none pinned, or "ask": the password is asked for',
  async (t) => {
    const table = (): FakePairings => paired(issued('old'));
    const forged = { ...issued('old'), publicKey: victim.publicKey };
    const scenes = [
      { token: cardOf(issued('bob')), table: table(), policy: vouching() },
      { token: cardOf(issued('case')), table: table(), policy: vouching() },
      { token: cardOf(issued('new')), table: paired(forged), policy: vouching() },
      { token: cardOf(issued('new')), table: paired(issued('foreign')), policy: vouching() },
      { token: cardOf(issued('new')), table: paired(), policy: vouching() },
      { token: cardOf(issued('new')), table: table(), policy: vouching({ pairing: { renew: 'ask' } }) },
    ];
    for (const scene of scenes) {
      const seen = await renew(t, { ...scene, answers: [PASSWORD, PIN], parts: { trust } });
      t.is(seen.code, 'done');
      t.is(seen.person.asked.length, 2);
    }
    const may = { pairing: { renew: 'same-subject', usersMayPair: false } } as const;
    const refused = await renew(t, {
      ...{ token: cardOf(issued('bob')), table: table(), parts: { trust } },
      ...{ answers: [], policy: vouching(may) },
    });
    t.is(refused.code, 'not-allowed');
  },
);

test.serial('a new certificate for the same key needs nothing', async (t) => {
  const before = issued('old');
  const table = paired({ ...before, certificate: issued('bob').certificate });
  const seen = await runLogin(t, { pairings: table, tokens: [cardOf(before)], answers: [PIN] });
  t.is(seen.outcome, 'granted');
});
