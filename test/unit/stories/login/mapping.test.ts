// Cards without a pairing: which certificate stands for which account, and everything that must not make it so.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { systemClock } from '../../../../agent/base/clock.ts';
import { toHex } from '../../../../agent/base/bytes.ts';
import type { Account } from '../../../../agent/model/account.ts';
import { rehearseLogin } from '../../../../agent/stories/explain/rehearse.ts';
import { parseCertificate, publicKeyOf } from '../../../../agent/model/key/key.ts';
import { ChainTrust } from '../../../../agent/trust/certificate-trust.ts';
import { formatFields, isMappingFormat } from '../../../../policy/mapping-format.ts';
import {
  defaultPolicy,
  type MappingPolicy,
  type Policy,
  type TrustPolicy,
} from '../../../../policy/policy.ts';
import type { Signer } from '../../model/signer.ts';
import { Pki } from '../../trust/authority.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  pairing,
  PIN,
  tokensOf,
  type CardOptions,
  noLogind,
} from '../../../kit/story/fakes.ts';
import { attacker, runLogin, victim, type Scene, type Seen } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const pki = new Pki();
test.before(() => {
  pki.root('root');
  pki.root('other');
  pki.issue('alice', 'root', { subject: '/O=Test/CN=alice' });
  pki.issue('bob', 'root', { subject: '/O=Test/CN=bob' });
  pki.issue('twice', 'root', { subject: '/O=Test/CN=bob/CN=alice' });
  pki.issue('nobody', 'root', { subject: '/O=Test' });
  pki.issue('full', 'root', { subject: '/O=Test/CN=Alice Example' });
  pki.issue('foreign', 'other', { subject: '/O=Test/CN=alice' });
  pki.root('self', {
    subject: '/O=Test/CN=alice',
    extensions: 'keyUsage=digitalSignature\nextendedKeyUsage=clientAuth',
  });
});
test.after.always(() => pki.close());

function signerOf(name: string): Signer {
  const key = createPrivateKey(readFileSync(pki.file(`${name}.key`)));
  return {
    publicKey: publicKeyOf(createPublicKey(key)),
    sign: (message) => ({ scheme: 'ecdsa-sha256', signature: sign('sha256', message, key) }),
  };
}

function cardOf(name: string, more: CardOptions = {}): FakeToken {
  return new FakeToken(signerOf(name), { certificate: parseCertificate(pki.der(name)), ...more });
}

const sha256 = (name: string): string => toHex(createHash('sha256').update(pki.der(name)).digest());

function policyOf(mapping: Partial<MappingPolicy> = {}, trust: Partial<TrustPolicy> = {}): Policy {
  const authorities = ['root', 'other'].map((name) => pki.file(`${name}.pem`));
  return {
    ...defaultPolicy,
    trust: { ...defaultPolicy.trust, level: 1, authorities, pinned: [sha256('root')], ...trust },
    mapping: { ...defaultPolicy.mapping, attribute: 'name', fields: ['common_name'], ...mapping },
  };
}

async function login(
  t: ExecutionContext,
  token: FakeToken,
  policy: Policy | (() => Policy),
  more: Scene = {},
): Promise<Seen> {
  return runLogin(t, {
    tokens: [token],
    pairings: new FakePairings(),
    answers: [PIN],
    lenient: true,
    policy: typeof policy === 'function' ? policy : () => policy,
    parts: { trust: new ChainTrust(systemClock) },
    ...more,
  });
}

test.serial(
  'a certificate with the name of the account, from the pinned authority: PIN, granted, recorded',
  async (t) => {
    const token = cardOf('alice');
    const seen = await login(t, token, policyOf());
    t.is(seen.outcome, 'granted');
    t.like(seen.decision, { kind: 'granted', user: 'alice' });
    t.deepEqual(token.sent, [PIN]);
    t.like(seen.events[0], { rule: 'mapping.attribute', user: 'alice', outcome: { kind: 'granted' } });
  },
);

test.serial(
  "somebody else's card, no name, two names, another key's certificate: nothing is asked or said",
  async (t) => {
    const cards = ['bob', 'twice', 'nobody'].map((name) => cardOf(name));
    cards.push(new FakeToken(attacker, { certificate: parseCertificate(pki.der('alice')) }));
    cards.push(cardOf('alice', { certificate: null }), cardOf('alice', { use: 'signature' }));
    for (const token of cards) {
      const seen = await login(t, token, policyOf());
      t.is(seen.outcome, 'unavailable no-pairing');
      t.deepEqual([seen.asked, seen.told, token.sent], [[], [], []]);
    }
  },
);

test.serial(
  'L4: the right name from an authority that is not pinned, or from nobody, gets no PIN',
  async (t) => {
    for (const name of ['foreign', 'self']) {
      const token = cardOf(name);
      const seen = await login(t, token, policyOf());
      t.is(seen.outcome, 'denied certificate-not-trusted');
      t.deepEqual([seen.asked, token.sent], [[], []]);
    }
  },
);

test.serial(
  'without pinned authorities or a trust level nothing is mapped, whatever else is set',
  async (t) => {
    for (const trust of [{ pinned: [] }, { level: 0 }] as const)
      t.is((await login(t, cardOf('alice'), policyOf({}, trust))).outcome, 'unavailable no-pairing');
    t.is(
      (await login(t, cardOf('alice'), policyOf({ attribute: 'none' }))).outcome,
      'unavailable no-pairing',
    );
    const big = policyWith({ login: { minEcBits: 384 } }, policyOf());
    t.is((await login(t, cardOf('alice'), big)).outcome, 'unavailable no-pairing');
  },
);

