// Data objects of the card: GET DATA and PUT DATA, and the contents of a fresh card (CHUID, CCC, discovery, key history).
// Holds bytes only; it does not know which key belongs to a certificate.
// Specification: SP 800-73-4 part 1 section 3 and appendix A, part 2 sections 3.1.2 and 3.3.2.
import { gzipSync } from 'node:zlib';
import {
  OBJECT,
  PIN_PROTECTED_OBJECTS,
  PIV_AID,
  SW,
  StatusError,
  certificateTag,
  success,
} from './constants.ts';
import type { Reply } from './constants.ts';
import { findTlv, parseTlvs, tlv } from './tlv.ts';

/** Largest data object, bytes; the real cards hold about 3 KiB, hostile ones of the tests more. */
const MAX_OBJECT = 0x200000;

/** Objects by tag (upper-case hex), as they stand inside the wrapper 53, except those marked `whole`. */
export class ObjectStore {
  readonly #objects = new Map<string, { readonly bytes: Buffer; readonly whole: boolean }>();

  /** Puts an object; empty bytes delete it. @param bytes what goes inside the wrapper 53 */
  set(tag: string, bytes: Buffer): void {
    this.#objects.set(tag.toUpperCase(), { bytes, whole: false });
  }

  /** Puts a whole reply to GET DATA, wrapper and all: discovery, and anything malformed. */
  setWhole(tag: string, bytes: Buffer): void {
    this.#objects.set(tag.toUpperCase(), { bytes, whole: true });
  }

  delete(tag: string): void {
    this.#objects.delete(tag.toUpperCase());
  }

  clear(): void {
    this.#objects.clear();
  }

  tags(): readonly string[] {
    return [...this.#objects.keys()].sort();
  }

  /** GET DATA. @throws StatusError 6A80, 6A82, 6982 */
  getData(body: Buffer, pinVerified: boolean): Reply {
    const objects = parseTlvs(body);
    const tag = objects === null ? null : findTlv(objects, 0x5c);
    if (tag === null || objects?.length !== 1) throw new StatusError(SW.INCORRECT_DATA);
    const key = tag.toString('hex').toUpperCase();
    if (PIN_PROTECTED_OBJECTS.has(key) && !pinVerified)
      throw new StatusError(SW.SECURITY_STATUS_NOT_SATISFIED);
    const object = this.#objects.get(key);
    if (object === undefined) throw new StatusError(SW.NOT_FOUND);
    return success(object.whole ? object.bytes : tlv(0x53, object.bytes));
  }

  /** PUT DATA; the administration key has been checked. An empty object is the same as none. */
  putData(body: Buffer): Reply {
    const objects = parseTlvs(body);
    const [tag, content] = objects ?? [];
    if (tag?.tag !== 0x5c || content?.tag !== 0x53 || tag.value.length !== 3 || objects?.length !== 2)
      throw new StatusError(SW.INCORRECT_DATA);
    if (content.value.length > MAX_OBJECT) throw new StatusError(SW.NOT_ENOUGH_MEMORY);
    const key = tag.value.toString('hex');
    if (content.value.length === 0) this.delete(key);
    else this.set(key, Buffer.from(content.value));
    return success();
  }

  /**
   * Puts a certificate into its slot's object: 70 (DER or gzip), 71 (CertInfo), FE. Part 1, appendix A, table 10.
   * @throws StatusError 6A86 where the slot has no certificate object
   */
  setCertificate(slot: number, der: Buffer, gzip = false): void {
    const tag = certificateTag(slot);
    if (tag === null) throw new StatusError(SW.INCORRECT_P1_P2);
    this.set(tag, certificateObject(gzip ? gzipSync(der) : der, gzip));
  }
}

/** The inside of a certificate object. @param bytes DER, or the gzip of it */
export function certificateObject(bytes: Buffer, gzip: boolean): Buffer {
  return Buffer.concat([tlv(0x70, bytes), tlv(0x71, Buffer.from([gzip ? 1 : 0])), tlv(0xfe)]);
}

/** FASC-N of a card outside the federal government. SP 800-73-4 part 1, section 3.1.2, TIG SCEPACS 2.2 encoding. */
const FASC_N = 'd4e739da739ced39ce739d836858210842108421c84210c3eb';

/** CHUID: FASC-N, GUID (16 bytes), expiry, empty signature. Part 1, table 9. */
export function chuid(guid: Buffer): Buffer {
  return Buffer.concat([
    tlv(0x30, Buffer.from(FASC_N, 'hex')),
    tlv(0x34, guid),
    tlv(0x35, Buffer.from('20491231')),
    tlv(0x3e),
    tlv(0xfe),
  ]);
}

/** Card capability container, as the cards that we copy fill it. Part 1, table 8. */
export function capabilityContainer(guid: Buffer): Buffer {
  const one = (tag: number, hex: string): Buffer => tlv(tag, Buffer.from(hex, 'hex'));
  return Buffer.concat([
    tlv(0xf0, Buffer.from('a000000116ff02', 'hex'), guid.subarray(0, 14)),
    one(0xf1, '21'),
    one(0xf2, '21'),
    one(0xf3, ''),
    one(0xf4, '00'),
    one(0xf5, '10'),
    ...[0xf6, 0xf7, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe].map((tag) => tlv(tag)),
  ]);
}

/** Discovery object with its PIN usage policy (two bytes as hex, such as 4000). Part 1, section 3.3.2. */
export function discovery(policy: string): Buffer {
  return tlv(0x7e, tlv(0x4f, PIV_AID), tlv(0x5f2f, Buffer.from(policy, 'hex')));
}

/** Key history: how many retired keys have their certificate on the card. Part 1, section 3.3.3. */
export function keyHistory(onCard: number): Buffer {
  return Buffer.concat([tlv(0xc1, Buffer.from([onCard])), tlv(0xc2, Buffer.alloc(1)), tlv(0xfe)]);
}

/** Fills a fresh card with the objects that every card has. @param policy null = no discovery object */
export function fillObjects(store: ObjectStore, guid: Buffer, policy: string | null, retired: number): void {
  store.set(OBJECT.CHUID, chuid(guid));
  store.set(OBJECT.CCC, capabilityContainer(guid));
  if (policy !== null) store.setWhole(OBJECT.DISCOVERY, discovery(policy));
  if (retired > 0) store.set(OBJECT.KEY_HISTORY, keyHistory(retired));
}
