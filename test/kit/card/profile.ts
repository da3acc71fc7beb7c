// What a card is before it goes in: PINs, slots, certificates, ATR. From command-line flags, a JSON file, or a test's object.
// Each name in the JSON file is the flag's name without dashes in camel case; flags win over the file.
// ATR: ISO/IEC 7816-3 section 8.2; card capabilities (compact tag 73): ISO/IEC 7816-4 section 12.1.1.9.
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { numberedKey, testKey } from './algorithms.ts';
import { makeCertificate } from './certificate.ts';
import type { CertificateFields, Issuer } from './certificate.ts';
import { KEY_TYPES } from './constants.ts';
import type { KeyType } from './constants.ts';

/** One slot as a person writes it. Keys: `p256`, `p256:2` (those of a second card; any number), PEM text, or a PEM file's path. */
export interface SlotOptions {
  readonly key?: string;
  readonly cn?: string;
  /** The whole subject, `DC=com,CN=Users,CN=Ada`, instead of cn and organization (subject.ts). */
  readonly subject?: string;
  readonly organization?: string;
  readonly email?: string;
  readonly upn?: string;
  readonly certificateSerial?: string;
  /** Dates as ISO text. */
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** Common name of the issuing test CA; absent = self-signed. */
  readonly issuer?: string;
  /** PEM text or a PEM file's path, instead of a made one; `none` = the slot has a key and no certificate. */
  readonly certificate?: string;
  readonly gzip?: boolean;
}

/** A card as a person writes it. */
export interface CardOptions extends SlotOptions {
  readonly pin?: string;
  readonly puk?: string;
  readonly globalPin?: string;
  readonly pinTries?: number;
  readonly pukTries?: number;
  /** 32 hex digits. */
  readonly guid?: string;
  readonly serial?: number;
  /** Yubico firmware, `5.7.1` or `5.7`; `none` = a card without Yubico's instructions. */
  readonly firmware?: string;
  /** PIN usage policy, four hex digits, or `none`. */
  readonly discovery?: string;
  readonly extended?: boolean;
  readonly atr?: string;
  /** What the metadata say of 9A (`never`). */
  readonly touch?: 'never' | 'always' | 'cached';
  /** As it comes from the factory: no keys, no objects, PIN 123456 and PUK 12345678. */
  readonly factory?: boolean;
  /** Firmware 5.7's setting that refuses simple PINs and PUKs. */
  readonly pinComplexity?: boolean;
  readonly delayMs?: number;
  /** Slots, as hex: a list, or an object with what differs from the card's own options. */
  readonly slots?: readonly string[] | Readonly<Record<string, SlotOptions>>;
}

/** A filled slot. */
export interface SlotContent {
  readonly slot: number;
  readonly privateKey: KeyObject;
  /** DER. */
  readonly certificate: Buffer | null;
  readonly gzip: boolean;
}

/** A card with all choices made. */
export interface CardProfile {
  readonly pin: string;
  readonly puk: string;
  readonly globalPin: string | null;
  readonly pinTries: number;
  readonly pukTries: number;
  readonly guid: Buffer;
  readonly serial: number;
  readonly firmware: readonly number[];
  readonly yubico: boolean;
  readonly discovery: string | null;
  readonly extended: boolean;
  readonly atr: Buffer | null;
  readonly touch: 'never' | 'always' | 'cached';
  readonly factory: boolean;
  readonly pinComplexity: boolean;
  readonly delayMs: number;
  readonly origin: 'generated' | 'imported';
  readonly slots: readonly SlotContent[];
}

/** The four slots that SP 800-73 knows. */
const USUAL_SLOTS = ['9A', '9C', '9D', '9E'] as const;

/** Most of keys/*.pem have eight keys: four slots of two cards. */
const CARDS_WITH_TEST_KEYS = 2;

/** Which of a set of four test keys is a slot's own, so that no two usual slots share a key. */
function keyOffset(slot: number): number {
  const usual = USUAL_SLOTS.findIndex((one) => Number.parseInt(one, 16) === slot);
  return usual === -1 ? slot % 4 : usual;
}

/** YubiKey 5 ATR: OpenSC offers ECDSA only to cards that it knows. Historical bytes: 80, 73 C0 21 C0, 57 "YubiKey". */
const HISTORICAL = 'c021c0' + '57597562694b6579';

/**
 * The ATR of a card: a YubiKey 5's. Its third capability byte says C0: chaining and extended length; a card without
 * extended length says 80 there, and the check byte follows.
 */
export function defaultAtr(extended: boolean): Buffer {
  const atr = Buffer.from(`3bfd1300008131fe158073${HISTORICAL}00`, 'hex');
  if (!extended) atr[13] = 0x80;
  atr[atr.length - 1] = atr.subarray(1).reduce((sum, byte) => sum ^ byte, 0);
  return atr;
}

/** PEM text given as such or as a file's path. */
function pemText(source: string): string {
  return source.includes('-----BEGIN') ? source : readFileSync(source, 'utf8');
}

/**
 * A private key as a person names it: `p256` is the first card's test key for the slot, `p256:2` the second card's.
 * Those of further cards are made.
 * @throws Error that says what can be written
 */
export function readKey(source: string, slot: number): KeyObject {
  const [name, card = '1'] = source.split(':');
  const type: KeyType | undefined = KEY_TYPES.find((one) => one === name);
  if (type !== undefined && /^[1-9]\d{0,4}$/u.test(card)) {
    const number = (Number(card) - 1) * USUAL_SLOTS.length + keyOffset(slot) + 1;
    return Number(card) > CARDS_WITH_TEST_KEYS ? numberedKey(type, number) : testKey(type, number);
  }
  if (!source.includes('-----BEGIN') && !/[/.]/u.test(source))
    throw new Error(`unknown key ${source}: write one of ${KEY_TYPES.join(', ')}, or the path of a PEM file`);
  return createPrivateKey(pemText(source));
}