test.serial(
  'a rehearsal says what a login would: yes for the mapped card, no for another, for a copy, and after a change',
  async (t) => {
    const same = policyOf();
    const rehearse = (token: FakeToken, { policies = [same], service = 'sudo' } = {}) => {
      let asked = 0;
      return rehearseLogin(alice, service, { pid: 7, uid: alice.uid, gid: 1 }, new FakePerson([PIN]), {
        ...{ pairings: new FakePairings(), accounts, audit: new FakeAudit(), tokens: tokensOf(token) },
        ...{
          trust: new ChainTrust(systemClock),
          clock: systemClock,
          mayDriverServe: () => true,
          sessions: noLogind,
        },
        policy: () => policies[Math.min(asked++, policies.length - 1)] ?? same,
      });
    };
    for (const service of ['sudo', 'i3lock', 'gdm-password']) {
      const { failure, steps } = await rehearse(cardOf('alice'), { service });
      t.is(failure, null);
      t.regex(steps.map(({ note }) => note).join(), /\[mapping\] may take.*by the key of the certificate/);
    }
    t.is((await rehearse(cardOf('bob'))).failure?.code, 'not-paired');
    t.is((await rehearse(cardOf('foreign'))).failure?.code, 'untrusted-certificate');
    const certificate = parseCertificate(pki.der('alice'));
    const copy = new FakeToken(attacker, { claims: signerOf('alice').publicKey, certificate });
    t.is((await rehearse(copy)).failure?.code, 'bad-proof');
    t.is(
      (await rehearse(cardOf('alice'), { policies: [policyOf(), policyOf()] })).failure?.code,
      'not-paired',
    );
  },
);

test.serial('L3: a copy of the certificate without its key', async (t) => {
  const { publicKey } = signerOf('alice');
  const token = new FakeToken(attacker, {
    claims: publicKey,
    certificate: parseCertificate(pki.der('alice')),
  });
  t.is((await login(t, token, policyOf())).outcome, 'denied bad-proof');
});

test.serial('L12: settings that change while the PIN is typed: begin anew', async (t) => {
  for (const next of [
    policyOf({ attribute: 'none' }),
    policyOf({}, { pinned: [sha256('other')] }),
    defaultPolicy,
  ]) {
    let now = policyOf();
    const token = cardOf('alice');
    const typed = (): string => {
      now = next;
      return PIN;
    };
    const seen = await login(t, token, () => now, { answers: [typed] });
    t.is(seen.outcome, 'denied changed-meanwhile');
    t.deepEqual(token.sent, [], 'the PIN is not sent');
  }
});

test.serial('the full name: the first part of GECOS; an account without one has no card', async (t) => {
  const named = (fullName?: string): Scene => ({
    parts: {
      trust: new ChainTrust(systemClock),
      accounts: {
        ...accounts,
        byName: () => Promise.resolve<Account>({ ...alice, ...(fullName !== undefined && { fullName }) }),
      },
    },
  });
  const policy = policyOf({ attribute: 'gecos' });
  t.is((await login(t, cardOf('full'), policy, named('Alice Example'))).outcome, 'granted');
  for (const other of ['alice example', 'Alice', '', undefined])
    t.is((await login(t, cardOf('full'), policy, named(other))).outcome, 'unavailable no-pairing');
});

test.serial(
  'an account with another card paired may use its certificate too; the pairing goes first',
  async (t) => {
    const pairings = new FakePairings();
    pairings.rows.push(pairing(alice.name, victim.publicKey));
    t.is((await login(t, cardOf('alice'), policyOf(), { pairings })).outcome, 'granted');
    const both = [
      cardOf('alice', { id: 'org.scauth.fake:02' }),
      new FakeToken(victim, { certificate: null }),
    ];
    const seen = await login(t, cardOf('alice'), policyOf({}, {}), { pairings, tokens: both });
    // The paired card has no certificate, and the level wants one: the other does not step in behind it.
    t.is(seen.outcome, 'denied certificate-not-trusted');
  },
);

test.serial('no rule fits: nobody', async (t) => {
  const { parseCertmapRule } = await import('../../../../policy/certmap/parse.ts');
  const rules = [parseCertmapRule('<ISSUER>^CN=elsewhere$')];
  t.is((await login(t, cardOf('alice'), policyOf({ rules }))).outcome, 'unavailable no-pairing');
});

test('no field can put another field, or itself, into the format', (t) => {
  const nasty = fc.oneof(fc.string(), fc.constantFrom('$1', '$2', '$$', '$&', "$'", '$`', '$<a>', '$'));
  fc.assert(
    fc.property(fc.array(nasty, { minLength: 2, maxLength: 2 }), ([first = '', second = '']) => {
      const text = formatFields('<$1|$2>', [first, second]);
      return first === '' || second === '' ? text === null : text === `<${first}|${second}>`;
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('a format without a field, or with a dollar that stands for nothing, maps nobody', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string(), { maxLength: 9 }), (format, values) => {
      if (!isMappingFormat(format)) return formatFields(format, values) === null;
      return true;
    }),
    { numRuns: 3000 },
  );
  for (const format of ['alice', '$$', '$', '$0', '$a', ''])
    t.is(formatFields(format, ['alice']), null, format);
});
