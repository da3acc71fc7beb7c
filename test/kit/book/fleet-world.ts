// A machine of a fleet without the machine: the real table, book and login around a book file that somebody hostile writes,
// and a clock and name service that the test holds.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { ANSWER_MS, Fleet } from '../../../agent/book/fleet.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { BookedPairings } from '../../../agent/store/booked-pairings.ts';
import { SqliteBook } from '../../../agent/store/sqlite-book.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';
import { defaultPolicy, type Policy } from '../../../policy/policy.ts';
import { makeSigner, type Signer } from '../../unit/model/signer.ts';
import { FakeToken, PIN } from '../story/fakes.ts';
import { policyWith } from '../story/policy-with.ts';
import { runLogin, type Scene, type Seen } from '../story/run-login.ts';
import { headLine, NOW_S, officerLine, REALM, recordLine } from './make-book.ts';

/** Thousands of books are taken, and each is on the disk before it counts. */
const MEMORY = '/dev/shm';

/** Keys are made once: a hostile book is made of them thousands of times. */
export const olga = makeSigner('p256');
export const otto = makeSigner('p256');
export const oona = makeSigner('p256');
export const headKey = makeSigner('ed25519');
export const ada = makeSigner('p256');
export const mallory = makeSigner('p256');

export const alice = parseUsername('alice');

export type FleetSettings = Partial<Policy['fleet']>;

export class FleetWorld {
  readonly folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'scauth-fleet-'));
  readonly log: string[] = [];
  nowS = NOW_S;
  host = 'desk1.example.org';
  isRequired = false;
  /** By which the monotonic clock goes on at each look: nothing is remembered from one to the next. */
  stepMs = 2000;
  answerMs = ANSWER_MS;
  /** `user group` pairs. */
  readonly members = new Set<string>();
  /** Who has the uid 0, by any name. */
  isRoot: (user: string) => Promise<boolean | null> = (user) => Promise.resolve(user === 'root');
  #monotonicMs = 0;
  settings: FleetSettings;
  #policy: Policy;
  #state: StateDatabase;
  local: SqlitePairingTable;
  table: SqliteBook;
  fleet: Fleet;
  pairings: BookedPairings;

  constructor(settings: FleetSettings = {}) {
    mkdirSync(join(this.folder, 'carried'));
    this.settings = {
      realm: REALM,
      officers: [olga.publicKey.sha256, otto.publicKey.sha256],
      headKeys: [headKey.publicKey.sha256],
      ...settings,
    };
    this.#policy = policyWith({ fleet: this.settings });
    const made = this.#make();
    [this.#state, this.local, this.table, this.fleet, this.pairings] = made;
  }

  get bookPath(): string {
    return join(this.folder, 'carried/book');
  }

  get wantedPath(): string {
    return join(this.folder, 'fleet-wanted');
  }

  get policy(): Policy {
    return this.#policy;
  }

  #make() {
    const state = new StateDatabase(join(this.folder, 'scauth.db'));
    const local = new SqlitePairingTable(state);
    const table = new SqliteBook(state);
    const fleet = new Fleet({
      policy: () => this.#policy,
      table,
      directory: {
        isMember: (user, group) => Promise.resolve(this.members.has(`${user} ${group}`)),
        isRoot: (user) => this.isRoot(user),
      },
      clock: { nowMs: () => this.nowS * 1000, monotonicMs: () => (this.#monotonicMs += this.stepMs) },
      host: () => this.host,
      isRequired: () => this.isRequired,
      ...{ bookPath: this.bookPath, wantedPath: this.wantedPath },
      answerMs: () => this.answerMs,
      log: (line) => this.log.push(line),
    });
    const pairings = new BookedPairings({ local, book: table, now: () => fleet.now() });
    return [state, local, table, fleet, pairings] as const;
  }

  set(settings: FleetSettings): Promise<void> {
    this.settings = { ...this.settings, ...settings };
    this.#policy = policyWith({ fleet: this.settings }, defaultPolicy);
    return this.fleet.refresh();
  }

  /** As after a reboot: all that is kept is what is on the disk. */
  async restart(): Promise<void> {
    this.fleet.close();
    this.#state.close();
    [this.#state, this.local, this.table, this.fleet, this.pairings] = this.#make();
    await this.fleet.refresh();
  }

  /** Puts a book in place of the one that is there, as a carrier does, and waits until it is taken. */
  carry(...lines: readonly string[]): Promise<void> {
    const made = `${this.bookPath}.new`;
    writeFileSync(made, lines.map((line) => `${line}\n`).join(''));
    renameSync(made, this.bookPath);
    return this.fleet.refresh();
  }

  /** Whether alice is let in with this key, by the real login story. */
  login(by: Signer = ada, scene: Scene = {}): Promise<Seen> {
    return runLogin(null, {
      answers: [PIN],
      tokens: [new FakeToken(by)],
      pairings: this.pairings,
      lenient: true,
      policy: () => this.#policy,
      ...scene,
      parts: {
        book: this.fleet,
        clock: { nowMs: () => this.nowS * 1000, monotonicMs: () => 0 },
        ...scene.parts,
      },
    });
  }

  async outcome(by: Signer = ada): Promise<string> {
    return (await this.login(by)).outcome;
  }

  close(): void {
    this.fleet.close();
    this.#state.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function fleetWorld(t: ExecutionContext, settings: FleetSettings = {}): FleetWorld {
  const world = new FleetWorld(settings);
  t.teardown(() => {
    world.close();
  });
  return world;
}

export const olgaLine = officerLine(olga.publicKey, [olga]);
export const ottoLine = officerLine(otto.publicKey, [otto], { name: 'Otto', number: 2 });
export const adaLine = recordLine('alice', ada.publicKey, olga);
/** Officers, a head and alice's card. */
export const GOOD = [olgaLine, ottoLine, headLine(headKey), adaLine] as const;
