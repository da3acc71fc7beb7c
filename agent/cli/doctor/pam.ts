// The PAM files: does a service lead to our line, in the right place, and has an update taken out what was there.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pam as say } from '../../words/doctor.ts';
import { ENABLE_PAM } from '../../words/repairs.ts';
import { judgeStack } from '../pam/line.ts';
import { MODULE } from '../pam/modules.ts';
import { servicesOfOurs } from '../pam/services.ts';
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
    .map((service) => ({ service, ...judgeStack(service, readStack(service, 'auth', root), root) }))
    .filter((verdict) => !verdict.ok)
    .map(({ service, detail, remedy }) => broken('PAM', `${service}: ${detail}`, remedy ?? ENABLE_PAM));
  return wrong.length > 0 ? wrong : [ok('PAM', say.good(services))];
}
