// scauthd with what its unit leaves it (capabilities, system calls, namespaces, /proc): drivers of both kinds start, cards
// log in, passwords are checked, and the drivers are as small as without the unit.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { documented, installDriver } from '../drivers/install-driver.ts';
import { driverPid } from '../drivers/processes.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { underUnit } from './unit.ts';

async function startUnderUnit(config: string): Promise<Sandbox> {
  return Sandbox.start({ agent: false, config, agentPrefix: underUnit() });
}

function expectConfined(t: { true: (yes: boolean) => void }, pid: number): void {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  t.true(/^CapBnd:\t0+$/m.test(status));
  t.true(Number(/^Uid:\t(\d+)/m.exec(status)?.[1]) >= 0x70000000);
}

test.serial('PIV and the check of the account password', async (t) => {
  const sandbox = await startUnderUnit('');
  try {
    await sandbox.startAgent();
    await sandbox.untilCardRead();
    await person.pairCard(sandbox);
    await person.expectCardLogin(sandbox);
    const status = readFileSync(`/proc/${String(sandbox.agentHostPid)}/status`, 'utf8');
    t.regex(status, /^Seccomp:\t2$/m);
    t.regex(status, /^NoNewPrivs:\t1$/m);
  } finally {
    await sandbox.stop();
  }
});

for (const [name, config, program] of [
  ['a PKCS#11 module', '[tokens]\ndisabled = ["org.scauth.piv"]\n', 'opensc-pkcs11.so'],
  ['PIV in a process of its own', '[piv]\nisolate = true\n', 'piv/program.'],
  ["DRIVERS.md's example", documented('toml'), 'driver.py'],
] as const) {
  test.serial(`${name} starts, confined, and logs in`, async (t) => {
    const sandbox = await startUnderUnit(config);
    try {
      if (program === 'driver.py')
        installDriver(sandbox, 'example', documented('json'), documented('python'));
      await sandbox.startAgent();
      await sandbox.untilCardRead();
      await person.pairCard(sandbox);
      await person.expectCardLogin(sandbox);
      const pid = driverPid(sandbox, program);
      expectConfined(t, pid);
      // What holds it can be ended without CAP_KILL, and the next process serves the same card.
      await sandbox.stopAgent();
      await person.untilGone(pid);
      await sandbox.startAgent();
      await sandbox.untilCardRead();
      await person.expectCardLogin(sandbox);
    } finally {
      await sandbox.stop();
    }
  });
}
