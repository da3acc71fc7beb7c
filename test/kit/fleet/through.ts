// The whole way: a signed book in slapd, scauth-fleet that fetches it, and what scauthd makes of the file, up to the login.

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { bookLdif } from '../../../agent/model/book/book-ldif.ts';
import { ada, adaLine, FleetWorld, GOOD, headKey, mallory, olgaLine, ottoLine } from '../book/fleet-world.ts';
import { headLine } from '../book/make-book.ts';
import { FleetProgram } from './program.ts';
import { baseLdif, BOOK_DN, personLdif, Slapd, SUFFIX } from './slapd.ts';

const PLACE = { book: BOOK_DN, people: `ou=people,${SUFFIX}`, userAttribute: 'uid' };

/** A directory that runs already. */
export interface RunningDirectory {
  readonly url: string;
  readonly authority: { readonly certificate: string };
  /** Words that put a program into its network. */
  readonly before: readonly string[];
  readonly haveClass: boolean;
  modify(ldif: string): unknown;
}

export class Through {
  readonly world = new FleetWorld();
  readonly fleet = new FleetProgram({ state: join(this.world.folder, 'carried'), run: this.world.folder });
  readonly #directory: RunningDirectory;
  readonly #slapd: Slapd | null;

  /** @param directory that has the book's entry and alice; without one it is a slapd of its own */
  constructor(directory?: RunningDirectory) {
    this.#slapd = directory === undefined ? new Slapd() : null;
    const made = directory ?? this.#slapd;
    if (made === null) throw new Error('never');
    this.#directory = made;
  }

  /** @param settings of [fleet], beside those of the directory */
  async start(
    lines: readonly string[],
    settings: Parameters<FleetProgram['settings']>[0] = {},
  ): Promise<void> {
    const { fleet, world } = this;
    this.#slapd?.load(baseLdif({ heads: [] }) + personLdif('alice', '0'.repeat(40)));
    await this.#slapd?.start();
    this.publish(lines);
    const { url, authority, before } = this.#directory;
    fleet.settings({ url: [url], base: SUFFIX, ca: fleet.trust(authority), ...settings });
    world.fleet.start();
    fleet.start(before);
  }

  /** As the guide does it: LDIF, and ldapmodify. */
  publish(lines: readonly string[]): void {
    this.#directory.modify(bookLdif(lines, { ...PLACE, haveClass: this.#directory.haveClass }));
  }

  /** A card is let in at its first login, since it is looked up meanwhile, and no more once a head has revoked it. */
  async untilRevoked(t: ExecutionContext): Promise<void> {
    const { fleet, world } = this;
    await fleet.until('officers and head', () => fleet.book().split('\n').length === 4);
    t.false(fleet.book().includes(adaLine), 'nobody has asked for this key');
    while (world.fleet.standing().head === null) await pause(20);
    t.is(await world.outcome(), 'granted');
    t.true(fleet.book().includes(adaLine), 'it was looked up while the login waited');
    t.not(await world.outcome(mallory), 'granted');
    const revoking = headLine(headKey, { epoch: 2, revoked: [ada.publicKey.pkhh] });
    this.publish([olgaLine, ottoLine, revoking, adaLine]);
    await fleet.until('the new head', () => fleet.book().includes(revoking));
    while ((await world.outcome()) === 'granted') await pause(50);
    // A directory that goes back to the old head brings nothing back.
    this.publish(GOOD);
    await fleet.until('the old head', () => !fleet.book().includes(revoking));
    await world.fleet.refresh();
    t.not(await world.outcome(), 'granted', 'what was revoked stays so');
  }

  async stop(): Promise<void> {
    await this.fleet.remove();
    this.world.close();
    await this.#slapd?.remove();
  }
}
