// Sets a card up, in one transaction: management key, name, keys with their certificates, PUK, PIN. The order makes each
// cut harmless: a mark is written first and taken away last; the new management key is kept on the card before it counts; the
// PIN changes when all else is done. Run again, each step finds whether it has been done.
// Specification: SP 800-73-4 part 1, 3.1 and tables 8 to 10, part 2, 3.3; Yubico PIV extensions; DECISIONS.md D201.

import { randomBytes } from 'node:crypto';
import { systemClock } from '../../base/clock.ts';
import { AgentError } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import { readOnly, writeTlv } from '../../base/tlv.ts';
import {
  FACTORY_PIN,
  FACTORY_PUK,
  type Issued,
  type IssueOrder,
  type NewKey,
} from '../../model/card/issuing.ts';
import type { PublicKey } from '../../model/key/key.ts';
import { UnsignedDocument, type DocumentUse } from '../../model/key/unsigned-document.ts';
import type { ApduExchange } from './apdu.ts';
import { generalAuthenticate, putData, readSerial, requireRoom, setPinRetries, verify } from './commands.ts';
import * as P from './constants.ts';
import { contentOf, FILLED, isInUse, isUnfinished, readObject, slotNamed, type Look } from './look.ts';
import {
  authenticate,
  authenticateByFactoryKey,
  KEY_IS_STORED,
  newManagementKey,
  protectedObject,
  readStoredKey,
  setManagementKey,
  writePivmanData,
} from './management-key.ts';
import { readPublicKey } from './metadata.ts';
import { setNewPin } from './reference-data.ts';
import { documentInput, readSignature } from './sign.ts';
import { failure, signFailure, SW_SUCCESS, verifyResultOf } from './status.ts';

/** A long RSA key takes a YubiKey half a minute, and some far longer. */
const GENERATE_MS = 180_000;
/** How long a key may wait to be touched: a YubiKey gives up after 15 s by itself. */
const TOUCH_MS = 30_000;
/** What SET PIN RETRIES sets, which is what a card comes with. */
const FACTORY_TRIES = 3;

const USES: Readonly<Record<(typeof FILLED)[number], DocumentUse>> = {
  '9A': 'login',
  '9D': 'key-management',
  '9E': 'card',
};

/** For the keyring, and for the proof that the card is the one that was paired. They wait for nobody. */
const OTHER_KEYS: Readonly<Record<'9D' | '9E', Omit<NewKey, 'pinPolicy'> & { pinPolicy: 'once' | 'never' }>> =
  {
    '9D': { algorithm: 'p256', pinPolicy: 'once', touchPolicy: 'never' },
    '9E': { algorithm: 'p256', pinPolicy: 'never', touchPolicy: 'never' },
  };

interface Issuing {
  readonly exchange: ApduExchange;
  readonly look: Look;
  readonly order: IssueOrder;
  /** The PIN that is verified. */
  readonly pin: Pin;
  /** The card has a name already (CHUID). */
  readonly isNamed: boolean;
}

/** Before anything is sent. @throws AgentError `card-changed`, `cannot-set-up` */
export async function requireSameCard(exchange: ApduExchange, look: Look): Promise<void> {
  if ((await readSerial(exchange)) !== look.serial)
    throw new AgentError('card-changed', { detail: 'another serial number than before' });
  for (const name of FILLED) {
    const slot = slotNamed(name);
    const content = look.begun ? await contentOf(exchange, slot, look.hasMetadata) : null;
    const taken = look.begun
      ? content !== null && !isUnfinished(content)
      : await isInUse(exchange, slot, look.hasMetadata);
    if (taken)
      throw new AgentError('cannot-set-up', { say: `${name} has been filled by another program meanwhile` });
  }
}

