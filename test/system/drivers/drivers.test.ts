// DRIVERS.md's example, as it stands there, on the real pcscd: it logs a user in, and is confined.
import { readFileSync, rmSync } from 'node:fs';
import test from 'ava';
import { isAlive } from '../../kit/person/person.ts';
import * as person from '../../kit/person/person.ts';
import { strangerSignStatus } from '../../kit/person/pcsc-client.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { documented, installDriver } from './install-driver.ts';
import { driverPid } from './processes.ts';

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start({ agent: false, config: documented('toml') });
  installDriver(sandbox, 'example', documented('json'), documented('python'));
  await sandbox.startAgent();
  await sandbox.untilCardRead();
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

test.serial('the example driver logs a user in, and PIV leaves it its card', async (t) => {
  const { stdout } = await sandbox.exec(['sc_auth', 'list-smartcards']);
  t.regex(stdout, /^org\.example\.piv-lite:[0-9a-f]{16}\n$/);
  await person.expectCardLogin(sandbox);
});

test.serial('sc_auth drivers -vv has the block of its manifest, and what it runs as', async (t) => {
  const { stdout } = await sandbox.exec(['sc_auth', 'drivers', '-vv']);
  t.regex(
    stdout,
    new RegExp(
      [
        '^ {5}org\\.example\\.piv-lite\\(1\\.0\\)',
        ' {13}Path = /etc/scauth/drivers/example',
        ' {13}UUID = 6F5902AC-2378-4B3D-9C3A-6B3F1B0F4F0E',
        ' {8}Timestamp = \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d \\+0000',
        ' {14}SDK = org\\.scauth\\.drivers\\.card\\(1\\)',
        ' {5}Display Name = An example: PIV with one P-256 key',
        ' {7}Short Name = PIV lite',
        " {6}Parent Name = scauth's documentation",
        ' {12}State = ready',
        ' {10}Runs As = uid 18\\d{8}',
        ' {7}Comes From = others',
        ' {5}Before Login = no$',
      ].join('\n'),
      'm',
    ),
  );
});

test.serial('L7: after a login by a driver of others the card needs its PIN again', async (t) => {
  await person.expectCardLogin(sandbox);
  t.is(await strangerSignStatus(sandbox), '6982');
});

test.serial('a wrong PIN costs one try, and the driver tells how many are left', async (t) => {
  const { screen } = await person.sudo(
    sandbox,
    [person.PIN_PROMPT, person.WRONG_PIN],
    [person.PASSWORD_PROMPT, sandbox.password],
  );
  t.regex(screen, /Wrong PIN\. 2 tries left\./);
  t.is(await sandbox.card.verifyCount(), 1);
});

test.serial('the driver is a user of its own, without rights, without a network', (t) => {
  const pid = driverPid(sandbox, 'driver.py');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const uid = Number(/^Uid:\t(\d+)\t/m.exec(status)?.[1]);
  t.true(uid >= 0x70000000 && uid < 0x71000000);
  t.regex(status, /^CapBnd:\t0+$/m);
  t.regex(status, /^NoNewPrivs:\t1$/m);
  t.is(readFileSync(`/proc/${pid}/net/dev`, 'utf8').trim().split('\n').length, 3, 'nothing but lo');
  t.regex(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max data size +1073741824 /m);
});

test.serial('a killed driver is started again, and the next login works', async (t) => {
  const pid = driverPid(sandbox, 'driver.py');
  const from = sandbox.agentLog().length;
  process.kill(pid, 'SIGKILL');
  await person.untilAgentSays(sandbox, /driver org\.example\.piv-lite/, from);
  await sandbox.untilCardRead();
  await person.reinsertCard(sandbox);
  await person.expectCardLogin(sandbox);
  t.not(driverPid(sandbox, 'driver.py'), pid);
});

test.serial('when scauthd is killed, the driver ends with it', async (t) => {
  const pid = driverPid(sandbox, 'driver.py');
  await sandbox.killAgent();
  for (let waited = 0; isAlive(pid) && waited < 200; waited++) await new Promise((go) => setTimeout(go, 10));
  t.false(isAlive(pid));
});

test.serial('without its folder it is gone at the next start, and PIV has the card', async (t) => {
  rmSync(sandbox.path('/etc/scauth/drivers/example'), { recursive: true });
  await sandbox.startAgent();
  await sandbox.untilCardRead();
  t.notRegex((await sandbox.exec(['sc_auth', 'drivers'])).stdout, /piv-lite/);
  t.regex((await sandbox.exec(['sc_auth', 'list-smartcards'])).stdout, /^org\.scauth\.piv:\w+\n$/);
});

test.serial(
  'a card with two PINs: the one that opens the key is asked for, and the other has its tries',
  async (t) => {
    const globalPin = '777777';
    const program = documented('python')
      .replace('"pins": [pin]', '"pins": [pin, {**pin, "id": "00", "label": "Global PIN"}]')
      .replace('"pin": "80",', '"pin": "00",')
      .replace(
        'sw = send(call, VERIFY, pin',
        'sw = send(call, VERIFY[:3] + bytes.fromhex(params["pin"]) + VERIFY[4:], pin',
      )
      .replace('def verify_pin(call, _):', 'def verify_pin(call, params):');
    t.is(program.split('params["pin"]').length, 2, 'the document has what is changed here');
    const own = await Sandbox.start({
      agent: false,
      card: 'p256',
      cardArgs: ['--global-pin', globalPin],
      config: documented('toml'),
    });
    try {
      installDriver(own, 'example', documented('json'), program);
      await own.startAgent();
      await own.untilCardRead();
      const hash = await person.cardHash(own);
      t.is((await own.exec(['sc_auth', 'pair', '-u', own.user, '-h', hash])).code, 0);
      await own.card.clearLog();
      const { screen } = await person.sudo(
        own,
        [person.PIN_PROMPT, own.pin],
        [person.PASSWORD_PROMPT, own.password],
      );
      t.regex(screen, /Wrong PIN/);
      t.is(await own.card.getTries(), 3, 'the PIN of other keys is none of this login');
      const { code } = await person.sudo(own, [person.PIN_PROMPT, globalPin]);
      t.is(code, 0);
      const verified = (await own.card.log()).filter(({ ins, body }) => ins === 0x20 && body.length > 2);
      t.deepEqual(
        verified.map(({ p2 }) => p2),
        [0, 0],
      );
    } finally {
      await own.stop();
    }
  },
);
