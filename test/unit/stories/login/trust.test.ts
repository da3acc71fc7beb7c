// Trust levels at login and at pairing, with chains made by openssl and its real OCSP responder: which certificate
// gets no PIN prompt, what stands in the log, and that a login after the insertion asks nobody.

import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../../agent/base/clock.ts';
import { toHex } from '../../../../agent/base/bytes.ts';
import { warmCertificates } from '../../../../agent/stories/card/gates/check-certificate.ts';
import { pairForUser, pairOwnCard, type PairingParts } from '../../../../agent/stories/pair/pair.ts';
import { parseCertificate, publicKeyOf } from '../../../../agent/model/key/key.ts';
import { ChainTrust } from '../../../../agent/trust/certificate-trust.ts';
import { defaultPolicy, type Policy, type TrustPolicy } from '../../../../policy/policy.ts';
import type { Signer } from '../../model/signer.ts';
import { AUTHORITY, freePort, LEAF, Pki } from '../../trust/authority.ts';
import { createHash } from 'node:crypto';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  pairing,
  PIN,
  tokensOf,
} from '../../../kit/story/fakes.ts';
import { runLogin, victim, type Scene, type Seen } from '../../../kit/story/run-login.ts';

const pki = new Pki();
const servers: Server[] = [];
let asked = 0;

/** Passes connections on and counts them. */
async function counter(to: number): Promise<number> {
  const port = await freePort();
  const server = createServer((client) => {
    asked += 1;
    const upstream = connect(to, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => client.destroy());
  }).listen(port, '127.0.0.1');
  servers.push(server);
  return port;
}

test.before(async () => {
  const ocsp = await freePort();
  const counted = await counter(ocsp);
  const ids = 'subjectKeyIdentifier=hash';
  pki.root('root', { extensions: `${AUTHORITY}\n${ids}` });
  pki.root('other');
  pki.issue('middle', 'root', { extensions: `${AUTHORITY}\n${ids}` });
  const aia = `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${counted}/`;
  pki.issue('plain', 'middle');
  pki.issue('good', 'middle', { extensions: `${LEAF}\n${aia}` });
  pki.issue('revoked', 'middle', { extensions: `${LEAF}\n${aia}` });
  pki.issue('old', 'middle', { from: '20200101000000Z', until: '20210101000000Z' });
  pki.revoke('revoked', 'middle');
  pki.crl('root');
  await pki.responder('middle', 'middle', ocsp, ['-nmin', '60']);
});
test.after.always(async () => {
  for (const server of servers) server.close();
  await pki.close();
});

function signerOf(name: string): Signer {
  const key = createPrivateKey(readFileSync(pki.file(`${name}.key`)));
  return {
    publicKey: publicKeyOf(createPublicKey(key)),
    sign: (message) => ({ scheme: 'ecdsa-sha256', signature: sign('sha256', message, key) }),
  };
}

/** Alice's card with the certificate of this name, which she is paired with. */
function cardOf(name: string): FakeToken {
  return new FakeToken(signerOf(name), { certificate: parseCertificate(pki.der(name)) });
}

function policyOf(trust: Partial<TrustPolicy>): Policy {
  const authorities = [pki.file('root.pem'), pki.file('middle.pem')];
  const crlFiles = [pki.file('root.crl')];
  return {
    ...defaultPolicy,
    trust: { ...defaultPolicy.trust, authorities, crlFiles, timeoutMs: 1500, ...trust },
  };
}

const sha256 = (name: string): string => toHex(createHash('sha256').update(pki.der(name)).digest());

function paired(token: FakeToken): FakePairings {
  const table = new FakePairings();
  table.rows.push(pairing(alice.name, token.identity.publicKey));
  return table;
}

async function login(
  t: ExecutionContext,
  token: FakeToken,
  policy: Partial<TrustPolicy> | (() => Policy),
  more: Scene = {},
): Promise<Seen> {
  const snapshot = typeof policy === 'function' ? policy : null;
  const fixed = snapshot === null ? policyOf(policy as Partial<TrustPolicy>) : null;
  return runLogin(t, {
    tokens: [token],
    pairings: paired(token),
    answers: [PIN],
    lenient: true,
    policy: snapshot ?? fixed ?? {},
    parts: { trust: new ChainTrust(systemClock) },
    ...more,
  });
}

async function refused(
  t: ExecutionContext,
  token: FakeToken,
  trust: Partial<TrustPolicy>,
  why: RegExp,
): Promise<void> {
  const seen = await login(t, token, trust);
  t.is(seen.outcome, 'denied certificate-not-trusted');
  t.deepEqual([seen.asked, token.sent], [[], []], 'no PIN is asked for');
  t.regex(seen.told.join(), /not trusted here. Use your password/);
  const [event] = seen.events;
  t.like(event, {
    outcome: { kind: 'denied', reason: 'certificate-not-trusted' },
    key: { pkhh: token.identity.publicKey.pkhh },
  });
  t.regex(event?.kind === 'login' ? String(event.detail) : '', why);
  t.regex(event?.kind === 'login' ? String(event.rule) : '', /^trust\./);
}

test.serial('level 1: the chain must hold; a bad one gets no PIN prompt', async (t) => {
  t.is((await login(t, cardOf('plain'), { level: 1 })).outcome, 'granted');
  await refused(
    t,
    cardOf('plain'),
    { level: 1, authorities: [pki.file('other.pem')] },
    /not among the authorities/,
  );
  await refused(t, cardOf('old'), { level: 1 }, /expired/);
  await refused(t, new FakeToken(signerOf('plain')), { level: 1 }, /no certificate/);
});

