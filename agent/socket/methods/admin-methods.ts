// What the methods of io.scauth do, and who may call them. Parameters are parsed here, once; upgraded calls are in
// admin-server.ts.

import { AgentError, asAgentError } from '../../base/errors.ts';
import { numbered, rowsBehind } from '../../base/slices.ts';
import type { AnchorSource, AuditLog } from '../../audit/interface.ts';
import { auditedKey } from '../../stories/card/audited-key.ts';
import { mayDriverServe } from '../../stories/card/driver-gate.ts';
import { guardAgainstShutOut } from '../../stories/enforcement/enforcement-plan.ts';
import { guardDriver } from '../../stories/enforcement/shut-out-by-settings.ts';
import { explainLogin } from '../../stories/explain/explain.ts';
import { explainEnforcement } from '../../stories/enforcement/explain-enforcement.ts';
import type { SessionSource } from '../../logind/interface.ts';
import { pairForUser, type PairingParts, type TrustedKey } from '../../stories/pair/pair.ts';
import type { HealthSource } from '../../model/health.ts';
import type { Account, Accounts } from '../../model/account.ts';
import { parseCertificateFile, parsePkhh } from '../../model/key.ts';
import { listed, type Pairing } from '../../model/pairing.ts';
import { parseUsername, type PeerCredentials, type Username } from '../../model/request.ts';
import type { PairingPlace } from '../../store/interface.ts';
import { CARD_READING_MS } from '../../token/interface.ts';
import { UNFIT_USE } from '../../words/pairing.ts';
import { enforcementMethod, type EnforcementMethodParts } from './enforcement-methods.ts';
import {
  listDrivers,
  listItems,
  listReaders,
  setDriverForLogin,
  type InventoryParts,
} from './inventory-methods.ts';
import { getHealth } from './health-methods.ts';
import type { Methods } from '../../protocol/io-scauth.ts';
import { disableKeyring, keyringOf, type KeyringMethodParts } from './keyring-methods.ts';
import { claim, stateFor, type MonitorParts } from '../monitor.ts';
import { pageOf } from './paging.ts';
import {
  InvalidParameter,
  onlyParameters,
  optionalFlag,
  optionalText,
  optionalTokenId,
  pageStart,
  PermissionDenied,
  requiredFlag,
  requiredNumber,
  requiredText,
} from './parameters.ts';
import { checkSettings, reloadSettings, type SettingsParts } from './settings-methods.ts';
import { getPrompt, setPrompt } from './prompt-methods.ts';
import { wireIdentity, wirePairing, wireToken } from './wire.ts';

export interface AdminParts
  extends PairingParts, KeyringMethodParts, InventoryParts, MonitorParts, SettingsParts {
  readonly enforcement: EnforcementMethodParts;
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  readonly anchors: AnchorSource;
  readonly sessions?: SessionSource;
  readonly version: string;
  /** Absent: nothing is known. */
  readonly health?: HealthSource;
}

type Parameters = Readonly<Record<string, unknown>>;

function requiredDays({ days }: Parameters): number {
  if (typeof days !== 'number' || !Number.isSafeInteger(days) || days < 0 || days > 3650)
    throw new InvalidParameter('days');
  return days;
}

export function requireRoot(peer: PeerCredentials): void {
  if (peer.uid !== 0) throw new PermissionDenied('root only');
}

/** The account that the caller is. @throws AgentError `unknown-user` */
export async function callerAccount(peer: PeerCredentials, accounts: Accounts): Promise<Account> {
  const account = await accounts.byUid(peer.uid);
  if (account === null) throw new AgentError('unknown-user', { detail: `no account has uid ${peer.uid}` });
  return account;
}

/** `user` if the caller may speak for them, else PermissionDenied; null: the caller. */
export async function userInScope(
  peer: PeerCredentials,
  user: string | null,
  accounts: Accounts,
): Promise<Username> {
  if (user === null) return (await callerAccount(peer, accounts)).name;
  const name = parseUsername(user);
  if (peer.uid === 0) return name;
  if ((await accounts.byName(name))?.uid !== peer.uid) throw new PermissionDenied('own account only');
  return name;
}

async function listPairings(
  peer: PeerCredentials,
  parameters: Parameters,
  parts: AdminParts,
): Promise<Methods['ListPairings']['reply']> {
  onlyParameters(parameters, ['user', 'after']);
  const asked = optionalText(parameters, 'user');
  const user = asked === null && peer.uid === 0 ? undefined : await userInScope(peer, asked, parts.accounts);
  const rows = rowsBehind(
    pairingPlace(parameters),
    (after, count) => parts.pairings.page(after, count, user),
    ({ user: name, pkhh }) => ({ user: name, pkhh }),
  );
  const { items, next } = await pageOf(rows, wirePairing);
  return { pairings: items, next: next === null ? null : `${next.user} ${next.pkhh}` };
}

