// L2, L5: 10,000 logins of the module of each kind under valgrind. SOAK_LOGINS: how many, 10,000 if it is not set.

import test from 'ava';
import { loginsUnderValgrind, SCRIPTS } from './module-logins.ts';

const LOGINS = Number(process.env['SOAK_LOGINS'] ?? 10_000);

for (const script of Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[])
  test.serial(`no error and no leak in ${LOGINS} logins: ${script}`, async (t) => {
    t.is(await loginsUnderValgrind(script, LOGINS), SCRIPTS[script] ? LOGINS : 0);
  });