/** With the PIN verified. @throws AgentError as CardIssuer.issue */
export async function issueCard(issuing: Issuing): Promise<Issued> {
  const { exchange, look } = issuing;
  await openAdministration(exchange, look, async () => {
    await putData(exchange, P.PIVMAN_OBJECT, writePivmanData({ ...look.pivman, begun: true }));
  });
  if (!issuing.isNamed) await nameCard(exchange);
  let publicKey: PublicKey | null = null;
  for (const name of FILLED) {
    const key = await fill(name, issuing);
    publicKey ??= key;
  }
  if (publicKey === null) throw new AgentError('internal', { detail: 'no key was made' });
  const request = issuing.order.wantsRequest
    ? await sign(
        UnsignedDocument.request({ use: 'login', publicKey, subject: { commonName: issuing.order.holder } }),
        '9A',
        issuing,
      )
    : null;
  await setSecrets(issuing);
  const flags = look.pivman.flags | KEY_IS_STORED;
  await putData(exchange, P.PIVMAN_OBJECT, writePivmanData({ flags, begun: false }));
  return { publicKey, request };
}

/**
 * Authenticates by the management key; one that is the factory's is replaced by one of the card's own, which the PIN opens.
 * @param begin done as soon as the card takes it, before anything else is
 * @throws AgentError `cannot-set-up` where the key is neither
 */
async function openAdministration(
  exchange: ApduExchange,
  look: Look,
  begin: () => Promise<void>,
): Promise<void> {
  const { managementAlgorithm: algorithm, secrets } = look;
  const printed = await readObject(exchange, P.DATA_OBJECT.PRINTED_INFORMATION);
  const stored = printed === null ? null : readStoredKey(printed);
  try {
    // What its metadata say saves a question; a card that does not say is asked.
    if (secrets.managementKey !== false && (await authenticateByFactoryKey(exchange, algorithm))) {
      if (printed !== null && stored === null)
        throw new AgentError('cannot-set-up', { say: 'it holds printed information (5FC109) of somebody' });
      await begin();
      await replaceFactoryKey(exchange, algorithm);
      return;
    }
    if (stored === null || !(await authenticate(exchange, algorithm, stored)))
      throw new AgentError('cannot-set-up', {
        say: "its management key is not the factory's, and not kept behind the PIN. Whoever changed it can reset the card (ykman piv reset), which deletes all its keys",
      });
    await begin();
  } finally {
    printed?.fill(0);
  }
}

async function replaceFactoryKey(exchange: ApduExchange, algorithm: number): Promise<void> {
  const key = newManagementKey(algorithm);
  try {
    const object = protectedObject(key.bytes);
    try {
      await putData(exchange, P.DATA_OBJECT.PRINTED_INFORMATION, object.bytes);
    } finally {
      object.release();
    }
    await setManagementKey(exchange, algorithm, key.bytes);
  } finally {
    key.release();
  }
}

/** FASC-N of a card outside of the federal government. SP 800-73-4 part 1, 3.1.2. */
const FASC_N = Buffer.from('d4e739da739ced39ce739d836858210842108421c84210c3eb', 'hex');
/** SP 800-73-4 part 1, table 9: YYYYMMDD; PIV middleware wants one, and nobody here reads it. */
const CHUID_EXPIRY = Buffer.from('20991231');

