// The story of `sc_auth lost`: who may say it of what → denial → audit → what the card had opened is locked and forgotten →
// what depended on it. The denial comes first, and nothing that fails behind it takes it back.
// Why: DECISIONS.md D210, D211.

import { AgentError, describeError } from '../../base/errors.ts';
import { rowsBehind, Slices } from '../../base/slices.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { Pkhh, PublicKey } from '../../model/key/key.ts';
import { serialOf, type Lost } from '../../model/lost.ts';
import type { ListedPairing } from '../../model/pairing.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import type { LostTable, PairingPlace } from '../../store/interface.ts';
import type { TokenSource } from '../../token/interface.ts';
import { note as say } from '../../words/lost.ts';
import { auditedKey } from '../card/audited-key.ts';
import type { KeyringParts } from '../card/keyring-parts.ts';
import { mapsCards } from '../card/find/mapped-card.ts';
import { planFor, type PlanParts } from '../enforcement/enforcement-plan.ts';

export interface LostParts extends Pick<PlanParts, 'policy' | 'pairings' | 'accounts' | 'clock'> {
  readonly lost: LostTable;
  readonly enforcement: PlanParts;
  readonly tokens: TokenSource;
  readonly keyring: Pick<KeyringParts, 'table'>;
  readonly audit: AuditLog;
  /** Locks the sessions that one of these keys has opened. @returns how many */
  readonly lockOpened: (isLost: (key: PublicKey, tokenId: string) => boolean) => Promise<number>;
  readonly log: (line: string) => void;
}

/** Exactly one of both is not null. */
export interface LostWhat {
  readonly pkhh: Pkhh | null;
  readonly serial: string | null;
}

export interface LostReport {
  readonly lost: readonly Lost[];
  readonly sessions: number;
  readonly notes: readonly string[];
}

/** @param user null: whoever @throws AgentError `store-unreadable` */
async function pairingsOf(what: LostWhat, user: Username | null, parts: LostParts): Promise<ListedPairing[]> {
  const found: ListedPairing[] = [];
  const slices = new Slices();
  const { pkhh, serial } = what;
  const users = pkhh === null || user !== null ? [user] : parts.pairings.forKey(pkhh).map((one) => one.user);
  for (const one of users) {
    const rows = rowsBehind<ListedPairing, PairingPlace>(
      null,
      (after, count) => parts.pairings.page(after, count, one ?? undefined),
      (row) => row,
    );
    for (const { one: row } of rows) {
      const isIt =
        pkhh === null ? row.tokenId !== null && serialOf(row.tokenId) === serial : row.pkhh === pkhh;
      if (isIt) found.push(row);
      await slices.giveWay();
    }
  }
  return found;
}

/** Those of the card with this number that are in a reader now. */
async function keysInReaders(serial: string, { tokens }: LostParts): Promise<Pkhh[]> {
  const present = await tokens.present(0).catch(() => []);
  return present
    .filter(({ id }) => serialOf(id) === serial)
    .flatMap(({ identities }) => identities.map(({ publicKey }) => publicKey.pkhh));
}

/**
 * @param user whose pairings it is about; null: root speaks of whatever it is
 * @throws AgentError `not-paired` (it is none of the user's), `already-lost`, `store-unreadable`
 */
export async function sayLost(
  what: LostWhat,
  user: Username | null,
  by: string,
  actor: PeerCredentials,
  parts: LostParts,
): Promise<LostReport> {
  const paired = await pairingsOf(what, user, parts);
  if (user !== null && paired.length === 0) throw new AgentError('not-paired');
  const { pkhh, serial } = what;
  const atMs = parts.clock.nowMs();
  const keys = new Map<Pkhh, Lost>();
  const addKey = (name: Pkhh, of: Pick<Lost, 'serial' | 'user'>): void => {
    if (!keys.has(name)) keys.set(name, { kind: 'key', name, ...of, by, atMs });
  };
  for (const one of paired)
    addKey(one.pkhh, { user: one.user, serial: one.tokenId === null ? null : serialOf(one.tokenId) });
  if (pkhh !== null) addKey(pkhh, { user, serial: null });
  const cards: Lost[] = [];
  // A card's number is its own word: a user with a card of the same number would shut somebody else out by it.
  if (serial !== null && user === null) {
    for (const name of await keysInReaders(serial, parts)) addKey(name, { user: null, serial });
    cards.push({ kind: 'card', name: serial, serial, user: paired[0]?.user ?? null, by, atMs });
  }
  const lost = parts.lost.sayLost([...cards, ...keys.values()]);
  if (lost.length === 0) throw new AgentError('already-lost');
  await record('card-lost', lost, paired, actor, parts);
  const sessions = await lock(lost, parts);
  return { lost, sessions, notes: await notesOf(what, paired, actor, parts) };
}

