// The pairing table as the login story sees it. Synchronous: a lookup is one indexed read on a local file.

import type { BookHead, BookOfficer, BookRecord, KeptRecord } from '../model/book/book-state.ts';
import type { DeskRecord } from '../model/secret/help-desk.ts';
import type { KeptSecret } from '../model/secret/keyring.ts';
import type { CardLogin, CodeHash, EnforcementState, Exemption } from '../model/enforcement.ts';
import type { ListedPairing, PairedCardFacts, Pairing } from '../model/pairing.ts';
import type { Pkhh, PublicKey } from '../model/key/key.ts';
import type { Lost } from '../model/lost.ts';
import type { PromptScope } from '../model/pairing-prompt.ts';
import type { Username } from '../model/request.ts';

/** Where a list of pairings goes on. Lists are read by key, a slice at a time: no table is ever held whole. */
export type PairingPlace = Pick<Pairing, 'user' | 'pkhh'>;

/** Where a list of what is lost goes on. */
export type LostPlace = Pick<Lost, 'kind' | 'name'>;

/** What was said to be lost (`sc_auth lost`). All @throws AgentError `store-unreadable`. */
export interface LostTable {
  /**
   * @param pkhh of the key; null: any
   * @param serials of the card, by its own word and by what is kept of it
   * @returns null: neither was said to be lost
   */
  lostBy(pkhh: Pkhh | null, serials: readonly string[]): Lost | null;
  /** By kind and name, those behind `after`, at most `count`. */
  lostPage(after: LostPlace | null, count: number): Lost[];
  /** @returns those that were not there yet */
  sayLost(all: readonly Lost[]): Lost[];
  /** The key, and all of the card with this serial number. @returns what was there */
  sayFound(pkhh: Pkhh | null, serial: string | null): Lost[];
}

export interface PairingTable extends Pick<LostTable, 'lostBy'> {
  /** 16 random bytes, made with the table: names this machine in challenges. */
  hostId(): Buffer;
  /**
   * The user's pairings, oldest first; empty when there is none.
   * @throws AgentError `store-unreadable`: not the same as "not paired"
   */
  forUser(user: Username): Pairing[];
  /** All pairings with this hash, any user. @throws AgentError `store-unreadable` */
  forKey(pkhh: Pkhh): Pairing[];
  /**
   * Whether the account has, or had, a card by which it is known here: what a directory withholds, or what has run out,
   * takes no duty off it. @throws AgentError `store-unreadable`
   */
  isBound(user: Username): boolean;
  /** Whether nobody is paired with anything. @throws AgentError `store-unreadable` */
  isEmpty(): boolean;
  /** By user and hash, those behind `after`, at most `count`. @throws AgentError `store-unreadable` */
  page(after: PairingPlace | null, count: number, user?: Username): ListedPairing[];
  /** As `page`, of all users. @throws AgentError `store-unreadable` */
  cardPage(after: PairingPlace | null, count: number): PairedCardFacts[];
  /** The user's, without their keys: whoever looks at thousands of people parses none. @throws AgentError `store-unreadable` */
  cardsOf(user: Username): PairedCardFacts[];
  /** Who has a pairing, by name, those behind `after`, at most `count`. @throws AgentError `store-unreadable` */
  userPage(after: Username | null, count: number): Username[];
  /**
   * @throws AgentError `already-paired` (this user, this key), `key-conflict` (the hash names another key),
   * `store-unreadable`
   */
  add(pairing: Pairing): void;
  /**
   * Fixes the whole key of a pairing that was made from a hash alone.
   * @throws AgentError `key-conflict` when one is fixed already, `not-paired`, `store-unreadable`
   */
  fixKey(user: Username, pkhh: Pkhh, key: PublicKey): void;
  /** Removes the pairings of `user` (with `pkhh`: only that one) and returns them. @throws AgentError `store-unreadable` */
  remove(user: Username, pkhh: Pkhh | null): Pairing[];
  /** When the user's pairings were last used, in ms since 1970; those that never were are not in it. @throws AgentError `store-unreadable` */
  lastUses(user: Username): ReadonlyMap<Pkhh, number>;
  /** Notes a use; nothing happens where there is no such pairing (any more). @throws AgentError `store-unreadable` */
  noteUse(user: Username, pkhh: Pkhh, atMs: number): void;
  /** Whether the pairing prompt was switched on or off there; null: never. @throws AgentError `store-unreadable` */
  promptSetting(scope: PromptScope): boolean | null;
  /** @throws AgentError `store-unreadable` */
  setPrompt(scope: PromptScope, enabled: boolean): void;
}

/** What is sealed to cards for login keyrings; it goes with its pairing. */
export interface KeyringTable {
  /** The user's, one a pairing at most. @throws AgentError `store-unreadable` */
  secretsOf(user: Username): KeptSecret[];
  /** Keeps it in the place of what was there. @throws AgentError `not-paired`, `store-unreadable` */
  keepSecret(secret: KeptSecret): void;
  /** @param pkhh null: all of the user's @returns the pairings that had one @throws AgentError `store-unreadable` */
  dropSecrets(user: Username, pkhh: Pkhh | null): Pkhh[];
}

