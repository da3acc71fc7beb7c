// The machine's own chip in macOS' words: sc_auth create-ctk-identity makes a token and a key in a TPM (tpm2-pkcs11 on swtpm),
// pairs it, and sudo opens; a request, an authority's certificate, names as ssh-keygen and openssl have them, and the end.
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { makeCertificate, toPem } from '../../kit/card/certificate.ts';
import { testAuthority } from '../../kit/card/profile.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { makeTpm, TPM_CONFIG } from './tokens.ts';

const PIN = '271828';
/** The sandbox's own; /tmp is the machine's. */
const FOLDER = '/run/machine-keys';

interface Listed {
  readonly keyType: string;
  readonly hash: string;
  readonly label: string;
  readonly commonName: string;
  readonly email: string;
  readonly valid: boolean | null;
}

async function started(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.start({ agent: false, card: 'none', config: TPM_CONFIG });
  t.teardown(() => sandbox.stop());
  await makeTpm(sandbox, { tokens: [] });
  await sandbox.exec(['install', '-d', '-m', '0777', FOLDER]);
  await sandbox.startAgent();
  return sandbox;
}

async function listed(sandbox: Sandbox, ...args: readonly string[]): Promise<readonly Listed[]> {
  const { code, stdout, stderr } = await sandbox.exec(['sc_auth', 'list-ctk-identities', '--json', ...args]);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { identities: Listed[] }).identities;
}

function create(sandbox: Sandbox, args: readonly string[], input: string, user?: string) {
  return sandbox.exec(['sc_auth', 'create-ctk-identity', ...args], {
    ...(user !== undefined && { user }),
    input,
  });
}

test.serial(
  'a TPM without a token becomes a login by two commands; names, a certificate of an authority, the end',
  async (t) => {
    const sandbox = await started(t);
    t.deepEqual(await listed(sandbox), []);
    const without = await create(sandbox, ['-l', 'login', '-k', 'p-256-ne'], `${PIN}\n`, sandbox.user);
    t.is(without.code, 2);
    t.regex(without.stderr, /--new-token/);

    const wanted = [
      '-l',
      'Ada laptop',
      '-k',
      'p-256-ne',
      '--new-token',
      '-N',
      'Ada Lovelace',
      '-E',
      'ada@example.org',
    ];
    const weak = await create(sandbox, wanted, '123456\n');
    t.regex(weak.stderr, /factory's PIN/);
    const made = await create(sandbox, wanted, `${PIN}\n${PIN}\n`);
    t.is(made.code, 0, `${made.stderr}\n${sandbox.logs()}`);
    const [identity, ...others] = await listed(sandbox);
    t.is(others.length, 0);
    t.like(identity, {
      ...{
        keyType: 'p-256-ne',
        label: 'Ada laptop',
        commonName: 'Ada Lovelace',
        email: 'ada@example.org',
        valid: true,
      },
    });
    const hash = identity?.hash ?? '';
    t.true(made.stdout.includes(hash));

    // As anybody else names the key: openssl's certificate, ssh-keygen's fingerprint.
    const items = await sandbox.exec(['sc_auth', 'profile', '--pem']);
    const pem = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(items.stdout)?.[0] ?? '';
    t.not(pem, '', items.stdout);
    const own = new X509Certificate(pem);
    t.true(own.verify(own.publicKey), 'signed by the key itself');
    const point = own.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    t.is(
      (await listed(sandbox, '-t', 'sha256', '-e', 'b64'))[0]?.hash,
      createHash('sha256').update(point).digest('base64'),
    );
    t.is(hash, createHash('sha1').update(point).digest('hex').toUpperCase());
    writeFileSync(sandbox.path(`${FOLDER}/own.pem`), pem);
    const print = `openssl x509 -in ${FOLDER}/own.pem -noout -pubkey >${FOLDER}/own.pub
ssh-keygen -i -m PKCS8 -f ${FOLDER}/own.pub >${FOLDER}/own.ssh; ssh-keygen -lf ${FOLDER}/own.ssh`;
    const fingerprint = (await sandbox.exec(['sh', '-euc', print])).stdout.split(' ')[1];
    t.is((await listed(sandbox, '-t', 'ssh'))[0]?.hash, fingerprint);

    const paired = await sandbox.exec(['sc_auth', 'pair', '-h', hash], {
      user: sandbox.user,
      input: `${sandbox.password}\n${PIN}\n`,
    });
    t.is(paired.code, 0, paired.stderr);
    const opened = await person.sudo(sandbox, [person.PIN_PROMPT, PIN]);
    t.is(opened.code, 0, opened.screen);
    t.regex(opened.screen, person.ROOT);

    // An authority's certificate takes the place of the one that the key has signed; the pairing holds.
    const asked = await sandbox.exec(
      ['sc_auth', 'create-ctk-csr', '-h', hash, '-f', `${FOLDER}/ada.csr`, '-O', 'Engines', '-C', 'GB'],
      {
        user: sandbox.user,
        input: `${PIN}\n`,
      },
    );
    t.is(asked.code, 0, asked.stderr);
    const request = sandbox.path(`${FOLDER}/ada.csr`);
    const read = execFileSync(
      'openssl',
      ['req', '-in', request, '-verify', '-noout', '-subject', '-pubkey'],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    t.regex(read, /C = GB, O = Engines, CN = /);
    const publicKey = createPublicKey(read.slice(read.indexOf('-----BEGIN')));
    const issued = makeCertificate(publicKey, { cn: 'Ada Lovelace' }, testAuthority('Test CA'));
    writeFileSync(sandbox.path(`${FOLDER}/ada.pem`), toPem(issued));
    const put = ['sc_auth', 'import-ctk-certificate', '-f', `${FOLDER}/ada.pem`];
    const imported = await sandbox.exec(put, { user: sandbox.user, input: `${PIN}\n` });
    t.is(imported.code, 0, imported.stderr);
    t.true((await sandbox.exec(['sc_auth', 'profile', '--pem'])).stdout.includes(toPem(issued).trim()));
    const again = await person.sudo(sandbox, [person.PIN_PROMPT, PIN]);
    t.is(again.code, 0, again.screen);

    // What would be lost is kept: a paired key, and each where the PIN is wrong.
    for (const argv of [
      ['export-ctk-identity', '-h', hash, '-f', `${FOLDER}/out.p12`, '-p', 'secret'],
      ['import-ctk-identities', '-f', `${FOLDER}/in.p12`, '-p', 'secret'],
    ]) {
      const refused = await sandbox.exec(['sc_auth', ...argv]);
      t.is(refused.code, 3);
      t.regex(refused.stderr, /create-ctk-identity/);
    }
    for (const option of [
      ['-t', 'bio'],
      ['-k', 'p-521'],
    ]) {
      const refused = await create(sandbox, ['-l', 'x', '-k', 'p-256-ne', ...option], '');
      t.is(refused.code, 2, refused.stderr);
    }
    const gone = (input: string) => sandbox.exec(['sc_auth', 'delete-ctk-identity', '-h', hash], { input });
    t.is((await gone(`${PIN}\n`)).code, 2, 'it is paired');
    await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user, '-h', hash]);
    t.is((await gone('999111\n')).code, 3);
    t.is((await listed(sandbox)).length, 1);
    const deleted = await gone(`${PIN}\n`);
    t.is(deleted.code, 0, deleted.stderr);
    t.deepEqual(await listed(sandbox), []);
    t.notRegex((await sandbox.exec(['sh', '-c', 'cat "$SCAUTH_AUDIT_LOG"'])).stdout, new RegExp(PIN));
  },
);

