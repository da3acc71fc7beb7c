// Tokens that are in no reader, on the real modules: SoftHSM's (three keys for login, one for documents) and the TPM's
// (tpm2-pkcs11 on swtpm). Each key opens sudo, with the real sudo and the real PAM module.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { driverPid } from '../drivers/processes.ts';
import * as person from '../../kit/person/person.ts';
import { wrongPinsAtOnce } from '../login/wrong-pins.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import {
  addOddKeys,
  makeSoftHsm,
  makeTpm,
  SOFTHSM,
  SOFTHSM_CONFIG,
  TPM_CONFIG,
  withoutPss,
} from './tokens.ts';

interface Listed {
  readonly hash: string;
  readonly label: string;
}

async function identities(sandbox: Sandbox): Promise<readonly Listed[]> {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { paired, unpaired } = JSON.parse(stdout) as Record<'paired' | 'unpaired', Listed[]>;
  return [...paired, ...unpaired];
}

async function succeed(sandbox: Sandbox, ...argv: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await sandbox.exec(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`);
}

/** Pairs one key, logs in with it, and takes the pairing away. */
async function expectLoginWith(sandbox: Sandbox, hash: string): Promise<void> {
  await succeed(sandbox, 'sc_auth', 'pair', '-u', sandbox.user, '-h', hash);
  await person.expectCardLogin(sandbox);
  await succeed(sandbox, 'sc_auth', 'unpair', '-u', sandbox.user, '-h', hash);
}

async function startWith(config: string, make: (sandbox: Sandbox) => Promise<void>): Promise<Sandbox> {
  const sandbox = await Sandbox.start({ agent: false, card: 'none', config });
  try {
    await make(sandbox);
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:');
    return sandbox;
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
}

test.serial('SoftHSM: RSA and P-256 with certificates and a bare P-256 key each open sudo', async (t) => {
  const sandbox = await startWith(SOFTHSM_CONFIG, makeSoftHsm);
  try {
    const found = await identities(sandbox);
    t.is(found.length, 3, 'the key for documents is not offered');
    t.deepEqual(
      ['Ada-RSA', 'Ada-EC', 'Bare'].filter((name) => !found.some(({ label }) => label.includes(name))),
      [],
      JSON.stringify(found),
    );
    const profile = (await sandbox.exec(['sc_auth', 'profile'])).stdout;
    t.deepEqual(
      [...profile.matchAll(/ Kind: private (\w+ \d+)-bit, ([\w ]+): </g)]
        .map(([, kind = '', what = '']) => `${kind} ${what}`)
        .sort(),
      ['ECC 256 Certificate', 'ECC 256 Certificate', 'ECC 256 Public key', 'RSA 2048 Certificate'],
      profile,
    );
    t.regex(profile, /Label: [^\n]*Ada-Documents[^\n]*\nNot for login: /);
    const exported = (await sandbox.exec(['sc_auth', 'export-smartcard'])).stdout;
    for (const [section, count] of [
      ['certificate', 3],
      ['private key', 4],
      ['identity', 3],
    ] as const)
      t.is(exported.split(`==== ${section} #`).length - 1, count, section);
    for (const { hash } of found) await expectLoginWith(sandbox, hash);
    driverPid(sandbox, SOFTHSM);
  } finally {
    await sandbox.stop();
  }
});

test.serial(
  "K6, SoftHSM: a wrong PIN is said; Ed25519, a key that wants the PIN each time, and one of FreeIPA's open sudo",
  async (t) => {
    const sandbox = await startWith(SOFTHSM_CONFIG, async (made) => {
      await makeSoftHsm(made);
      await addOddKeys(made);
    });
    try {
      const found = await identities(sandbox);
      const hashOf = (name: string) => found.find(({ label }) => label.includes(name))?.hash ?? '';
      for (const name of ['Edwards', 'Each-time', 'FreeIPA']) {
        const { hash } = found.find(({ label }) => label.includes(name)) ?? { hash: '' };
        t.not(hash, '', JSON.stringify(found));
        await expectLoginWith(sandbox, hash);
      }
      await succeed(sandbox, 'sc_auth', 'pair', '-u', sandbox.user, '-h', hashOf('Bound'));
      await person.passwordAfterPin(sandbox);
      await person.untilAudited(sandbox, 'other-card');
      await succeed(sandbox, 'sc_auth', 'unpair', '-u', sandbox.user, '-h', hashOf('Bound'));
      const [first] = found;
      await succeed(sandbox, 'sc_auth', 'pair', '-u', sandbox.user, '-h', first?.hash ?? '');
      const { code, screen } = await person.sudo(
        sandbox,
        [person.PIN_PROMPT, person.WRONG_PIN],
        [person.PASSWORD_PROMPT, sandbox.password],
      );
      t.is(code, 0, screen);
      t.regex(screen, /Wrong PIN/);
      await person.expectCardLogin(sandbox);
    } finally {
      await sandbox.stop();
    }
  },
);

