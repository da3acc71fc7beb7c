// Our values as io.scauth sends them. Nothing secret has a place here.

import { printable } from '../base/errors.ts';
import type { Pairing } from '../model/pairing.ts';
import type { Identity } from '../model/token.ts';
import type { Token } from '../token/interface.ts';
import type { WireIdentity, WirePairing, WireToken } from './io-scauth.ts';

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

export function wireToken(token: Token): WireToken {
  const { triesLeft, triesTotal } = token.lastPinState;
  return {
    id: token.id,
    driver: token.driver,
    label: token.label,
    reader: printable(token.slot.reader),
    triesLeft,
    triesTotal,
  };
}

export function wireIdentity(
  identity: Identity,
  unfit: string | null,
  pairedWith: readonly string[],
): WireIdentity {
  const { certificate, publicKey } = identity;
  return {
    hash: publicKey.pkhh,
    label: identity.label,
    token: identity.tokenId,
    slot: identity.slot,
    use: identity.use,
    algorithm: publicKey.algorithm,
    commonName: certificate === null ? null : printable(certificate.commonName),
    issuer: certificate === null ? null : printable(certificate.issuer),
    serial: certificate === null ? null : certificate.serialNumber,
    notBefore: certificate === null ? null : iso(certificate.notBeforeMs),
    notAfter: certificate === null ? null : iso(certificate.notAfterMs),
    unfit,
    pairedWith,
  };
}

export function wirePairing(pairing: Pairing): WirePairing {
  return {
    user: pairing.user,
    hash: pairing.pkhh,
    label: printable(pairing.label),
    token: pairing.tokenId,
    driver: pairing.driver,
    algorithm: pairing.publicKey?.algorithm ?? null,
    sha256: pairing.publicKey?.sha256 ?? null,
    keyKnown: pairing.publicKey !== null,
    pairedBy: pairing.pairedBy,
    pairedAt: iso(pairing.pairedAtMs),
  };
}
