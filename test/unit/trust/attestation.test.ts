// Attestation as a YubiKey gives it, by the software card with an F9 key under a test root, and each way to forge one.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { systemClock } from '../../../agent/base/clock.ts';
import type { Attestation, AttestationFindings } from '../../../agent/model/card/attestation.ts';
import type { PublicKey } from '../../../agent/model/key/key.ts';
import type { PivToken } from '../../../agent/token/piv/token.ts';
import { ChainTrust } from '../../../agent/trust/certificate-trust.ts';
import { makeCertificate, type CertificateFields } from '../../kit/card/certificate.ts';
import { readKey } from '../../kit/card/profile.ts';
import { parseTlvs, tlv } from '../../kit/card/tlv.ts';
import { insert, probe, type SoftwareSlot } from '../token/piv/card-slot.ts';
import { AUTHORITY, LEAF, Pki } from './authority.ts';

const pki = new Pki();
const trust = new ChainTrust(systemClock);
test.before(() => {
  pki.root('yubico');
  pki.issue('batch', 'yubico', { extensions: AUTHORITY });
  pki.issue('f9', 'batch', { extensions: AUTHORITY.replace('CA:TRUE', 'CA:TRUE,pathlen:0') });
  pki.root('other');
  pki.issue('other-f9', 'other', { extensions: AUTHORITY });
  pki.issue('no-ca', 'yubico', { extensions: LEAF });
  pki.issue('old-f9', 'yubico', { extensions: AUTHORITY, from: '20200101000000Z', until: '20210101000000Z' });
});
test.after.always(() => pki.close());

const keyOf = (name: string): KeyObject => createPrivateKey(readFileSync(pki.file(`${name}.key`)));

async function cardWith(
  f9 = 'f9',
  options = {},
): Promise<{ slot: SoftwareSlot; token: PivToken; key: PublicKey }> {
  const { slot } = await insert({ key: 'p256', ...options });
  slot.card.applet.keys.set(0xf9, keyOf(f9), 'imported', { pinPolicy: 'never', touchPolicy: 'never' });
  slot.card.applet.objects.setCertificate(0xf9, pki.der(f9));
  const token = await probe(slot);
  const key = token?.identities[0]?.publicKey;
  if (token === null || key === undefined) throw new Error('no card');
  return { slot, token, key };
}

function judge(
  attestation: Attestation,
  key: PublicKey,
  roots: readonly string[],
  slot = '9A',
): Promise<AttestationFindings> {
  return trust.attestation(
    attestation,
    key,
    slot,
    roots.map((name) => pki.file(`${name}.pem`)),
  );
}

async function attested(token: PivToken): Promise<Attestation> {
  const [identity] = token.identities;
  if (identity === undefined) throw new Error('no key');
  return token.attest(identity);
}

const ROOTS = ['yubico', 'batch'];

for (const type of ['p256', 'rsa2048', 'ed25519']) {
  test(`${type}: a key that was made on the card, by a chain of the maker's`, async (t) => {
    const { token, key, slot } = await cardWith('f9', { key: type, touch: 'cached' });
    const found = await judge(await attested(token), key, ROOTS);
    t.deepEqual(found, {
      ...{ fault: null, pinPolicy: 'once', touchPolicy: 'cached', firmware: '5.7.1', serial: '12345678' },
    });
    t.is(slot.card.log.verifyCount(), 0, 'no PIN');
    t.is(slot.open_, 0);
  });
}

test('an imported key, a card of another maker, an F9 without certificate: nothing is attested', async (t) => {
  const { slot, token } = await cardWith();
  slot.card.applet.keys.set(0x9a, readKey('p256', 0x9a), 'imported');
  await t.throwsAsync(attested(token), { code: 'not-attested', message: /was imported/ });
  const other = await insert({ firmware: 'none', atr: '3B8D018073C021C057736F66747061' });
  await t.throwsAsync(attested(other.token), { code: 'not-attested', message: /no YubiKey/ });
  const bare = await cardWith();
  const certificate = await attested(bare.token);
  bare.slot.card.applet.objects.delete('5FFF01');
  await t.throwsAsync(attested(bare.token), { code: 'not-attested' });
  t.is((await judge(certificate, bare.key, ROOTS)).fault, null);
});