test.serial("the machine's TPM is a token: its key opens sudo, also after a new start", async (t) => {
  const sandbox = await startWith(TPM_CONFIG, makeTpm);
  try {
    const found = await identities(sandbox);
    t.is(found.length, 1, JSON.stringify(found));
    await succeed(sandbox, 'sc_auth', 'pair', '-u', sandbox.user, '-h', found[0]?.hash ?? '');
    await person.expectCardLogin(sandbox);
    const from = sandbox.agentLog().length;
    await sandbox.stopAgent();
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:', from);
    await person.expectCardLogin(sandbox);
  } finally {
    await sandbox.stop();
  }
});

test.serial(
  'S4: a right PIN gives a TPM no try back: the next wrong ones are held by the question',
  async (t) => {
    const sandbox = await startWith(TPM_CONFIG, makeTpm);
    try {
      const [key] = await identities(sandbox);
      await succeed(sandbox, 'sc_auth', 'pair', '-u', sandbox.user, '-h', key?.hash ?? '');
      // The third of swtpm's would be the last.
      for (const asked of [3, 5, 5]) t.deepEqual(await wrongPinsAtOnce(sandbox), { asked, good: true });
    } finally {
      await sandbox.stop();
    }
  },
);

test.serial(
  'S4: a wrong PIN at each of two tokens of a TPM: the next one needs a yes, at either',
  async (t) => {
    const sandbox = await startWith(TPM_CONFIG, (made) => makeTpm(made, { tokens: ['Machine', 'Other'] }));
    try {
      await person.addUser(sandbox, 'bob');
      const keys = await identities(sandbox);
      const users = [sandbox.user, 'bob'] as const;
      for (const [n, user] of users.entries())
        await succeed(sandbox, 'sc_auth', 'pair', '-u', user, '-h', keys[n]?.hash ?? '');
      const login = async (user: string, ...lines: string[]): Promise<string> => {
        const { stdout, stderr } = await person.pamtester(sandbox, 'root', ['scauth-test', user], ...lines);
        return stdout + stderr;
      };
      for (const user of users) t.regex(await login(user, person.WRONG_PIN), /Wrong PIN/);
      for (const user of users) {
        t.regex(await login(user, '', ''), /After 2 failed entries/);
        t.regex(await login(user, 'yes', sandbox.pin), /successfully authenticated/);
      }
    } finally {
      await sandbox.stop();
    }
  },
);

test.serial("p11-kit's list: a module by the path that it gives; RSA without PSS opens sudo", async (t) => {
  const sandbox = await startWith(SOFTHSM_CONFIG, async (made) => {
    await makeSoftHsm(made);
    await withoutPss(made);
    const { stdout } = await made.exec(['p11-kit', 'list-modules']);
    const [, listed = ''] = /^softhsm2: (\S+)/m.exec(stdout) ?? [];
    t.regex(listed, /^\/.*\/libsofthsm2\.so$/, stdout);
    t.not(listed, SOFTHSM, 'another path to the same module');
    writeFileSync(made.path('/etc/scauth/scauth.toml'), SOFTHSM_CONFIG.replace(SOFTHSM, listed));
  });
  try {
    const { hash } = (await identities(sandbox)).find(({ label }) => label.includes('Ada-RSA')) ?? {
      hash: '',
    };
    await succeed(sandbox, 'sc_auth', 'pair', '-u', sandbox.user, '-h', hash);
    await person.expectCardLogin(sandbox);
    const options = { user: sandbox.user, input: `${sandbox.pin}\n` };
    const { stdout } = await sandbox.exec(['sc_auth', 'test', '--json'], options);
    t.regex(stdout, /"note": "rsa-pkcs1-sha256"/);
    t.regex(stdout, /"note": "whether it is unverified again cannot be checked here"/, 'K15');
  } finally {
    await sandbox.stop();
  }
});