/** It is so already: a log that cannot be written keeps no lost card in use. */
async function record(
  kind: 'card-lost' | 'card-found',
  all: readonly Lost[],
  paired: readonly ListedPairing[],
  actor: PeerCredentials,
  { audit, log }: Pick<LostParts, 'audit' | 'log'>,
): Promise<void> {
  for (const { kind: of, name, serial, user } of all) {
    const pairing = paired.find((one) => one.pkhh === name);
    const key = of === 'key' ? auditedKey(name as Pkhh, pairing?.tokenId ?? null, null) : null;
    await audit.record({ kind, user, actor, key, serial }).catch((error: unknown) => {
      log(`${kind} ${name}: not in the audit log: ${describeError(error)}`);
    });
  }
}

async function lock(lost: readonly Lost[], { lockOpened, log }: LostParts): Promise<number> {
  const names = new Set(lost.map(({ kind, name }) => `${kind} ${name}`));
  try {
    return await lockOpened(
      ({ pkhh }, tokenId) =>
        names.has(`key ${pkhh}`) ||
        names.has(`card ${tokenId.slice(tokenId.indexOf(':') + 1).toUpperCase()}`),
    );
  } catch (error) {
    log(`the sessions of a lost card were not locked: ${describeError(error)}`);
    return 0;
  }
}

/** What was sealed to the card is of no use to its owner any more, and of use to who has found it. */
async function dropSeal(
  { user, pkhh, tokenId }: ListedPairing,
  actor: PeerCredentials,
  { keyring, audit, log }: LostParts,
): Promise<boolean> {
  try {
    if (keyring.table.dropSecrets(user, pkhh).length === 0) return false;
    const key = auditedKey(pkhh, tokenId, null);
    await audit.record({ kind: 'keyring', action: 'disabled', user, actor, key, detail: 'card-lost' });
  } catch (error) {
    log(`the keyring of ${user}: ${describeError(error)}`);
  }
  return true;
}

async function notesOf(
  { pkhh }: LostWhat,
  paired: readonly ListedPairing[],
  actor: PeerCredentials,
  parts: LostParts,
): Promise<string[]> {
  const notes: string[] = [];
  if (paired.length === 0) notes.push(say.nobody);
  for (const pairing of paired)
    if (await dropSeal(pairing, actor, parts)) notes.push(say.keyring(pairing.user));
  for (const user of new Set(paired.map((one) => one.user))) {
    if (parts.pairings.cardsOf(user).some(({ lost }) => !lost)) continue;
    notes.push(say.onlyCard(user));
    notes.push(...(await enforcedNotes(user, parts)));
  }
  if (actor.uid === 0 && pkhh === null && mapsCards(parts.policy())) notes.push(say.mapping);
  return notes;
}

/** The denial is not refused for it: but somebody has to let them in. */
async function enforcedNotes(
  user: Username,
  { enforcement: plan, accounts, log }: LostParts,
): Promise<string[]> {
  if (!plan.enforcement.isOn) return [];
  try {
    const account = await accounts.byName(user);
    if (account === null) return [];
    const { keptInBy, exemption } = await planFor(account, plan);
    if (keptInBy === null) return [say.enforced(user)];
    return exemption === null
      ? []
      : [say.exempt(user, new Date(exemption.untilMs).toISOString().slice(0, 10))];
  } catch (error) {
    log(`what enforcement means for ${user} is not known: ${describeError(error)}`);
    return [];
  }
}

/**
 * Root takes it back.
 * @throws AgentError `not-lost`, `store-unreadable`; what the audit log throws: then it stays lost
 */
export async function sayFound(
  { pkhh, serial }: LostWhat,
  actor: PeerCredentials,
  parts: LostParts,
): Promise<{ readonly found: readonly Lost[]; readonly notes: readonly string[] }> {
  const found = parts.lost.sayFound(pkhh, serial);
  if (found.length === 0) throw new AgentError('not-lost');
  try {
    for (const { kind, name, serial: of, user } of found) {
      const key = kind === 'key' ? auditedKey(name as Pkhh, null, null) : null;
      await parts.audit.record({ kind: 'card-found', user, actor, key, serial: of });
    }
  } catch (error) {
    parts.lost.sayLost(found);
    throw error;
  }
  const serials = found.flatMap(({ serial: of }) => (of === null ? [] : [of]));
  const still = serial === null && serials.length > 0 ? parts.lost.lostBy(null, serials) : null;
  return { found, notes: still === null ? [] : [say.cardStays(still.name)] };
}
