// The whole way: a signed book in slapd, scauth-fleet that fetches it, and what scauthd makes of the file, up to the login.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { bookLdif } from '../../../agent/model/book/book-ldif.ts';
import { FleetWorld } from '../book/fleet-world.ts';
import { FleetProgram } from './program.ts';
import { baseLdif, BOOK_DN, personLdif, Slapd, SUFFIX } from './slapd.ts';

const PLACE = { book: BOOK_DN, people: `ou=people,${SUFFIX}`, userAttribute: 'uid' };

export class Through {
  readonly slapd = new Slapd();
  readonly world = new FleetWorld();
  readonly fleet = new FleetProgram({ state: join(this.world.folder, 'carried'), run: this.world.folder });

  /** @param settings of [fleet], beside those of the directory */
  async start(
    lines: readonly string[],
    settings: Parameters<FleetProgram['settings']>[0] = {},
  ): Promise<void> {
    const { slapd, fleet, world } = this;
    slapd.load(baseLdif({ heads: [] }) + personLdif('alice', '0'.repeat(40)));
    await slapd.start();
    this.publish(lines);
    const ca = join(fleet.folder, 'ca.pem');
    copyFileSync(slapd.authority.certificate, ca);
    fleet.settings({ url: [slapd.url], base: SUFFIX, ca, ...settings });
    world.fleet.start();
    fleet.start();
  }

  /** As the guide does it: LDIF, and ldapmodify. */
  publish(lines: readonly string[]): void {
    this.slapd.modify(bookLdif(lines, PLACE));
  }

  async stop(): Promise<void> {
    await this.fleet.remove();
    this.world.close();
    await this.slapd.remove();
  }
}
