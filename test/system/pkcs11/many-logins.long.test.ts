// K12: many logins in one driver process. What a module leaves behind with each must not pile up, and a module that can
// no longer begin is replaced.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { problemsOf } from '../drivers/driver-list.ts';
import { driverPid } from '../drivers/processes.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { makeTpm, TPM_CONFIG } from './tokens.ts';

const LOGINS = 60;
const BUILD = join(import.meta.dirname, '../../../build/test-pkcs11');
const TIRED_MODULE = '/run/sandbox/app/build/test-pkcs11/tired_module.so';

async function pairOnly(sandbox: Sandbox): Promise<void> {
  const hash = await person.cardHash(sandbox);
  const { code, stderr } = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
  if (code !== 0) throw new Error(stderr);
}

async function logsIn(sandbox: Sandbox): Promise<boolean> {
  const asked = ['scauth-test', sandbox.user] as const;
  return (await person.pamtester(sandbox, 'root', asked, sandbox.pin)).code === 0;
}

/** What a process holds, and its children by their state. */
function holds(pid: number): { files: number; threads: number; children: string[] } {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return {
    files: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
    children: children.map((child) =>
      readFileSync(`/proc/${child}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .slice(0, 1),
    ),
  };
}

test.serial(`K12: ${LOGINS} logins by the TPM in a row leave nothing behind`, async (t) => {
  const sandbox = await Sandbox.start({ agent: false, card: 'none', config: TPM_CONFIG });
  try {
    await makeTpm(sandbox);
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:');
    await pairOnly(sandbox);
    t.true(await logsIn(sandbox), sandbox.agentLog());
    const pid = driverPid(sandbox, 'libtpm2_pkcs11');
    const before = holds(pid);
    for (let n = 1; n < LOGINS; n++) t.true(await logsIn(sandbox), `login ${n}: ${sandbox.agentLog()}`);
    t.is(driverPid(sandbox, 'libtpm2_pkcs11'), pid, 'the same process');
    const after = holds(pid);
    t.false(after.children.includes('Z'), 'no zombies');
    t.true(after.children.length <= before.children.length, JSON.stringify([before, after]));
    t.true(after.files <= before.files && after.threads <= before.threads, JSON.stringify([before, after]));
  } finally {
    await sandbox.stop();
  }
});

test.serial(
  'K12: a module whose C_Initialize fails from some time on is replaced, and logins go on',
  async (t) => {
    mkdirSync(BUILD, { recursive: true });
    const source = join(import.meta.dirname, 'tired_module.c');
    // prettier-ignore
    execFileSync('cc', ['-std=c11', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', join(BUILD, 'tired_module.so'),
    source, '-ldl']);
    const config = `[tokens]\ndisabled = ["org.scauth.piv"]\n[pkcs11]\nmodules = ["${TIRED_MODULE}"]\n`;
    const sandbox = await Sandbox.start({ config });
    try {
      await pairOnly(sandbox);
      let granted = 0;
      for (let n = 0; n < 8; n++) {
        const from = sandbox.agentLog().length;
        if (await logsIn(sandbox)) granted += 1;
        // What it cost is one login; the next finds the card read anew.
        else await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:', from);
      }
      t.true(granted >= 4, sandbox.agentLog());
      t.regex(sandbox.agentLog(), /ended with status 1: C_Initialize: CKR_GENERAL_ERROR \(0x5\)/);
      t.regex(await problemsOf(sandbox, 'org.scauth.pkcs11'), /C_Initialize: CKR_GENERAL_ERROR \(0x5\)/);
    } finally {
      await sandbox.stop();
    }
  },
);
