// mapping.source "sssd": for which account a card without a pairing is taken, and everything that must not make it so.

import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { toHex } from '../../../../agent/base/bytes.ts';
import { systemClock } from '../../../../agent/base/clock.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { DirectoryUser } from '../../../../agent/model/key/directory-user.ts';
import { parseCertificate, publicKeyOf } from '../../../../agent/model/key/key.ts';
import type { CertificateUsers } from '../../../../agent/sssd/interface.ts';
import { maySpendLast } from '../../../../agent/stories/card/ask-pin/whose-tries.ts';
import { ChainTrust } from '../../../../agent/trust/certificate-trust.ts';
import { parseCertmapRule } from '../../../../policy/certmap/parse.ts';
import type { MappingPolicy, Policy } from '../../../../policy/policy.ts';
import { accounts, alice, FakePairings, FakeToken, pairing, PIN } from '../../../kit/story/fakes.ts';
import { attacker, runLogin, victim, type Scene, type Seen } from '../../../kit/story/run-login.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';
import { sidExtension } from '../../../kit/sssd/sid-extension.ts';
import { LEAF, Pki } from '../../trust/authority.ts';

const SID = 'S-1-5-21-1-2-3-1105';
const pki = new Pki();
const trust = new ChainTrust(systemClock);

test.before(() => {
  pki.root('root');
  pki.root('other');
  pki.issue('alice', 'root', { subject: '/CN=anybody', extensions: `${LEAF}\n${sidExtension(SID)}` });
  pki.issue('plain', 'root', { subject: '/CN=alice' });
  pki.issue('foreign', 'other', { subject: '/CN=alice', extensions: `${LEAF}\n${sidExtension(SID)}` });
});
test.after.always(() => pki.close());

const user: DirectoryUser = {
  ...{ name: alice.name, uid: alice.uid, sids: [SID] },
  ...{ securityIdentities: [], principalNames: [] },
};

class Directory implements CertificateUsers {
  readonly asked: number[] = [];
  readonly #answer: () => Promise<readonly DirectoryUser[]>;

  constructor(answer: readonly DirectoryUser[] | Error | (() => Promise<readonly DirectoryUser[]>) = [user]) {
    this.#answer = async () => {
      if (answer instanceof Error) throw answer;
      return typeof answer === 'function' ? answer() : answer;
    };
  }

  usersOf(_: Buffer, limit: number): Promise<readonly DirectoryUser[]> {
    this.asked.push(limit);
    return this.#answer();
  }
}

function cardOf(name: string): FakeToken {
  const key = createPrivateKey(readFileSync(pki.file(`${name}.key`)));
  const signer = {
    publicKey: publicKeyOf(createPublicKey(key)),
    sign: (message: Uint8Array) => ({
      scheme: 'ecdsa-sha256' as const,
      signature: sign('sha256', message, key),
    }),
  };
  return new FakeToken(signer, { certificate: parseCertificate(pki.der(name)) });
}

function policyOf(mapping: Partial<MappingPolicy> = {}): Policy {
  const pinned = [toHex(createHash('sha256').update(pki.der('root')).digest())];
  const authorities = ['root', 'other'].map((name) => pki.file(`${name}.pem`));
  return policyWith({ trust: { level: 1, authorities, pinned }, mapping: { source: 'sssd', ...mapping } });
}

function login(
  t: ExecutionContext,
  sssd: CertificateUsers,
  {
    token = cardOf('alice'),
    policy = policyOf(),
    ...more
  }: Scene & {
    token?: FakeToken;
    policy?: Policy | (() => Policy);
  } = {},
): Promise<Seen> {
  return runLogin(t, {
    ...{ tokens: [token], pairings: new FakePairings(), answers: [PIN], lenient: true },
    ...more,
    policy: typeof policy === 'function' ? policy : () => policy,
    parts: { trust, sssd, ...more.parts },
  });
}

test.serial(
  'the account that SSSD names and its SID ties: PIN, granted, and the log says who said so',
  async (t) => {
    const directory = new Directory();
    const seen = await login(t, directory);
    t.is(seen.outcome, 'granted');
    t.like(seen.decision, { kind: 'granted', user: 'alice' });
    t.like(seen.events[0], { rule: 'mapping.source', user: 'alice' });
    t.regex(
      JSON.stringify(seen.events[0]),
      /SSSD gives the certificate to this account, by the account's SID/,
    );
    t.deepEqual(directory.asked, [2]);
  },
);

test.serial(
  'whatever SSSD says that is not this account alone and tied to it: no prompt, and the log says why',
  async (t) => {
    const other = { ...user, name: 'bob', uid: 2000 };
    const cases: readonly (readonly [string, Directory, RegExp])[] = [
      ['nobody', new Directory([]), /knows nobody/],
      ['another account', new Directory([other]), /another account/],
      ['its name with another uid', new Directory([{ ...user, uid: 2000 }]), /another account/],
      ['its uid with another name', new Directory([{ ...user, name: 'bob' }]), /another account/],
      ['its name in other letters', new Directory([{ ...user, name: 'Alice' }]), /another account/],
      ['several', new Directory([user, other]), /several accounts/],
      ['the same twice', new Directory([user, user]), /several accounts/],
      ['no SID', new Directory([{ ...user, sids: [] }]), /nothing in the directory names/],
      ['another SID', new Directory([{ ...user, sids: [`${SID}0`] }]), /nothing in the directory names/],
      ['an error', new Directory(new AgentError('internal', { detail: 'gone' })), /no answer.*gone/],
      ['no error of ours', new Directory(new TypeError('x')), /no answer/],
    ];
    for (const [name, directory, why] of cases) {
      const token = cardOf('alice');
      const seen = await login(t, directory, { token });
      t.is(seen.outcome, 'unavailable no-pairing', name);
      t.deepEqual([seen.asked, seen.told, token.sent], [[], [], []], name);
      t.regex(seen.log.join('\n'), why, name);
    }
  },
);

