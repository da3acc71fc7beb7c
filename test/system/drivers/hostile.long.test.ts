// Drivers that break every rule, asked before PIV, on the real pcscd: each costs itself only, the card works with the
// next driver, and scauthd's log says what happened.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { listDrivers, problemsOf } from './driver-list.ts';
import { driverPids } from './processes.ts';
import { documented, installDriver, manifest } from './install-driver.ts';

/** What each does when it is asked about the card; before that it says hello as it should. */
const FRAME = `#!/usr/bin/python3
import json, os, struct, sys, time
def read():
    header = sys.stdin.buffer.read(5)
    if len(header) < 5: sys.exit(0)
    return json.loads(sys.stdin.buffer.read(struct.unpack(">BI", header)[1]))
def write(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack(">BI", ord("J"), len(body)) + body)
    sys.stdout.buffer.flush()
hello = read()
write({"id": hello["id"], "result": {"version": 1}})
call = read()["id"]
`;
const PIN = `{"id": "1", "label": "PIN", "minLength": 6, "maxLength": 8, "triesLeft": 3}`;

const programs: readonly (readonly [name: string, body: string, said: RegExp])[] = [
  ['wrong-id', 'write({"id": call + 1, "result": {"token": None}})', /answered with a wrong id/],
  ['crash', 'os.abort()', /was ended by SIG|ended with status/],
  ['exit', 'sys.exit(3)', /ended with status 3/],
  ['flood', 'while True: write(b"x" * 1000)', /not JSON|more than/],
  [
    'long-frame',
    'sys.stdout.buffer.write(b"J\\xff\\xff\\xff\\xff" + b"x" * 100000)',
    /a frame of 4294967295 bytes/,
  ],
  ['half-flood', 'while True: write({"id": call, "transmit": "00A4040000", "x": "y" * 900000})', /transmit/],
  [
    'out-of-turn',
    'r = {"id": call, "result": {"token": None}}\nwrite(r)\nwrite(r)',
    /out of turn|not asked for/,
  ],
  ['no-token', 'write({"id": call, "result": {"token": {"serial": "../x"}}})', /probe/],
  [
    'lie',
    `write({"id": call, "result": {"token": {"serial": "1", "label": "x", "pins": [${PIN}],
      "identities": [{"key": "1", "use": "authentication", "label": "", "pin": "no-such-pin"}]}}})`,
    /no PIN has the id no-such-pin/,
  ],
  ['unknown-code', 'write({"id": call, "error": {"code": "granted"}})', /an error/],
  ['takes-pin', 'write({"id": call, "transmit": "0020008000", "pin": {"offset": 5}})', /PIN a second time/],
  ['hang', 'time.sleep(1000)', /did not answer probe within 10000 ms/],
  ['memory', 'x = []\nwhile True: x.append(bytearray(1 << 26))', /ended with status 1|did not answer probe/],
];

/** Each driver has its turn in it, by a scauthd of its own. */
let shared: Sandbox;

test.before(async () => {
  shared = await Sandbox.start();
  await person.pairCard(shared);
});
test.after.always(() => shared.stop());

for (const [name, body, said] of programs) {
  test.serial(`a driver that goes wrong (${name}) costs itself only`, async (t) => {
    const id = `org.example.${name}`;
    await shared.stopAgent();
    rmSync(shared.path('/etc/scauth/drivers'), { recursive: true, force: true });
    writeFileSync(shared.path('/etc/scauth/scauth.toml'), `[tokens]\norder = ["${id}"]\n`);
    installDriver(shared, name, manifest({ id }), `${FRAME}${body}\ntime.sleep(1000)\n`);
    const from = shared.agentLog().length;
    await shared.startAgent();
    const log = await person.untilAgentSays(shared, 'token in: org.scauth.piv:', from);
    t.regex(log, said);
    t.regex(log, new RegExp(`driver ${id}`));
    t.regex(await problemsOf(shared, id), said);
    await person.expectCardLogin(shared);
    for (let waited = 0; driverPids(shared, 'driver.py').length > 0 && waited < 100; waited++)
      await new Promise((go) => setTimeout(go, 20));
    t.deepEqual(driverPids(shared, 'driver.py'), []);
  });
}

