// The PAM files: does a service lead to our line, in the right place, and has an update taken out what was there.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pam as say } from '../../words/doctor.ts';
import { ENABLE_PAM } from '../../words/repairs.ts';
import { judgeStack } from '../pam/line.ts';
import { asksForPasswordOfWallet, isInstalled, MODULE, nameOf } from '../pam/modules.ts';
import { alternativeFiles, servicesOfOurs } from '../pam/services.ts';
import { readStack } from '../pam/stack.ts';
import { broken, ok, unknown, warning, type Check } from './check.ts';

/** What scauth-pam keeps of its last change: card logins were switched on there. */
const RECORDS = '/var/lib/scauth/pam';
const PROFILE = '/usr/share/pam-configs/scauth';

/**
 * Whether the last change by scauth-pam switched card logins on: it keeps the files as they were afterwards.
 * @returns null: this user may not look
 */
function wasEnabled(root: string): boolean | null {
  try {
    const records = readdirSync(join(root, RECORDS)).filter((name) =>
      existsSync(join(root, RECORDS, name, 'complete')),
    );
    const last = records.sort().at(-1);
    if (last === undefined) return false;
    const after = readFileSync(join(root, RECORDS, last, 'after/etc/pam.d/common-auth'), 'utf8');
    return /^[^#\n]*pam_scauth\.so/m.test(after);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? false : null;
  }
}

/** @param root where `/` is found; other than `/` in tests */
export function checkPam(root = '/'): Check[] {
  const services = servicesOfOurs(root);
  if (services.length === 0) {
    const enabled = wasEnabled(root);
    const repair = existsSync(join(root, PROFILE)) ? ENABLE_PAM : say.repairByHand(MODULE);
    if (enabled === true) return [broken('PAM', say.reset(MODULE), repair)];
    const none = warning('PAM', say.none(MODULE), repair);
    return enabled === null ? [none, unknown('PAM', RECORDS)] : [none];
  }
  const wrong = services
    .filter((service) => service !== GNOME_CARD)
    .map((service) => ({ service, ...judgeStack(service, readStack(service, 'auth', root), root) }))
    .filter((verdict) => !verdict.ok)
    .map(({ service, detail, remedy }) => broken('PAM', `${service}: ${detail}`, remedy ?? ENABLE_PAM));
  const first = wrong.length > 0 ? wrong : [ok('PAM', say.good(services))];
  return [...first, ...gnomeCard(services, root), ...walletsOf(services, root)];
}

/** GNOME asks by this service, and by no other, while a card is in that its PKCS#11 modules know. */
const GNOME_CARD = 'gdm-smartcard';
const GNOME_FILE = `/etc/scauth/${GNOME_CARD}`;

function gnomeCard(services: readonly string[], root: string): Check[] {
  if (!existsSync(join(root, '/etc/pam.d', GNOME_CARD))) return [];
  const leads = services.includes(GNOME_CARD);
  const verdict = judgeStack(GNOME_CARD, readStack(GNOME_CARD, 'auth', root), root);
  if (leads && verdict.ok) return [];
  // Chosen by hand, it stays what it is.
  const known = alternativeFiles(root).get(GNOME_CARD)?.includes(GNOME_FILE) === true;
  const repair = known ? `sudo update-alternatives --set ${GNOME_CARD} ${GNOME_FILE}` : ENABLE_PAM;
  return [warning('PAM', say.gnomeCard(GNOME_CARD, verdict.detail), repair)];
}

/** Modules behind us that want the account's password: they ask for it, or go without. */
function walletsOf(services: readonly string[], root: string): Check[] {
  const asking = new Map<string, string[]>();
  const quiet = new Map<string, string[]>();
  for (const service of services) {
    const { lines } = readStack(service, 'auth', root);
    const index = lines.findIndex((line) => nameOf(line) === MODULE);
    const silent = lines[index]?.args.includes('only_secret') === true;
    for (const line of lines
      .slice(index + 1)
      .filter((one) => asksForPasswordOfWallet(one) && isInstalled(one.module, root))) {
      const found = silent ? quiet : asking;
      const module = nameOf(line);
      found.set(module, [...(found.get(module) ?? []), service]);
    }
  }
  const asks = [...asking].map(([module, where]) =>
    warning('PAM', say.walletAsks(module, where), say.onlySecret(MODULE)),
  );
  return [...asks, ...[...quiet].map(([module, where]) => ok('PAM', say.walletGoesWithout(module, where)))];
}