test('another root, a card under another root, a link that is missing, the card alone', async (t) => {
  const { token, key } = await cardWith();
  const good = await attested(token);
  t.regex((await judge(good, key, ['other'])).fault ?? '', /issuer/);
  t.regex((await judge(good, key, ['yubico'])).fault ?? '', /issuer/);
  t.regex((await judge(good, key, [])).fault ?? '', /issuer/);
  const foreign = await cardWith('other-f9');
  t.regex((await judge(await attested(foreign.token), foreign.key, ROOTS)).fault ?? '', /issuer/);
  t.is((await judge(await attested(foreign.token), foreign.key, ['other'])).fault, null);
  // Whoever sets a self-signed F9 on a card vouches for nobody.
  const own = await insert({ key: 'p256' });
  const word = await attested(own.token);
  const ownKey = own.token.identities[0]?.publicKey;
  if (ownKey !== undefined)
    t.regex((await judge(word, ownKey, ROOTS)).fault ?? '', /ends at the card itself/);
});

test('an F9 that is no authority, and one that has expired', async (t) => {
  for (const [name, says] of [
    ['no-ca', /no authority/],
    ['old-f9', /has expired/],
  ] as const) {
    const { token, key } = await cardWith(name);
    t.regex((await judge(await attested(token), key, ROOTS)).fault ?? '', says);
  }
});

test('for another key, for another slot, by another signer, without the extensions, garbage', async (t) => {
  const { token, key } = await cardWith();
  const good = await attested(token);
  const { intermediate } = good;
  const forge = (fields: Partial<CertificateFields>, by: KeyObject = keyOf('f9')): Attestation => ({
    certificate: makeCertificate(
      createPublicKey(key.keyObject.export({ format: 'pem', type: 'spki' })),
      {
        cn: 'YubiKey PIV Attestation 9a',
        only: EXTENSIONS,
        ...fields,
      },
      { cn: 'f9', name: issuerOf(good.certificate), privateKey: by },
    ),
    intermediate,
  });
  t.is((await judge(forge({}), key, ROOTS)).fault, null, 'what is forged below is right but for one thing');
  const others = await insert({ key: 'p256:2' });
  const otherKey = others.token.identities[0]?.publicKey;
  if (otherKey !== undefined) t.regex((await judge(good, otherKey, ROOTS)).fault ?? '', /another key/);
  t.regex((await judge(good, key, ROOTS, '9C')).fault ?? '', /not for the slot 9C/);
  t.regex((await judge(forge({ cn: 'YubiKey PIV Attestation 9c' }), key, ROOTS)).fault ?? '', /slot 9A/);
  t.regex((await judge(forge({}, keyOf('other-f9')), key, ROOTS)).fault ?? '', /signature/);
  for (const only of [
    [],
    EXTENSIONS.slice(0, 1),
    EXTENSIONS.slice(1),
    [['1.3.6.1.4.1.41482.3.8', Buffer.from([2])]],
  ])
    t.regex(
      (await judge(forge({ only: only as typeof EXTENSIONS }), key, ROOTS)).fault ?? '',
      /no PIV attestation/,
    );
  const unknown = await judge(
    forge({ only: [EXTENSIONS[0], ['1.3.6.1.4.1.41482.3.8', Buffer.from([9, 9])]] as typeof EXTENSIONS }),
    key,
    ROOTS,
  );
  t.like(unknown, { fault: null, pinPolicy: null, touchPolicy: null, serial: null });
  for (const certificate of [Buffer.alloc(0), Buffer.from('garbage'), Buffer.alloc(40_000, 0x30)])
    t.truthy((await judge({ certificate, intermediate }, key, ROOTS)).fault);
  t.truthy((await judge({ ...good, intermediate: Buffer.from('garbage') }, key, ROOTS)).fault);
});

const EXTENSIONS: readonly (readonly [string, Buffer])[] = [
  ['1.3.6.1.4.1.41482.3.3', Buffer.from([5, 7, 1])],
  ['1.3.6.1.4.1.41482.3.8', Buffer.from([2, 1])],
];

/** The issuer's name in DER; RFC 5280, 4.1: version, serial, algorithm, issuer. */
function issuerOf(der: Buffer): Buffer {
  const [whole] = parseTlvs(der) ?? [];
  const [body] = parseTlvs(whole?.value ?? der) ?? [];
  return tlv(0x30, (parseTlvs(body?.value ?? der) ?? [])[3]?.value ?? der);
}