test.serial(
  'a token for each person: one cannot use the other; P-384; all keys of a token go at once',
  async (t) => {
    const sandbox = await started(t);
    for (const [label, pin, kind] of [
      ['Ada', PIN, 'p-384-ne'],
      ['Bob', '161803', 'p-256'],
    ] as const) {
      const made = await create(sandbox, ['-l', label, '-k', kind, '--new-token'], `${pin}\n${pin}\n`);
      t.is(made.code, 0, `${made.stderr}\n${sandbox.logs()}`);
    }
    const taken = await create(sandbox, ['-l', 'Bob', '-k', 'p-256', '--new-token'], '');
    t.regex(taken.stderr, /a token of this label is there already/);
    const which = await create(sandbox, ['-l', 'more', '-k', 'p-256-ne'], `${PIN}\n`, sandbox.user);
    t.regex(which.stderr, /several tokens/);
    // Ada's PIN is not Bob's.
    const others = await create(
      sandbox,
      ['-l', 'more', '-k', 'p-256-ne', '--token', 'Bob'],
      `${PIN}\n`,
      sandbox.user,
    );
    t.is(others.code, 3, others.stderr);
    const more = await create(
      sandbox,
      ['-l', 'more', '-k', 'p-256-ne', '--token', 'Ada'],
      `${PIN}\n`,
      sandbox.user,
    );
    t.is(more.code, 0, more.stderr);
    const found = await listed(sandbox);
    t.deepEqual(found.map(({ keyType, label }) => `${keyType} ${label}`).sort(), [
      'p-256-ne Bob',
      'p-256-ne more',
      'p-384-ne Ada',
    ]);
    const ada = found.find(({ label }) => label === 'Ada')?.hash ?? '';
    const pair = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', ada]);
    t.is(pair.code, 0, pair.stderr);
    const opened = await person.sudo(sandbox, [person.PIN_PROMPT, PIN]);
    t.is(opened.code, 0, opened.screen);
    await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user, '-h', ada]);
    const all = await sandbox.exec(['sc_auth', 'delete-all-ctk-identities', '--token', 'Ada', '--json'], {
      input: `${PIN}\n`,
    });
    t.is(all.code, 0, all.stderr);
    t.is((JSON.parse(all.stdout) as { deleted: string[] }).deleted.length, 2);
    t.deepEqual(
      (await listed(sandbox)).map(({ label }) => label),
      ['Bob'],
    );
    // The empty token takes a new key.
    const anew = await create(
      sandbox,
      ['-l', 'anew', '-k', 'p-256-ne', '--token', 'Ada'],
      `${PIN}\n`,
      sandbox.user,
    );
    t.is(anew.code, 0, anew.stderr);
  },
);