/** The CA that issues certificates for `issuer`; its own certificate is `makeCertificate(key, {cn, ca: true})`. */
export function testAuthority(cn: string): Issuer {
  return { cn, privateKey: testKey('ca', 1) };
}

function certificateOf(slot: number, options: SlotOptions, privateKey: KeyObject): Buffer | null {
  if (options.certificate === 'none' || privateKey.asymmetricKeyType === 'x25519') return null;
  if (options.certificate !== undefined) return new X509Certificate(pemText(options.certificate)).raw;
  const name = options.cn ?? 'Ada Lovelace';
  const purpose: Readonly<Partial<Record<number, string>>> = {
    0x9c: 'Signing',
    0x9d: 'Encryption',
    0x9e: 'Card',
  };
  const fields: CertificateFields = {
    cn: purpose[slot] === undefined ? name : `${name} (${purpose[slot]})`,
    ...(options.subject !== undefined && { subject: options.subject }),
    ...(options.organization !== undefined && { organization: options.organization }),
    ...(options.email !== undefined && { email: options.email }),
    ...(options.upn !== undefined && { upn: options.upn }),
    ...(options.certificateSerial !== undefined && { serial: options.certificateSerial }),
    ...(options.notBefore !== undefined && { notBefore: new Date(options.notBefore) }),
    ...(options.notAfter !== undefined && { notAfter: new Date(options.notAfter) }),
  };
  return makeCertificate(
    privateKey,
    fields,
    options.issuer === undefined ? null : testAuthority(options.issuer),
  );
}

/** The key of a slot that was given none: 9E is P-256, and a kind that only signs has no business in 9D. */
function usualKey(slot: number, cardKey: string): string {
  const [name, card] = cardKey.split(':');
  if (slot === 0x9a) return cardKey;
  const type = KEY_TYPES.find((one) => one === name) ?? 'p256';
  const own = slot === 0x9e || (slot === 0x9d && type === 'ed25519') ? 'p256' : type;
  return card === undefined ? own : `${own}:${card}`;
}

function slotContents(options: CardOptions): SlotContent[] {
  const wanted = options.slots ?? USUAL_SLOTS;
  const entries: readonly (readonly [string, SlotOptions])[] = Array.isArray(wanted)
    ? (wanted as readonly string[]).map((slot) => [slot, {}] as const)
    : Object.entries(wanted as Readonly<Record<string, SlotOptions>>);
  return entries.map(([text, own]) => {
    const slot = Number.parseInt(text, 16);
    const merged = { ...(slot === 0x9a ? options : withoutCertificate(options)), ...own };
    const privateKey = readKey(own.key ?? usualKey(slot, options.key ?? 'rsa2048'), slot);
    const certificate = certificateOf(slot, merged, privateKey);
    return { slot, privateKey, certificate, gzip: merged.gzip ?? false };
  });
}

/** A certificate given for the card belongs to 9A only; the other slots have other keys. */
function withoutCertificate(options: CardOptions): SlotOptions {
  const rest: Record<string, unknown> = { ...options };
  if (options.certificate !== 'none') delete rest['certificate'];
  delete rest['certificateSerial'];
  return rest;
}

/** @throws Error that says what can be written */
function readFirmware(text: string): number[] {
  if (!/^\d{1,3}(\.\d{1,3}){1,2}$/u.test(text))
    throw new Error(`'${text}' is no firmware: write 5.7 or 5.4.3, or none for a card that is not Yubico's`);
  return [...text.split('.').map(Number), 0].slice(0, 3);
}

/** @throws Error that says what can be written */
function readAtr(text: string): Buffer {
  const hex = text.replace(/[\s:]/gu, '');
  if (!/^3[BF]([0-9A-F]{2}){1,32}$/iu.test(hex))
    throw new Error(`'${text}' is no ATR: write 2 to 33 bytes in hex, the first of them 3B or 3F`);
  return Buffer.from(hex, 'hex');
}

/** Fills in all defaults. @throws Error for an unknown key, an unreadable file, a malformed number */
export function makeProfile(options: CardOptions = {}): CardProfile {
  const guid =
    options.guid === undefined
      ? createHash('sha256').update('scauth test card').digest().subarray(0, 16)
      : Buffer.from(options.guid.replaceAll('-', ''), 'hex');
  for (const pin of [options.pin, options.puk, options.globalPin])
    if (pin !== undefined && !/^.{1,8}$/u.test(pin))
      throw new Error('a PIN and a PUK have at most 8 characters');
  if (guid.length !== 16) throw new Error('the GUID is 16 bytes: write 32 hex digits');
  const yubico = options.firmware !== 'none';
  return {
    pin: options.pin ?? '123456',
    puk: options.puk ?? '12345678',
    globalPin: options.globalPin ?? null,
    pinTries: options.pinTries ?? 3,
    pukTries: options.pukTries ?? 3,
    guid,
    serial: options.serial ?? 12345678,
    firmware: yubico ? readFirmware(options.firmware ?? '5.7.1') : [0, 0, 0],
    yubico,
    discovery: options.discovery === 'none' ? null : (options.discovery ?? '4000'),
    extended: options.extended ?? false,
    atr: options.atr === undefined ? null : readAtr(options.atr),
    touch: options.touch ?? 'never',
    factory: options.factory ?? false,
    pinComplexity: options.pinComplexity ?? false,
    delayMs: options.delayMs ?? 0,
    origin: 'generated',
    slots: options.factory === true ? [] : slotContents(options),
  };
}
