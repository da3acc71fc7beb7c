// The objects of OCSF that several of our classes share: user, actor, certificate, device, metadata. Every text from
// outside is cut to a length here; quoting is JSON's. Specification: OCSF 1.6.0 (https://schema.ocsf.io/1.6.0).

import { hostname } from 'node:os';
import { productVersion } from '../../base/product-version.ts';
import type { AuditedCause, AuditedKey } from '../../model/sealed-log/audit-event.ts';
import type { PeerCredentials } from '../../model/request.ts';

const OCSF_VERSION = '1.6.0';
const PRODUCT = { name: 'scauth', vendor_name: 'scauth', version: productVersion() };
/** Longest text from outside in a record. */
const MAX_TEXT = 512;

export function cut(text: string): string {
  // Half a surrogate pair, also one that the cut makes, is no JSON for other readers (jq stops there).
  return (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text).toWellFormed();
}

/** What is known of the process at the other end beside what the socket says. */
export interface Requester {
  /** The program's name and file, and the session of the process (proc(5)); null where it is gone. */
  readonly name: string | null;
  readonly path: string | null;
  readonly session: string | null;
  /** The uid that logged in (/proc/PID/loginuid); null where there is none. */
  readonly loginUid: number | null;
  /** Its controlling terminal, e.g. `pts/3`; null where it has none. */
  readonly terminal: string | null;
}

/** `user` wants a name or a uid; an unknown user has the uid "unknown". */
export function userOf(name: string | null): object {
  return name === null ? { uid: 'unknown' } : { name: cut(name) };
}

export function actorOf(peer: PeerCredentials | null, requester: Requester | null): object {
  if (peer === null) return { app_name: 'scauthd' };
  const { name = null, path = null, session = null, loginUid = null, terminal = null } = requester ?? {};
  return {
    process: {
      pid: peer.pid,
      ...(name === null ? {} : { name: cut(name) }),
      ...(path === null ? {} : { path: cut(path) }),
    },
    user: { uid: String(peer.uid), ...(loginUid === null ? {} : { uid_alt: String(loginUid) }) },
    ...(session === null && terminal === null
      ? {}
      : {
          session: {
            ...(session === null ? {} : { uid: cut(session) }),
            ...(terminal === null ? {} : { terminal: cut(terminal) }),
          },
        }),
  };
}

interface AuditedCertificate {
  readonly serial_number: string;
  readonly issuer: string;
}

function certificateOf(key: AuditedKey | null): AuditedCertificate | null {
  if (key?.certificateSerial == null) return null;
  return { serial_number: cut(key.certificateSerial), issuer: cut(key.certificateIssuer ?? '') };
}

/** OCSF has no place for a bare key: it goes to `unmapped`. */
export function keyOf(key: AuditedKey | null): Record<string, unknown> {
  if (key === null) return {};
  return { pkhh: key.pkhh, token: key.tokenId === null ? null : cut(key.tokenId) };
}

/** The attribute `certificate`, for classes that have it; nothing for a key without one. */
export function certificateAttribute(key: AuditedKey | null): { certificate?: AuditedCertificate } {
  const certificate = certificateOf(key);
  return certificate === null ? {} : { certificate };
}

export function metadataOf(kind: string): object {
  // `device` is an attribute of the profile.
  return {
    version: OCSF_VERSION,
    product: PRODUCT,
    profiles: ['host'],
    event_code: kind,
    log_name: 'audit.jsonl',
  };
}

export function deviceOf(): object {
  return { hostname: hostname(), type_id: 0 };
}

/** The login in which an event of its own was met: the classes for cards have no places for it. */
export function causeOf(cause: AuditedCause | undefined): Record<string, unknown> {
  if (cause === undefined) return {};
  const { requestId, service, tty, rhost } = cause;
  const short = (text: string | null): string | null => (text === null ? null : cut(text));
  return { request_id: requestId, service: cut(service), tty: short(tty), rhost: short(rhost) };
}
