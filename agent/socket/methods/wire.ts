// Our values as io.scauth sends them. Nothing secret has a place here.

import { toHex } from '../../base/bytes.ts';
import { printable } from '../../base/errors.ts';
import type { BookSource } from '../../model/book/book-state.ts';
import type { DriverInfo } from '../../model/card/driver.ts';
import type { ReaderDriverInfo, ReaderInfo, TrustWords } from '../../model/inventory.ts';
import type { FactorySecrets } from '../../model/card/factory-secrets.ts';
import type { ListedPairing } from '../../model/pairing.ts';
import type { Lost } from '../../model/lost.ts';
import type { PathLink } from '../../model/key/trust.ts';
import type { Identity } from '../../model/card/token.ts';
import type { Token } from '../../token/interface.ts';
import { factorySecretsNotes, factorySecretsText } from '../../words/factory-secrets.ts';
import { failureText } from '../../words/failures.ts';
import type {
  WireChainLink,
  WireDriver,
  WireIdentity,
  WireItem,
  WireLost,
  WirePairing,
  WireReader,
  WireReaderDriver,
  WireToken,
} from '../../protocol/io-scauth.ts';

/** The driver's own cap is shorter; a driver that was added may have none. */
const MAX_LABEL = 300;
/** More would hide the first. */
const MAX_NOTES = 20;

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

export function wireToken(token: Token): WireToken {
  const { triesLeft, triesTotal } = token.lastPinState;
  return {
    id: token.id,
    driver: token.driver,
    label: printable(token.label, MAX_LABEL),
    reader: printable(token.slot.reader),
    triesLeft,
    triesTotal,
    pukTriesLeft: token.lastPukState?.triesLeft ?? null,
    pukTriesTotal: token.lastPukState?.triesTotal ?? null,
    factory: factoryNames(token.factorySecrets),
    makesKeys: token.keys !== undefined,
    readAt: readAt(token),
    notes: [...factorySecretsNotes(token.factorySecrets, token.unblockPin !== undefined), ...token.notes]
      .slice(0, MAX_NOTES)
      .map((note) => printable(note)),
  };
}

function factoryNames({ pin, puk, managementKey }: FactorySecrets): string[] {
  const named = { pin, puk, 'management-key': managementKey };
  return Object.entries(named).flatMap(([name, isFactory]) => (isFactory === true ? [name] : []));
}

function readAt({ readAtMs }: Token): string | null {
  return readAtMs === undefined ? null : iso(readAtMs);
}

function wireChainLink({ subject, issuer, notBeforeMs, notAfterMs }: PathLink): WireChainLink {
  return {
    subject: printable(subject),
    issuer: printable(issuer),
    notBefore: iso(notBeforeMs),
    notAfter: iso(notAfterMs),
  };
}

export function wireItem(
  token: Token,
  identity: Identity,
  trust: TrustWords,
  unfit: string | null,
): WireItem {
  const { certificate, publicKey } = identity;
  return {
    token: token.id,
    reader: printable(token.slot.reader),
    readAt: readAt(token),
    slot: printable(identity.slot, 60),
    use: identity.use,
    algorithm: publicKey.algorithm,
    label: printable(identity.label, MAX_LABEL),
    hash: publicKey.pkhh,
    publicKey: publicKey.spki.toString('base64'),
    certificate: certificate === null ? null : certificate.der.toString('base64'),
    sslTrust: trust.ssl,
    x509Trust: trust.x509,
    trustDetail: trust.detail === null ? null : printable(trust.detail),
    chain: trust.chain.length === 0 ? null : trust.chain.map(wireChainLink),
    unfit,
  };
}

export function wireDriver(driver: DriverInfo, forLogin: boolean): WireDriver {
  return {
    id: printable(driver.id),
    version: printable(driver.version, 60),
    displayName: printable(driver.displayName),
    shortName: printable(driver.shortName),
    parent: driver.parent === null ? null : printable(driver.parent),
    uuid: driver.uuid === null ? null : printable(driver.uuid, 60),
    path: printable(driver.path, 300),
    timestamp: driver.changedAtMs === null ? null : iso(driver.changedAtMs),
    interfaceVersion: driver.interfaceVersion,
    state: driver.state,
    kind: driver.kind,
    uid: driver.uid,
    problems: driver.problems.slice(0, MAX_NOTES).map((problem) => printable(problem, 300)),
    builtIn: driver.builtIn,
    forLogin,
  };
}

export function wireReader({ name, state, atr, tokenId, error }: ReaderInfo): WireReader {
  return {
    name: printable(name),
    state,
    atr: atr === null ? null : toHex(atr),
    token: tokenId,
    error: error === null ? null : failureText(error),
  };
}

export function wireReaderDriver({ id, version, path }: ReaderDriverInfo): WireReaderDriver {
  const safeVersion = version === null ? null : printable(version, 60);
  return { id: printable(id), version: safeVersion, path: printable(path, 300) };
}

export function wireIdentity(
  token: Pick<Token, 'factorySecrets' | 'slot'>,
  identity: Identity,
  unfit: string | null,
  pairedWith: readonly string[],
): WireIdentity {
  const { certificate, publicKey } = identity;
  return {
    hash: publicKey.pkhh,
    label: printable(identity.label, MAX_LABEL),
    token: identity.tokenId,
    reader: printable(token.slot.reader),
    slot: identity.slot,
    use: identity.use,
    algorithm: publicKey.algorithm,
    commonName: certificate === null ? null : printable(certificate.holder),
    issuer: certificate === null ? null : printable(certificate.issuer),
    serial: certificate === null ? null : certificate.serialNumber,
    notBefore: certificate === null ? null : iso(certificate.notBeforeMs),
    notAfter: certificate === null ? null : iso(certificate.notAfterMs),
    unfit,
    warning: identity.use === 'authentication' ? factorySecretsText(token.factorySecrets) : null,
    pin: identity.pinPolicy ?? null,
    touch: identity.touch,
    pairedWith,
  };
}

export function wireLost({ kind, name, serial, user, by, atMs }: Lost): WireLost {
  return { kind, name, serial, user, by: printable(by), at: iso(atMs) };
}

export function wirePairing(pairing: ListedPairing): WirePairing {
  return {
    user: pairing.user,
    hash: pairing.pkhh,
    label: printable(pairing.label),
    token: pairing.tokenId,
    driver: pairing.driver,
    algorithm: pairing.key?.algorithm ?? null,
    sha256: pairing.key?.sha256 ?? null,
    keyKnown: pairing.key !== null,
    pairedBy: pairing.pairedBy,
    pairedAt: iso(pairing.pairedAtMs),
    lost: pairing.lost,
    book: pairing.book === undefined ? null : wireSource(pairing.book),
  };
}

function wireSource({ officer, officerKey, number, notAfterMs }: BookSource): WirePairing['book'] {
  return { officer, officerKey, number, notAfter: iso(notAfterMs) };
}
