// What is wrong with token drivers by scauthd's word, and whether those that talk to pcscd by themselves reach it: asked
// of pcscd (and so of polkit) as their own users, since files do not tell (a rule may not be loaded, or name somebody
// else than pcscd sees).

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WireDriver } from '../../protocol/io-scauth.ts';
import { driverAccess as say, drivers as words } from '../../words/doctor.ts';
import { callAgent } from '../agent/client.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { broken, ok, unknown, warning, type Check } from './check.ts';

const NAME = 'drivers and pcscd';
const ASK_MS = 10_000;

/** What pcscd answers a process of this user; anything but `reached` is a no. */
function askAs(uid: number): Promise<string> {
  const program = fileURLToPath(new URL('./reach-pcscd.ts', import.meta.url));
  const argv = ['--disable-warning=ExperimentalWarning', program];
  const options = { uid, gid: uid, cwd: '/', env: {}, timeout: ASK_MS };
  return new Promise((resolve) => {
    execFile(process.execPath, argv, options, (error, stdout) => {
      resolve(error === null ? stdout : error.message);
    });
  });
}

function judge({ id, uid, builtIn }: WireDriver, answer: string): Check | null {
  switch (answer) {
    case 'reached':
      return ok(NAME, say.reached(id, String(uid ?? '')));
    case 'no-service': // the check of pcscd itself says so
      return null;
    default: {
      const why = answer === 'refused' ? say.refused : answer;
      return broken(NAME, ...say.noReader(id, String(uid ?? ''), why, builtIn));
    }
  }
}

function checkProblems({ id, state, problems }: WireDriver): Check[] {
  if (state === 'disabled') return [];
  const check = state === 'failed' ? broken : warning;
  return problems.map((problem) => check('drivers', ...words.wrong(id, problem)));
}

/** @returns what is wrong with drivers, and whether each of the kind `token` reaches pcscd; none while scauthd does not run */
export async function checkDriverAccess(context: CommandContext): Promise<Check[]> {
  try {
    const { drivers } = await callAgent(context, 'ListDrivers', {});
    const checks = drivers.flatMap(checkProblems);
    if (checks.length === 0) checks.push(ok('drivers', words.good));
    if (process.geteuid?.() !== 0) return [...checks, unknown(NAME, say.subject)];
    for (const driver of drivers) {
      if (driver.kind !== 'token' || driver.uid === null || driver.state !== 'ready') continue;
      const check = judge(driver, await askAs(driver.uid));
      if (check !== null) checks.push(check);
    }
    return checks;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [];
  }
}