test.serial(
  'SSSD is not asked for others’ certificates, for root, by the local source, or where a pairing answers',
  async (t) => {
    const silent = new Directory();
    t.is((await login(t, silent, { token: cardOf('foreign') })).outcome, 'unavailable no-pairing');
    const rules = [parseCertmapRule('<ISSUER>^CN=elsewhere$')];
    t.is((await login(t, silent, { policy: policyOf({ rules }) })).outcome, 'unavailable no-pairing');
    const copy = new FakeToken(attacker, { certificate: parseCertificate(pki.der('alice')) });
    t.is((await login(t, silent, { token: copy })).outcome, 'unavailable no-pairing');
    const local = policyOf({ source: 'local', attribute: 'name', fields: ['common_name'] });
    t.is((await login(t, silent, { token: cardOf('plain'), policy: local })).outcome, 'granted');
    const asRoot = { ...accounts, byName: () => Promise.resolve({ ...alice, uid: 0 }) };
    const root = await login(t, new Directory([{ ...user, uid: 0 }]), { parts: { accounts: asRoot } });
    t.is(root.outcome, 'unavailable no-pairing');
    t.regex(root.log.join(), /root is never looked up/);
    const paired = new FakePairings();
    paired.rows.push(pairing(alice.name, victim.publicKey));
    await login(t, silent, { token: new FakeToken(victim, { certificate: null }), pairings: paired });
    t.deepEqual(silent.asked, []);
    const nobody = await runLogin(t, {
      ...{ tokens: [cardOf('alice')], pairings: new FakePairings(), answers: [PIN], lenient: true },
      ...{ policy: () => policyOf(), parts: { trust } },
    });
    t.is(nobody.outcome, 'unavailable no-pairing', 'no InfoPipe at all');
  },
);

test.serial(
  'of several accounts the one that is named, where the setting says so, and it is tied',
  async (t) => {
    const admin = { ...user, name: 'alice-admin', uid: 2000, sids: [`${SID}9`] };
    const policy = policyOf({ several: true });
    const directory = new Directory([admin, user]);
    t.is((await login(t, directory, { policy })).outcome, 'granted');
    t.deepEqual(directory.asked, [16]);
    t.is((await login(t, new Directory([admin]), { policy })).outcome, 'unavailable no-pairing');
    t.is((await login(t, new Directory([user, user]), { policy })).outcome, 'unavailable no-pairing');
  },
);

test.serial('a weak mapping only by its name', async (t) => {
  const weak = { ...user, sids: [], securityIdentities: ['X509:<S>CN=alice'] };
  const by = async (names: MappingPolicy['weak']): Promise<string> =>
    (await login(t, new Directory([weak]), { token: cardOf('plain'), policy: policyOf({ weak: names }) }))
      .outcome;
  t.is(await by([]), 'unavailable no-pairing');
  t.is(await by(['rfc822', 'upn', 'issuer_subject']), 'unavailable no-pairing');
  t.is(await by(['subject']), 'granted');
  t.is(await by(['sssd']), 'granted');
});

test.serial('an SSSD that never answers costs its time and no more', async (t) => {
  const hangs: CertificateUsers = {
    usersOf: (_, __, signal) =>
      new Promise((___, reject) => {
        signal.addEventListener('abort', () => {
          reject(new AgentError('internal', { detail: 'late' }));
        });
      }),
  };
  // What scauthd has open keeps it; here nothing would.
  const open = setInterval(() => undefined, 1000);
  const seen = await login(t, hangs);
  clearInterval(open);
  t.is(seen.outcome, 'unavailable no-pairing');
  t.regex(seen.log.join(), /late/);
});

test.serial('settings that change while the PIN is typed: begin anew', async (t) => {
  let now = policyOf();
  const token = cardOf('alice');
  const typed = (): string => {
    now = policyOf({ weak: ['sssd'] });
    return PIN;
  };
  const seen = await login(t, new Directory(), { token, policy: () => now, answers: [typed] });
  t.is(seen.outcome, 'denied changed-meanwhile');
  t.deepEqual(token.sent, []);
});

test.serial('the last tries are for whom SSSD names', async (t) => {
  const parts = { policy: () => policyOf(), pairings: new FakePairings(), accounts, trust };
  const mine = (sssd?: CertificateUsers): Promise<boolean> =>
    maySpendLast(cardOf('alice'), alice.uid, sssd === undefined ? parts : { ...parts, sssd });
  t.true(await mine(new Directory()));
  t.false(await mine(new Directory([])));
  t.false(await mine());
});
