// The whole way: a signed book in slapd, scauth-fleet that fetches it, and what scauthd makes of the file, up to the login.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { bookLdif } from '../../../agent/model/book/book-ldif.ts';
import { FleetWorld } from '../book/fleet-world.ts';
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
    const ca = join(fleet.folder, 'ca.pem');
    copyFileSync(authority.certificate, ca);
    fleet.settings({ url: [url], base: SUFFIX, ca, ...settings });
    world.fleet.start();
    fleet.start(before);
  }

  /** As the guide does it: LDIF, and ldapmodify. */
  publish(lines: readonly string[]): void {
    this.#directory.modify(bookLdif(lines, { ...PLACE, haveClass: this.#directory.haveClass }));
  }

  async stop(): Promise<void> {
    await this.fleet.remove();
    this.world.close();
    await this.#slapd?.remove();
  }
}