/** The CHUID, by which the card has a name, and before it the CCC: who finds a name finds both. */
async function nameCard(exchange: ApduExchange): Promise<void> {
  const one = (tag: number, hex: string): Buffer => writeTlv(tag, Buffer.from(hex, 'hex'));
  const container = Buffer.concat([
    // SP 800-73-4 part 1, table 8: GSC-RID, manufacturer, card type; then 14 bytes of the card's own.
    writeTlv(0xf0, Buffer.concat([Buffer.from('a000000116ff02', 'hex'), randomBytes(14)])),
    ...[one(0xf1, '21'), one(0xf2, '21'), one(0xf3, ''), one(0xf4, '00'), one(0xf5, '10')],
    ...[0xf6, 0xf7, 0xfa, 0xfb, 0xfc, 0xfd, P.ERROR_DETECTION_CODE].map((tag) => one(tag, '')),
  ]);
  await putData(exchange, P.DATA_OBJECT.CARD_CAPABILITY_CONTAINER, container);
  const guid = randomBytes(16);
  // RFC 4122, version 4: SP 800-73-4 part 1, 3.4.1 wants a valid one.
  guid[6] = ((guid[6] ?? 0) & 0x0f) | 0x40;
  guid[8] = ((guid[8] ?? 0) & 0x3f) | 0x80;
  const chuid = Buffer.concat([
    writeTlv(0x30, FASC_N),
    writeTlv(P.CHUID_GUID, guid),
    writeTlv(0x35, CHUID_EXPIRY),
    ...[0x3e, P.ERROR_DETECTION_CODE].map((tag) => one(tag, '')),
  ]);
  await putData(exchange, P.DATA_OBJECT.CARD_HOLDER_UNIQUE_IDENTIFIER, chuid);
}

/** A new key with a certificate that it signs itself, unless an earlier run has made both. @returns the public key */
async function fill(name: (typeof FILLED)[number], issuing: Issuing): Promise<PublicKey> {
  const { exchange, look, order } = issuing;
  const slot = slotNamed(name);
  const wanted = name === '9A' ? order.key : OTHER_KEYS[name];
  const before = look.begun ? await contentOf(exchange, slot, look.hasMetadata) : null;
  const kept = before?.certificate?.publicKey;
  if (kept !== undefined) {
    if (kept.algorithm === wanted.algorithm) return kept;
    throw new AgentError('cannot-set-up', {
      say: `its setup was begun with a key of ${kept.algorithm}: run the command again with --algorithm ${kept.algorithm}`,
    });
  }
  const publicKey = await generate(exchange, slot, wanted);
  const fields = {
    use: USES[name],
    publicKey,
    subject: { commonName: order.holder },
    nowMs: systemClock.nowMs(),
  };
  const certificate = await sign(UnsignedDocument.certificate(fields), name, issuing);
  await putCertificate(exchange, slot, certificate);
  return publicKey;
}

/** @param certificate DER */
export async function putCertificate(
  exchange: ApduExchange,
  slot: P.Slot,
  certificate: Uint8Array,
): Promise<void> {
  const parts = [
    writeTlv(P.CERTIFICATE, certificate),
    writeTlv(P.CERT_INFO, Buffer.from([0])),
    writeTlv(P.ERROR_DETECTION_CODE, Buffer.alloc(0)),
  ];
  await putData(exchange, slot.objectTag, Buffer.concat(parts));
}

async function generate(
  exchange: ApduExchange,
  slot: P.Slot,
  key: {
    readonly algorithm: NewKey['algorithm'];
    pinPolicy: 'never' | 'once' | 'always';
    touchPolicy: NewKey['touchPolicy'];
  },
): Promise<PublicKey> {
  const one = (tag: number, value: number): Buffer => writeTlv(tag, Buffer.from([value]));
  const control = Buffer.concat([
    one(P.MECHANISM, P.CRYPTOGRAPHIC_MECHANISM[key.algorithm]),
    one(P.PIN_POLICY_TAG, P.PIN_POLICY_NUMBER[key.pinPolicy]),
    one(P.TOUCH_POLICY_TAG, P.TOUCH_POLICY_NUMBER[key.touchPolicy]),
  ]);
  const { data, sw } = await exchange.send({
    ins: P.INS.GENERATE_ASYMMETRIC_KEY_PAIR,
    p1: 0,
    p2: slot.keyReference,
    data: writeTlv(P.CONTROL_REFERENCE_TEMPLATE, control),
    expected: 1024,
    patienceMs: GENERATE_MS,
  });
  requireRoom(sw);
  // ISO/IEC 7816-4: what stands in the data is not to its liking.
  if (sw === 0x6a80 || sw === 0x6a81)
    throw new AgentError('cannot-set-up', {
      say: `it makes no keys of ${key.algorithm} with these policies`,
    });
  if (sw !== SW_SUCCESS) throw failure('GENERATE ASYMMETRIC KEY PAIR', sw);
  try {
    return readPublicKey(key.algorithm, readOnly(data, P.PUBLIC_KEY_TEMPLATE));
  } catch (cause) {
    throw new AgentError('card-fault', { detail: 'GENERATE ASYMMETRIC KEY PAIR: no key came of it', cause });
  }
}