test.serial(
  'a driver that breaks where no other knows the card is asked again, and works then',
  async (t) => {
    const sandbox = await Sandbox.start({
      agent: false,
      config: '[tokens]\ndisabled = ["org.scauth.piv", "org.scauth.pkcs11"]\n',
    });
    try {
      const example = documented('python').replace(
        'def probe(call, _):',
        'def probe(call, _):\n    crash_once()',
      );
      const once = `def crash_once():
    import os
    if not os.path.exists("/run/sandbox/crash/now"): return
    os.unlink("/run/sandbox/crash/now")
    os._exit(9)
`;
      mkdirSync(sandbox.path('/run/sandbox/crash'));
      chmodSync(sandbox.path('/run/sandbox/crash'), 0o777);
      writeFileSync(sandbox.path('/run/sandbox/crash/now'), '');
      installDriver(sandbox, 'example', documented('json'), example.replace('SELECT =', `${once}\nSELECT =`));
      await sandbox.startAgent();
      await person.untilAgentSays(sandbox, 'ended with status 9');
      await person.untilAgentSays(sandbox, 'token in: org.example.piv-lite:');
      t.pass();
    } finally {
      await sandbox.stop();
    }
  },
);

/** What an evil driver does with the PIN instead of verifying it, in the documented example. */
const thefts: readonly (readonly [what: string, body: string, said: RegExp])[] = [
  [
    'stores it on the card, to read it back',
    'send(call, bytes.fromhex("00DB3FFF0F5C035FFF105308" + F8), pin={"offset": 12})',
    /wants the PIN in 00db3fff/,
  ],
  [
    'has it in a chain that is open',
    'send(call, bytes.fromhex("10DB3FFF055C035FFF10")); send(call, VERIFY, pin={"offset": 5})',
    /after a chain of commands/,
  ],
  [
    'sets a PIN of its own with it',
    'send(call, bytes.fromhex("0024008010" + F8 + "393939393939FFFF"), pin={"offset": 5})',
    /wants the PIN in 00240080/,
  ],
  [
    'spends it as the PUK',
    'send(call, bytes.fromhex("002C008108" + F8), pin={"offset": 5})',
    /wants the PIN in 002c0081/,
  ],
  [
    'has another reference verified',
    'send(call, bytes.fromhex("0020000008" + F8), pin={"offset": 5})',
    /wants the PIN in 00200000/,
  ],
  [
    'has it in secure messaging',
    'send(call, bytes.fromhex("0C20008008" + F8), pin={"offset": 5})',
    /wants the PIN in 0c200080/,
  ],
  [
    'has it on another channel',
    'send(call, bytes.fromhex("0120008008" + F8), pin={"offset": 5})',
    /wants the PIN in 01200080/,
  ],
  [
    'puts bytes of its own before it',
    'send(call, bytes.fromhex("002000800931" + F8), pin={"offset": 6})',
    /body is not the PIN/,
  ],
  [
    'guesses PINs of its own',
    'send(call, bytes.fromhex("0020008008313131313131FFFF"))',
    /sends reference data of its own/,
  ],
  [
    'guesses by CHANGE REFERENCE DATA',
    'send(call, bytes.fromhex("0024008010" + 2 * "313131313131FFFF"))',
    /sends reference data of its own/,
  ],
  [
    'uses it twice',
    'send(call, VERIFY, pin={"offset": 5}); send(call, VERIFY, pin={"offset": 5})',
    /PIN a second time/,
  ],
];

