// What winscard's return values mean to us. Nothing above agent/pcsc sees one.
// Source: pcsclite.h and the comments in pcsc-lite's winscard.c.

import { AgentError, type AgentErrorCode } from '../base/errors.ts';
import * as C from './constants.ts';

const meanings = new Map<number, AgentErrorCode>([
  [C.SCARD_E_NO_SERVICE, 'no-service'],
  [C.SCARD_E_SERVICE_STOPPED, 'no-service'],
  [C.SCARD_E_INVALID_HANDLE, 'no-service'], // our context died with pcscd
  [C.SCARD_F_COMM_ERROR, 'no-service'], // libpcsclite: the socket to pcscd broke
  [C.SCARD_F_INTERNAL_ERROR, 'no-service'],
  [C.SCARD_P_SHUTDOWN, 'no-service'],
  [C.SCARD_E_SYSTEM_CANCELLED, 'no-service'],
  [C.SCARD_E_SERVER_TOO_BUSY, 'no-service'],
  [C.SCARD_E_NO_MEMORY, 'no-service'], // pcscd has no client slot left
  [C.SCARD_W_SECURITY_VIOLATION, 'not-authorised'],
  [C.SCARD_E_UNKNOWN_READER, 'no-card'],
  [C.SCARD_E_READER_UNAVAILABLE, 'no-card'],
  [C.SCARD_E_NO_READERS_AVAILABLE, 'no-card'],
  [C.SCARD_E_NO_SMARTCARD, 'no-card'],
  [C.SCARD_W_REMOVED_CARD, 'no-card'],
  [C.SCARD_W_RESET_CARD, 'card-reset'],
  [C.SCARD_W_UNPOWERED_CARD, 'card-reset'],
  [C.SCARD_E_SHARING_VIOLATION, 'card-busy'],
  [C.SCARD_E_TIMEOUT, 'card-timeout'],
  [C.SCARD_W_UNRESPONSIVE_CARD, 'card-fault'],
  [C.SCARD_W_UNSUPPORTED_CARD, 'card-fault'],
  [C.SCARD_E_PROTO_MISMATCH, 'card-fault'],
  [C.SCARD_E_NOT_TRANSACTED, 'card-fault'],
  [C.SCARD_E_NOT_READY, 'card-fault'],
  [C.SCARD_E_INSUFFICIENT_BUFFER, 'card-fault'], // a reply longer than an APDU can be
  [C.SCARD_E_CANCELLED, 'cancelled'],
]);

const names = new Map<number, string>(
  Object.entries(C).flatMap(([name, value]): [number, string][] =>
    /^SCARD_[EFPW]_/.test(name) && typeof value === 'number' ? [[value, name]] : [],
  ),
);

/** `SCARD_E_NO_SERVICE`, or the number in hex. */
function returnValueName(rv: number): string {
  return rv === C.SCARD_S_SUCCESS ? 'SCARD_S_SUCCESS' : (names.get(rv) ?? `0x${rv.toString(16)}`);
}

/** A failed call as an AgentError; a value that we do not know is a `card-fault`. */
export function pcscError(call: string, rv: number): AgentError {
  return new AgentError(meanings.get(rv) ?? 'card-fault', { detail: `${call}: ${returnValueName(rv)}` });
}

/** @throws AgentError unless `rv` is SCARD_S_SUCCESS */
export function checkReturn(call: string, rv: number): void {
  if (rv !== C.SCARD_S_SUCCESS) throw pcscError(call, rv);
}

/** Whether the context died (pcscd stopped or restarted), so that a new one may work. */
export function isContextLost(rv: number): boolean {
  return (
    rv === C.SCARD_E_INVALID_HANDLE ||
    rv === C.SCARD_E_NO_SERVICE ||
    rv === C.SCARD_E_SERVICE_STOPPED ||
    rv === C.SCARD_F_COMM_ERROR ||
    rv === C.SCARD_F_INTERNAL_ERROR
  );
}