/** Which token drivers may run before anybody has logged in (`sc_auth enable-for-login`). */
export interface LoginDriverTable {
  /** null: the administrator has not said. @throws AgentError `store-unreadable` */
  loginDriver(id: string): boolean | null;
  /** @throws AgentError `store-unreadable` */
  setLoginDriver(id: string, enabled: boolean): void;
}

/** What this machine keeps so that a help desk can give a card a new PIN (model/secret/help-desk.ts). All @throws AgentError `store-unreadable`. */
export interface DeskTable {
  /** @returns null: nothing is kept for the card with this key */
  deskRecord(pkhh: Pkhh): DeskRecord | null;
  /** @param record null: nothing from now on */
  keepDeskRecord(pkhh: Pkhh, record: DeskRecord | null): void;
}

/** When people were told that a certificate is about to end. */
export interface ExpiryNotices {
  /** Milliseconds since 1970; null: never. @throws AgentError `store-unreadable` */
  expiryTold(user: Username, pkhh: Pkhh): number | null;
  /** @throws AgentError `store-unreadable` */
  noteExpiryTold(user: Username, pkhh: Pkhh, atMs: number): void;
}

/** What `sc_auth enforce` has set, and the card logins that it goes by. All @throws AgentError `store-unreadable`. */
export interface EnforcementTable {
  enforcement(): EnforcementState;
  /** @param code the break-glass code from now on; null: none; left out: the one that there is */
  setEnforcement(state: EnforcementState, code?: CodeHash | null): void;
  /** An ended one too. */
  exemptionOf(user: Username): Exemption | null;
  /** Ended ones too, by user, those behind `after`, at most `count`. */
  exemptionPage(after: Username | null, count: number): Exemption[];
  /** Replaces the one that the account has. */
  exempt(exemption: Exemption): void;
  /** @returns false when there was none */
  unexempt(user: Username): boolean;
  breakGlass(): CodeHash | null;
  setBreakGlass(code: CodeHash | null): void;
  cardLogins(user: Username): CardLogin[];
  /** The last one of anybody's from then on. */
  lastCardLogin(sinceMs: number): CardLogin | null;
  noteCardLogin(login: CardLogin): void;
}

/** Where a list of the book's records goes on. */
export type RecordPlace = Pick<KeptRecord, 'user' | 'pkhh' | 'officer'>;

export interface KeptLine extends Pick<KeptRecord, 'present'> {
  /** SHA-256 of the line, 64 lower-case hex digits. */
  readonly name: string;
}

/** What is kept of the pairing book; it decides nothing. All @throws AgentError `store-unreadable`. */
export interface BookTable {
  /** null: none was ever taken. */
  head(): BookHead | null;
  setHead(head: BookHead): void;
  /** The latest time that this machine was seen to have; 0: none. */
  newestMs(): number;
  noteNewest(ms: number): void;
  /**
   * For whom the rest is: where the pins are others than before, officers and records go, and another realm begins its
   * epochs anew. What was revoked stays.
   * @returns false: everything is as it was
   */
  setPins(pins: string, realm: string): boolean;
  officers(): BookOfficer[];
  /** Unless one of this key with a higher number is there. @returns false then */
  keepOfficer(officer: BookOfficer): boolean;
  /** Which lines were verified and are kept, by name. */
  linePage(after: string | null, count: number): KeptLine[];
  /** In one transaction; those with a lower number than the same officer's of this user and key are left out. @returns how many were new */
  keepRecords(records: readonly BookRecord[]): number;
  records(): number;
  recordPage(after: RecordPlace | null, count: number): KeptRecord[];
  recordsOf(user: Username): KeptRecord[];
  recordsByKey(pkhh: Pkhh): KeptRecord[];
  /** Whether the book still has them; in one transaction. @returns how many are kept, and were otherwise */
  markLines(names: readonly string[], present: boolean): number;
  markScope(place: RecordPlace, inScope: boolean): void;
  /** @param names of keys by their hashes, of items as `#` and their number @returns how many are new */
  revoke(names: readonly string[]): number;
  isRevoked(names: readonly string[]): boolean;
  /** Says no to the book on this machine. */
  deny(user: Username, pkhh: Pkhh): void;
  undeny(user: Username, pkhh: Pkhh): void;
  usesOf(user: Username): ReadonlyMap<Pkhh, number>;
  noteBookUse(user: Username, pkhh: Pkhh, atMs: number): void;
}

/** What of the book counts at this moment. */
export interface BookNow {
  readonly nowMs: number;
  /** By SHA-256 of their keys: those who may sign records for this machine now. */
  readonly officers: ReadonlyMap<string, BookOfficer>;
}
