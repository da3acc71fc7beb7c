// L2, L5: what npm run soak does 10,000 times.

import test from 'ava';
import { loginsUnderValgrind, SCRIPTS } from '../../soak/module-logins.ts';

const LOGINS = 50;

for (const script of Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[])
  test.serial(`no error and no leak in ${LOGINS} logins: ${script}`, async (t) => {
    t.is(await loginsUnderValgrind(script, LOGINS), SCRIPTS[script] ? LOGINS : 0);
  });
