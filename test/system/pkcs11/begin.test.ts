// K13: what a module needs to begin, and what is said where it does not get it: real ones, NSS softokn (arguments),
// opencryptoki (a daemon and a group), and SoftHSM with files that a group alone may read.
import test from 'ava';
import { problemsOf } from '../drivers/driver-list.ts';
import { driverPid } from '../drivers/processes.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { makeNss, makeSoftHsm, SOFTHSM, SOFTHSM_CONFIG, SOFTOKN, SOFTOKN_ARGS } from './tokens.ts';
import { readFileSync } from 'node:fs';

const OPENCRYPTOKI =
  '/run/sandbox/app/build/libopencryptoki0/usr/lib/x86_64-linux-gnu/opencryptoki/libopencryptoki.so.0';
const GROUP = 'cardfiles';

async function withModule(
  modules: string,
  act: (sandbox: Sandbox) => Promise<void>,
  make: (sandbox: Sandbox) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const sandbox = await Sandbox.start({ agent: false, card: 'none', config: modules });
  try {
    await make(sandbox);
    await sandbox.startAgent();
    await act(sandbox);
  } finally {
    await sandbox.stop();
  }
}

async function pairAndLogIn(sandbox: Sandbox): Promise<void> {
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
}

for (const [module, said] of [
  [SOFTOKN, /C_Initialize: CKR_ARGUMENTS_BAD \(0x7\)/],
  [OPENCRYPTOKI, /C_Initialize: CKR_FUNCTION_FAILED \(0x6\)/],
] as const)
  test.serial(
    `K13: ${module.replace(/.*\//, '')} cannot begin: log, drivers, doctor and explain have its word`,
    async (t) => {
      await withModule(`[pkcs11]\nmodules = ["${module}"]\n`, async (sandbox) => {
        await person.untilAgentSays(sandbox, said);
        t.regex(await problemsOf(sandbox, 'org.scauth.pkcs11'), said);
        const { stdout: doctor } = await sandbox.exec(['sc_auth', 'doctor']);
        const found = doctor.slice(doctor.search(said)).split('\n').slice(0, 2).join('\n');
        t.regex(found, said, doctor);
        t.regex(found, /Repair: .*init_args, groups/);
        // Of an account with a pairing, whose card may be the module's.
        const hash = 'A'.repeat(40);
        t.is((await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash])).code, 0);
        const { stdout: explained } = await sandbox.exec(['sc_auth', 'explain'], { user: sandbox.user });
        t.regex(explained, said);
        t.regex(explained, /What to do: .*init_args, groups/);
        t.notRegex(explained, /right way round/);
      });
    },
  );

test.serial('K13: NSS softokn with its init_args: one token, and its key opens sudo', async (t) => {
  const config = `[pkcs11]\nmodules = [{ path = "${SOFTOKN}", init_args = "${SOFTOKN_ARGS}" }]\n`;
  await withModule(
    config,
    async (sandbox) => {
      await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:');
      const { stdout } = await sandbox.exec(['sc_auth', 'list-smartcards']);
      t.regex(stdout, /^\S+\n$/, 'NSS’s place for computing is no token');
      await pairAndLogIn(sandbox);
    },
    makeNss,
  );
});

test.serial('K13: a module has the groups of [pkcs11] and its own, and no other', async (t) => {
  const module = `{ path = "${SOFTHSM}", groups = ["${GROUP}"] }`;
  const config = SOFTHSM_CONFIG.replace(`"${SOFTHSM}"`, module) + 'groups = ["tty"]\n';
  const make = async (sandbox: Sandbox): Promise<void> => {
    await makeSoftHsm(sandbox);
    const script = `groupadd ${GROUP}; chown -R root:${GROUP} /run/sandbox/softhsm; chmod -R u=rwX,g=rwX,o= /run/sandbox/softhsm`;
    t.is((await sandbox.exec(['bash', '-euc', script])).code, 0);
  };
  await withModule(
    config,
    async (sandbox) => {
      await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:');
      const groups = (await sandbox.exec(['getent', 'group', GROUP, 'tty'])).stdout.match(/\d+(?=:)/g) ?? [];
      const status = readFileSync(`/proc/${driverPid(sandbox, SOFTHSM)}/status`, 'utf8');
      const own = /^Groups:\s(.*)$/m.exec(status)?.[1]?.trim().split(' ') ?? [];
      t.deepEqual(own.toSorted(), [...groups].sort());
      await pairAndLogIn(sandbox);
    },
    make,
  );
});