/** Where a page of pairings begins: behind this user's with this hash. */
function pairingPlace(parameters: Parameters): PairingPlace | null {
  const after = optionalText(parameters, 'after');
  if (after === null) return null;
  const [user = '', pkhh = '', ...more] = after.split(' ');
  if (more.length > 0) throw new InvalidParameter('after');
  return { user: parseUsername(user), pkhh: parsePkhh(pkhh) };
}

async function listIdentities(
  peer: PeerCredentials,
  parameters: Parameters,
  parts: AdminParts,
): Promise<Methods['ListIdentities']['reply']> {
  onlyParameters(parameters, ['after']);
  const after = pageStart(parameters);
  const own = peer.uid === 0 ? null : (await callerAccount(peer, parts.accounts)).name;
  const tokens = await parts.tokens.present(CARD_READING_MS);
  const all = tokens.flatMap((token) => token.identities);
  const { items, next } = await pageOf(numbered(all, after), (identity) => {
    const users = parts.pairings.forKey(identity.publicKey.pkhh).map((pairing) => pairing.user);
    const visible = own === null ? users : users.filter((user) => user === own);
    return wireIdentity(identity, UNFIT_USE[identity.use], visible);
  });
  return { identities: items, next };
}

function trustedKey(parameters: Parameters): TrustedKey {
  const hash = optionalText(parameters, 'hash');
  const certificate = optionalText(parameters, 'certificate');
  if (hash !== null && certificate === null) return { kind: 'hash', pkhh: parsePkhh(hash) };
  if (certificate === null || hash !== null) throw new InvalidParameter('hash');
  const isPem = certificate.includes('-----BEGIN');
  const bytes = isPem ? Buffer.from(certificate, 'latin1') : Buffer.from(certificate, 'base64');
  return { kind: 'certificate', certificate: parseCertificateFile(bytes) };
}

async function addPairing(
  peer: PeerCredentials,
  parameters: Parameters,
  parts: AdminParts,
): Promise<Pairing> {
  requireRoot(peer);
  onlyParameters(parameters, ['user', 'hash', 'certificate']);
  const user = parseUsername(requiredText(parameters, 'user'));
  const key = trustedKey(parameters);
  if ((await parts.accounts.byName(user)) === null) throw new AgentError('unknown-user', { detail: user });
  return pairForUser(user, key, peer, parts);
}

async function unpair(peer: PeerCredentials, parameters: Parameters, parts: AdminParts): Promise<Pairing[]> {
  onlyParameters(parameters, ['user', 'hash', 'shutOut']);
  const hash = optionalText(parameters, 'hash');
  const user = await userInScope(peer, optionalText(parameters, 'user'), parts.accounts);
  const mayShutOut = optionalFlag(parameters, 'shutOut') && peer.uid === 0;
  const account = mayShutOut ? null : await parts.accounts.byName(user);
  if (account !== null) {
    const going = parts.pairings
      .forUser(user)
      .filter(({ pkhh }) => hash === null || pkhh === parsePkhh(hash));
    await guardAgainstShutOut(account, { without: going }, parts.enforcement);
  }
  const removed = parts.pairings.remove(user, hash === null ? null : parsePkhh(hash));
  if (removed.length === 0 && hash !== null) throw new AgentError('not-paired');
  for (const { pkhh, tokenId } of removed) {
    const key = auditedKey(pkhh, tokenId, null);
    await parts.audit.record({ kind: 'pairing-removed', user, actor: peer, key });
  }
  return removed;
}

async function explain(
  peer: PeerCredentials,
  parameters: Parameters,
  parts: AdminParts,
): Promise<Methods['Explain']['reply']> {
  onlyParameters(parameters, ['user', 'service', 'rhost']);
  const user = await userInScope(peer, optionalText(parameters, 'user'), parts.accounts);
  const service = requiredText(parameters, 'service');
  const rhost = optionalText(parameters, 'rhost');
  const account = await parts.accounts.byName(user);
  if (account === null) throw new AgentError('unknown-user', { detail: user });
  const gate = { drivers: () => parts.inventory.drivers(), table: parts.loginDrivers };
  const links = await explainLogin(
    { account, service, rhost, peer, inFull: peer.uid === 0 },
    {
      ...parts,
      readers: parts.inventory,
      enforcement: (asked, place) => explainEnforcement(asked, place, parts.enforcement),
      mayDriverServe: (driver, forService) => mayDriverServe(driver, forService, gate),
    },
  );
  return { user, links: [...links] };
}

