// K11: OpenSC's module keeps what it knows of a card from its insertion on, and gives the card back after each call: a
// login reads nothing anew, other programs have the card at once, and nobody ever finds it verified.
import { createInterface } from 'node:readline';
import test from 'ava';
import { driverPid } from '../drivers/processes.ts';
import * as person from '../../kit/person/person.ts';
import { PcscClient, strangerSignStatus } from '../../kit/person/pcsc-client.ts';
import { APP } from '../../kit/sandbox/namespace.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const MODULE = 'opensc-pkcs11.so';
const NOT_PIV = '[tokens]\ndisabled = ["org.scauth.piv"]\n';
/** The tries before the PIN, and again with it; VERIFY; the key. */
const LOGIN = ['20', '20', '20', '87'];
/** Before each OpenSC looks at the discovery object, and selects where pcscd has switched the card off meanwhile. */
const MOST_APDUS = 2 * LOGIN.length + 2;

let sandbox: Sandbox;
test.before(async () => {
  sandbox = await Sandbox.start({ config: NOT_PIV });
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

test.serial(
  'K11: a login reads the tries before and with the PIN, verifies and signs, and nothing else; in one process',
  async (t) => {
    const pid = driverPid(sandbox, MODULE);
    for (let n = 0; n < 3; n++) {
      await sandbox.card.clearLog();
      await person.expectCardLogin(sandbox);
      const instructions = (await sandbox.card.log()).map(({ ins }) => ins.toString(16));
      t.true(instructions.length <= MOST_APDUS, instructions.join(' '));
      t.deepEqual(
        instructions.filter((ins) => ins !== 'cb' && ins !== 'a4'),
        LOGIN,
      );
    }
    t.is(driverPid(sandbox, MODULE), pid);
  },
);

test.serial(
  'K11: another program has the card to itself at once, also while somebody is asked for the PIN',
  async (t) => {
    const pty = person.startSudo(sandbox);
    await pty.expect(person.PIN_PROMPT);
    const other = await PcscClient.connect(sandbox, 'exclusive');
    await other.select();
    t.is(await other.counterStatus(), '63C3');
    await other.close();
    pty.send(`${sandbox.pin}\n`);
    t.regex((await person.untilEnd(pty)).screen, person.ROOT);
    const { stdout } = await sandbox.exec(['pkcs11-tool', '--login', '--pin', sandbox.pin, '--list-objects']);
    t.regex(stdout, /Private Key Object/);
  },
);

/** gpg's daemon for cards, which has them to itself; and NSS (browsers) with OpenSC's module. */
const OTHERS: readonly (readonly [name: string, script: string, finds: RegExp])[] = [
  [
    'gpg',
    `echo disable-ccid >scdaemon.conf
printf 'SERIALNO undefined\\nAPDU 00A4040005A000000308\\nBYE\\n' | GNUPGHOME=$PWD ${APP}/build/scdaemon/usr/lib/gnupg/scdaemon --server`,
    // The application's own template, tag 61.
    /^D a/m,
  ],
  [
    'NSS',
    `tools=${APP}/build/libnss3-tools/usr/bin
$tools/certutil -N -d sql:. --empty-password
$tools/modutil -force -dbdir sql:. -add opensc -libfile ${MODULE} >/dev/null
$tools/certutil -L -d sql:. -h all`,
    /Certificate for PIV Authentication/,
  ],
];
for (const [name, script, finds] of OTHERS)
  test.serial(
    `K11: ${name} has the card while somebody is asked for the PIN, and the login goes on`,
    async (t) => {
      const pty = person.startSudo(sandbox);
      await pty.expect(person.PIN_PROMPT);
      const { stdout, stderr } = await sandbox.exec(['sh', '-c', `cd "$(mktemp -d)"; ${script}`]);
      t.regex(stdout, finds, stderr);
      pty.send(`${sandbox.pin}\n`);
      t.regex((await person.untilEnd(pty)).screen, person.ROOT);
    },
  );

test.serial('K11: a program that has the card to itself is not in the way of the next login', async (t) => {
  const other = await PcscClient.connect(sandbox, 'exclusive');
  const { screen } = await person.sudo(
    sandbox,
    [person.PIN_PROMPT, sandbox.pin],
    [person.PASSWORD_PROMPT, sandbox.password],
  );
  t.is(await sandbox.card.getTries(), 3);
  t.regex(screen, /Another program is using the card/);
  await other.close();
  await person.expectCardLogin(sandbox);
});

test.serial('L7: whoever waits for the card between PIN and signature finds it unverified', async (t) => {
  const node = [`${APP}/node_modules/node/bin/node`, '--disable-warning=ExperimentalWarning'];
  const program = sandbox.namespace.spawn([...node, `${APP}/test/system/pkcs11/lease-program.ts`], {
    env: sandbox.environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (program.stdout === null) throw new Error('no standard output');
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const tell = async (line: string): Promise<unknown> => {
    program.stdin?.write(`${line}\n`);
    return (await lines.next()).value;
  };
  t.is(await tell('slots'), 'ok');
  t.is(await tell('give back'), 'ok');
  const other = await PcscClient.connect(sandbox);
  t.is(await tell('hold'), 'ok');
  let begun = false;
  const waiting = other.do('begin').then(() => (begun = true));
  t.is(await tell(`login ${sandbox.pin}`), 'ok');
  t.true(await sandbox.card.isVerified());
  t.false(begun);
  t.is(await tell('reset'), 'ok');
  await waiting.catch(() => undefined); // the reset is told to it first
  t.false(await sandbox.card.isVerified());
  program.stdin?.end();
  await other.close();
});

test.serial('L7: after SIGKILL of scauthd while a module has the card verified', async (t) => {
  const signing = sandbox.card.waitFor({ ins: '87' });
  await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
  const pty = person.startSudo(sandbox);
  await pty.expect(person.PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  await signing;
  t.true(await sandbox.card.isVerified());
  await sandbox.killAgent();
  await pty.expect(person.PASSWORD_PROMPT);
  await sandbox.card.release();
  t.is(await strangerSignStatus(sandbox), '6982');
  pty.send(`${sandbox.password}\n`);
  t.regex((await person.untilEnd(pty)).screen, person.ROOT);
  await sandbox.startAgent();
  await sandbox.untilCardRead();
  await person.expectCardLogin(sandbox);
});
