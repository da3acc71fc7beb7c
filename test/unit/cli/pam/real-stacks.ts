// Started by real-outcomes.ts in a mount namespace with PAM folders of its own: runs the services that standard input names
// (JSON) and prints what libpam said of each, as JSON.

import { readFileSync, writeSync } from 'node:fs';
import { asAgentError } from '../../../../agent/base/errors.ts';
import { authenticate, type PamOutcome } from '../../../../agent/accounts/libpam.ts';
import type { AskedService } from './real-outcomes.ts';

/** What pam_start says of files that it cannot read. */
const PAM_ABORT = 26;

async function outcomeOf({ service, user }: AskedService): Promise<PamOutcome> {
  try {
    return await authenticate(service, user, Buffer.from('x'), null);
  } catch (error) {
    if (asAgentError(error).detail !== `pam_start said ${PAM_ABORT}`) throw error;
    return { authenticate: PAM_ABORT, account: null, asked: false };
  }
}

const outcomes: PamOutcome[] = [];
for (const asked of JSON.parse(readFileSync(0, 'utf8')) as AskedService[])
  outcomes.push(await outcomeOf(asked));
writeSync(1, JSON.stringify(outcomes));