test.serial("L4: somebody else's good certificate beside the paired key vouches for nothing", async (t) => {
  const token = new FakeToken(victim, { certificate: parseCertificate(pki.der('plain')) });
  await refused(t, token, { level: 1 }, /for another key/);
});

test.serial('level 0 asks nobody, whatever the certificate is', async (t) => {
  const findings = (): Promise<never> => Promise.reject(new Error('asked'));
  const parts = { trust: { findings, path: findings, fields: findings, attestation: findings } };
  t.is((await login(t, cardOf('old'), { level: 0 }, { parts })).outcome, 'granted');
});

test.serial('pinned authorities: through one of them, or not at all', async (t) => {
  for (const name of ['root', 'middle'])
    t.is((await login(t, cardOf('plain'), { level: 1, pinned: [sha256(name)] })).outcome, 'granted');
  await refused(t, cardOf('plain'), { level: 1, pinned: [sha256('other')] }, /none of the pinned/);
});

test.serial('level 2 refuses what is revoked, level 3 also what nobody knows of', async (t) => {
  t.is((await login(t, cardOf('plain'), { level: 2 })).outcome, 'granted');
  t.is((await login(t, cardOf('good'), { level: 3 })).outcome, 'granted');
  await refused(t, cardOf('revoked'), { level: 2 }, /revoked/);
  await refused(t, cardOf('revoked'), { level: 3 }, /revoked/);
  await refused(t, cardOf('plain'), { level: 3 }, /nobody is named/);
  t.is((await login(t, cardOf('revoked'), { level: 1 })).outcome, 'granted');
});

test.serial('level 3 after the insertion: a login costs no network round trip', async (t) => {
  const trust = new ChainTrust(systemClock);
  const token = cardOf('good');
  asked = 0;
  t.deepEqual(await warmCertificates(policyOf({ level: 3 }).trust, token, trust), []);
  t.is(asked, 1);
  t.is((await login(t, token, { level: 3 }, { parts: { trust } })).outcome, 'granted');
  t.is(asked, 1);
});

test.serial('the insertion says in the log which certificate will be refused', async (t) => {
  const trust = new ChainTrust(systemClock);
  const lines = await warmCertificates(policyOf({ level: 2 }).trust, cardOf('revoked'), trust);
  t.is(lines.length, 1);
  t.regex(lines.join(), /slot 9A: its certificate is refused \(trust.level\): it is revoked/);
  t.deepEqual(await warmCertificates(policyOf({ level: 0 }).trust, cardOf('revoked'), trust), []);
});

test.serial('L12: a level that is raised while the PIN is typed counts', async (t) => {
  let now = policyOf({ level: 1 });
  const typed = (): string => {
    now = policyOf({ level: 2 });
    return PIN;
  };
  const seen = await login(t, cardOf('revoked'), () => now, { answers: [typed] });
  t.is(seen.outcome, 'denied changed-meanwhile');
  const [event] = seen.events;
  t.like(event, { rule: 'trust.level' });
});

test.serial("an authorities' file that is gone refuses, and the log names it", async (t) => {
  const missing = pki.file('gone.pem');
  rmSync(missing, { force: true });
  await refused(t, cardOf('plain'), { level: 1, authorities: [missing] }, /gone\.pem is not there/);
});

function pairingParts(
  token: FakeToken,
  policy: Policy,
): PairingParts & { audit: FakeAudit; pairings: FakePairings } {
  return {
    policy: () => policy,
    pairings: new FakePairings(),
    tokens: tokensOf(token),
    trust: new ChainTrust(systemClock),
    audit: new FakeAudit(),
    clock: systemClock,
    accounts,
    offerRider: () => null,
    helpDesk: noHelpDesk,
    checkPassword: (_user, password) => {
      password.wipe();
      return Promise.resolve();
    },
  };
}

test.serial('pairing: a certificate that no login would take is refused before any secret', async (t) => {
  const root = { pid: 1, uid: 0, gid: 0 };
  const self = { pid: 7, uid: alice.uid, gid: 1000 };
  const bad = cardOf('revoked');
  const { pkhh } = bad.identity.publicKey;
  const parts = pairingParts(bad, policyOf({ level: 2 }));
  const person = new FakePerson(['correct horse', PIN]);
  const own = pairOwnCard(alice, pkhh, { peer: self, person, parts });
  await t.throwsAsync(own, { code: 'untrusted-certificate', message: /revoked/ });
  t.deepEqual([person.asked, bad.sent], [[], []]);
  t.like(parts.audit.events, [{ kind: 'pairing-refused', detail: 'untrusted-certificate' }]);
  await t.throwsAsync(pairForUser(alice.name, { kind: 'hash', pkhh }, root, parts), {
    code: 'untrusted-certificate',
  });
  const certificate = parseCertificate(pki.der('revoked'));
  await t.throwsAsync(pairForUser(alice.name, { kind: 'certificate', certificate }, root, parts), {
    code: 'untrusted-certificate',
  });
  t.deepEqual(parts.pairings.rows, []);
  const good = cardOf('plain');
  const well = pairingParts(good, policyOf({ level: 2 }));
  await pairOwnCard(alice, good.identity.publicKey.pkhh, {
    peer: self,
    person: new FakePerson(['correct horse', PIN]),
    parts: well,
  });
  t.is(well.pairings.rows.length, 1);
});