test.serial('S8: a driver of the kind card gets the PIN into VERIFY alone, once', async (t) => {
  const mode = '/run/sandbox/evil/mode';
  const honest = 'send(call, VERIFY, pin={"offset": 5})';
  const config = '[tokens]\norder = ["org.example.piv-lite"]\n';
  const sandbox = await Sandbox.start({ agent: false, config });
  try {
    const evil = `F8 = 8 * "FF"
def verify_pin(call, _):
    send(call, SELECT)
    exec(open("${mode}").read())
    return {}
`;
    const program = documented('python').replace(/def verify_pin[^]*?return \{\}\n/, evil);
    mkdirSync(sandbox.path('/run/sandbox/evil'));
    writeFileSync(sandbox.path(mode), honest);
    installDriver(sandbox, 'evil', documented('json'), program);
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.example.piv-lite:');
    await person.pairCard(sandbox);
    await person.expectCardLogin(sandbox);
    const pinInHex = Buffer.from(sandbox.pin).toString('hex').toUpperCase();
    for (const [what, body, said] of thefts) {
      writeFileSync(sandbox.path(mode), body);
      await sandbox.card.clearLog();
      const from = sandbox.agentLog().length;
      const { code } = await person.pamtester(
        sandbox,
        sandbox.user,
        ['scauth-test', sandbox.user],
        sandbox.pin,
      );
      t.not(code, 0, what);
      await person.untilAgentSays(sandbox, said, from);
      // The log has nothing of a command's body that is for a PIN.
      const log = await sandbox.card.log();
      t.false(
        log.some(({ body: sent }) => sent.toUpperCase().includes(pinInHex)),
        what,
      );
      t.deepEqual(
        log.filter(({ ins, body: sent }) => sent.length > 2 && (ins === 0x24 || ins === 0x2c)),
        [],
        what,
      );
      t.true((await sandbox.card.verifyCount()) <= 1, what);
      t.is(await sandbox.card.getTries(), 3, what);
      t.false(await sandbox.card.isVerified(), what);
    }
    writeFileSync(sandbox.path(mode), honest);
    await person.expectCardLogin(sandbox);
  } finally {
    await sandbox.stop();
  }
});

const manifests: readonly (readonly [what: string, text: string, said: RegExp])[] = [
  ['a wrong type', manifest({ version: 7 }), /manifest\.json: version must be text/],
  ['no JSON', '{', /is not JSON/],
  ['an unknown key', manifest({ sudo: true }), /manifest\.json: sudo is not known/],
  ['a program elsewhere', manifest({ program: '../../bin/sh' }), /program must be the name of a file/],
  ['another interface', manifest({ interfaceVersion: 2 }), /interfaceVersion must be 1/],
  ['the id of PIV', manifest({ id: 'org.scauth.piv' }), /another driver has the id org\.scauth\.piv/],
];

test.serial('a manifest that is wrong costs its own driver, and the log says why', async (t) => {
  const sandbox = await Sandbox.start({ agent: false });
  try {
    for (const [index, [, text]] of manifests.entries())
      installDriver(sandbox, `driver-${index}`, text, '#!/bin/false\n');
    const folder = '/etc/scauth/drivers';
    installDriver(sandbox, 'writable', manifest({ id: 'org.example.writable' }), '#!/bin/false\n');
    chmodSync(sandbox.path(`${folder}/writable/driver.py`), 0o777);
    installDriver(sandbox, 'open', manifest({ id: 'org.example.open' }), '#!/bin/false\n');
    chmodSync(sandbox.path(`${folder}/open`), 0o777);
    mkdirSync(sandbox.path(`${folder}/linked`));
    writeFileSync(sandbox.path(`${folder}/linked/manifest.json`), manifest({ id: 'org.example.linked' }));
    symlinkSync('/bin/sh', sandbox.path(`${folder}/linked/driver.py`));
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.piv:');
    const log = sandbox.agentLog();
    const listed = (await listDrivers(sandbox)).flatMap(({ problems }) => problems).join('\n');
    for (const [what, , said] of manifests) {
      t.regex(log, said, what);
      t.regex(listed, said, what);
    }
    t.regex(log, /writable\/driver\.py can be written by others/);
    t.regex(log, /drivers\/open must be a folder that only root can write/);
    t.regex(log, /linked\/driver\.py is not a regular file/);
  } finally {
    await sandbox.stop();
  }
});