/** Whose prompt it is: root speaks for the machine, others for themselves. */
async function promptUser(peer: PeerCredentials, parts: AdminParts): Promise<Username | null> {
  return peer.uid === 0 ? null : (await callerAccount(peer, parts.accounts)).name;
}

/**
 * Runs one plain call.
 * @returns the reply's parameters, or null when there is no such method (or it must be upgraded)
 * @throws InvalidParameter, PermissionDenied, AgentError
 */
export async function callMethod(
  method: string,
  peer: PeerCredentials,
  parameters: Parameters,
  parts: AdminParts,
): Promise<object | null> {
  switch (method as keyof Methods) {
    case 'ListTokens':
      onlyParameters(parameters, []);
      return { tokens: (await parts.tokens.present(CARD_READING_MS)).map(wireToken) };
    case 'ListIdentities':
      return listIdentities(peer, parameters, parts);
    case 'ListItems':
      onlyParameters(parameters, ['token', 'after']);
      return listItems(optionalTokenId(parameters), pageStart(parameters), parts);
    case 'ListDrivers':
      onlyParameters(parameters, []);
      return listDrivers(parts);
    case 'ListReaders':
      onlyParameters(parameters, []);
      return listReaders(parts);
    case 'SetDriverForLogin':
      requireRoot(peer);
      onlyParameters(parameters, ['driver', 'enabled', 'shutOut']);
      if (!requiredFlag(parameters) && !optionalFlag(parameters, 'shutOut'))
        await guardDriver(requiredText(parameters, 'driver'), parts.enforcement);
      await setDriverForLogin(requiredText(parameters, 'driver'), requiredFlag(parameters), peer, parts);
      return {};
    case 'ListPairings':
      return listPairings(peer, parameters, parts);
    case 'AddPairing':
      return { pairing: wirePairing(listed(await addPairing(peer, parameters, parts))) };
    case 'Unpair':
      return { removed: (await unpair(peer, parameters, parts)).map(listed).map(wirePairing) };
    case 'Explain':
      return explain(peer, parameters, parts);
    case 'GetKeyring':
      onlyParameters(parameters, ['user']);
      return keyringOf(await userInScope(peer, optionalText(parameters, 'user'), parts.accounts), parts);
    case 'DisableKeyring': {
      onlyParameters(parameters, ['user', 'hash']);
      const hash = optionalText(parameters, 'hash');
      const user = await userInScope(peer, optionalText(parameters, 'user'), parts.accounts);
      return { disabled: await disableKeyring(user, hash === null ? null : parsePkhh(hash), peer, parts) };
    }
    case 'GetHealth': {
      onlyParameters(parameters, ['days']);
      const user = peer.uid === 0 ? null : (await callerAccount(peer, parts.accounts)).name;
      return getHealth(requiredDays(parameters), user, parts);
    }
    case 'CheckSettings':
      requireRoot(peer);
      onlyParameters(parameters, []);
      return checkSettings(parts);
    case 'ReloadSettings':
      requireRoot(peer);
      onlyParameters(parameters, []);
      return reloadSettings(parts);
    case 'GetPairingPrompt':
      onlyParameters(parameters, ['token']);
      return getPrompt(await promptUser(peer, parts), optionalTokenId(parameters), parts);
    case 'SetPairingPrompt': {
      onlyParameters(parameters, ['enabled', 'token']);
      const wanted = { enabled: requiredFlag(parameters), token: optionalTokenId(parameters) };
      await setPrompt({ user: await promptUser(peer, parts), ...wanted }, peer, parts);
      return {};
    }
    case 'Monitor':
      onlyParameters(parameters, []);
      return stateFor(await callerAccount(peer, parts.accounts), parts);
    case 'Claim':
      onlyParameters(parameters, ['number']);
      return claim(await callerAccount(peer, parts.accounts), requiredNumber(parameters, 'number'), parts);
    case 'Pair':
    case 'VerifyPin':
    case 'ChangePin':
    case 'UnblockPin':
    case 'Rehearse':
    case 'EnableKeyring':
    case 'SignAnchor':
      throw new AgentError('invalid-argument', { say: 'call it with "upgrade": true' });
    default:
      return enforcementMethod(method, peer, parameters, parts.enforcement);
  }
}

/** Whether a failure is worth a line in the agent's log. */
export function isUnexpected(error: unknown): boolean {
  return (
    !(error instanceof InvalidParameter) &&
    !(error instanceof PermissionDenied) &&
    asAgentError(error).code === 'internal'
  );
}