/** @returns the document, signed and verified: DER @throws AgentError `bad-proof`, `touch-timeout`, `card-fault` */
async function sign(
  document: UnsignedDocument,
  name: (typeof FILLED)[number],
  { exchange, order, pin }: Issuing,
): Promise<Buffer> {
  const { pinPolicy, touchPolicy } = name === '9A' ? order.key : OTHER_KEYS[name];
  if (pinPolicy === 'always') {
    // "PIN always" wants VERIFY right before; it was right a moment ago.
    const copy = pin.copy();
    const result = verifyResultOf(
      await copy.use((bytes) => verify(exchange, P.PIV_CARD_APPLICATION_PIN, bytes)),
    );
    if (!result.verified) throw result.error;
  }
  const wantsTouch = touchPolicy !== 'never';
  if (wantsTouch) order.beforeTouch();
  const { keyReference } = slotNamed(name);
  const mechanism = P.CRYPTOGRAPHIC_MECHANISM[document.publicKey.algorithm];
  const patienceMs = wantsTouch ? TOUCH_MS : undefined;
  const { data, sw } = await generalAuthenticate(
    exchange,
    mechanism,
    keyReference,
    documentInput(document),
    patienceMs,
  );
  if (sw !== SW_SUCCESS) throw signFailure(sw, wantsTouch);
  return document.signed(readSignature(data));
}

/** The PUK, then the PIN. */
async function setSecrets({ exchange, look, order, pin }: Issuing): Promise<void> {
  const { nextPin, nextPuk } = order;
  // Of a card that does not tell whether its PUK is the factory's a try would cost one: this way it is, and the PIN too.
  const resets = nextPuk !== null && look.secrets.puk === null;
  if (resets) await setPinRetries(exchange, FACTORY_TRIES, FACTORY_TRIES);
  if (nextPuk !== null)
    await withFactory(FACTORY_PUK, (old) =>
      setNewPin(exchange, P.PIV_CARD_APPLICATION_PIN, 'old-puk', old, nextPuk),
    );
  const wanted = nextPin ?? (resets ? pin : null);
  if (wanted === null) return;
  const change = (old: Pin) => setNewPin(exchange, P.PIV_CARD_APPLICATION_PIN, 'old-pin', old, wanted);
  if (resets) await withFactory(FACTORY_PIN, change);
  else await change(pin);
}

/** Lends a secret that is in manuals. */
async function withFactory<T>(secret: string, act: (pin: Pin) => Promise<T>): Promise<T> {
  const pin = new Pin(Buffer.from(secret));
  try {
    return await act(pin);
  } finally {
    pin.wipe();
  }
}

/** Puts a certificate of an authority in the place of the one that the key signed itself. With the PIN verified. */
export async function replaceCertificate(
  exchange: ApduExchange,
  look: Pick<Look, 'managementAlgorithm'>,
  name: string,
  certificate: Uint8Array,
): Promise<void> {
  const { managementAlgorithm: algorithm } = look;
  const printed = await readObject(exchange, P.DATA_OBJECT.PRINTED_INFORMATION);
  try {
    const stored = printed === null ? null : readStoredKey(printed);
    const open =
      (stored !== null && (await authenticate(exchange, algorithm, stored))) ||
      (await authenticateByFactoryKey(exchange, algorithm));
    if (!open)
      throw new AgentError('not-supported', {
        detail: "the management key is neither behind the PIN nor the factory's",
      });
    await putCertificate(exchange, slotNamed(name), certificate);
  } finally {
    printed?.fill(0);
  }
}
