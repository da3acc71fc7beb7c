// Each kind of event, caused in the sandbox and recorded by the real scauthd: a valid OCSF object with what it must name.
// A kind that nothing here causes is named below with the test that does.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { setTimeout as pause } from 'node:timers/promises';
import { AUDIT_KINDS, type AuditEvent } from '../../../agent/model/sealed-log/audit-event.ts';
import { ocsfFaults } from '../../kit/audit/ocsf-rules.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';

type Kind = AuditEvent['kind'];
type Line = Record<string, unknown>;

const ELSEWHERE: Partial<Record<Kind, string>> = {
  gap: 'audit.test.ts: a full disk',
  'records-left-out': 'audit-flood.test.ts',
  'card-suspect': 'card-check.test.ts, forged-card.test.ts',
  'exemption-used': 'the tests of enforcement',
  'break-glass-used': 'the tests of enforcement',
  'session-locked': 'the tests of the lock on removal',
  keyring: 'keyring.test.ts',
};
const NEW_PIN = '48151623';
const NOT_THE_PASSWORD = 'tr0ub4dor-and-3';

let sandbox: Sandbox;
test.before(async () => {
  sandbox = await Sandbox.start();
});
test.after.always(() => sandbox.stop());

function lines(): Line[] {
  return sandbox
    .auditLog()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

function at(line: Line | undefined, ...path: string[]): unknown {
  return path.reduce<unknown>((from, name) => (from as Line | undefined)?.[name], line);
}

function ofKind(kind: Kind): Line[] {
  return lines().filter((line) => at(line, 'metadata', 'event_code') === kind);
}

/** What is recorded once the answer has gone. */
async function untilRecorded(kind: Kind, count = 1): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (ofKind(kind).length < count) {
    if (performance.now() > deadline) throw new Error(`no ${kind}:\n${sandbox.auditLog()}`);
    await pause(20);
  }
}

async function sc_auth(input: string, ...args: string[]): Promise<number> {
  const options = { input, user: sandbox.user };
  return (await sandbox.exec(['sc_auth', ...args], options)).code;
}

async function asRoot(...args: string[]): Promise<void> {
  const { code, stderr } = await sandbox.exec(args);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
}

/** Every kind that people cause. */
async function live(): Promise<void> {
  const hash = await person.cardHash(sandbox);
  await sc_auth(`${NOT_THE_PASSWORD}\n${sandbox.pin}\n`, 'pair', '-h', hash);
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  await asRoot('sc_auth', 'lost', hash);
  await asRoot('sc_auth', 'found', hash);
  await sc_auth(`${sandbox.pin}\n`, 'verifypin');
  await sc_auth(`${sandbox.pin}\n${NEW_PIN}\n${NEW_PIN}\n`, 'changepin');
  await asRoot('sc_auth', 'pairing_ui', '-s', 'disable');
  await asRoot('sc_auth', 'enable-for-login', 'org.scauth.piv');
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), '[login]\ntry_reserve = 0\n');
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await untilRecorded('policy-changed');
  await sandbox.card.eject();
  await untilRecorded('card-out');
  await sandbox.card.insert();
  await untilRecorded('card-in', 2);
  await sandbox.untilCardRead();
  for (let turn = 0; turn < 12 && ofKind('pin-blocked').length === 0; turn += 1) {
    await person.pamtester(sandbox, 'root', ['scauth-test', sandbox.user], person.WRONG_PIN, 'yes');
    await untilRecorded('login', turn + 2);
  }
  await untilRecorded('pin-blocked');
  await asRoot('sc_auth', 'unpair', '-u', sandbox.user);
  await untilRecorded('pairing-removed');
}

test.serial(
  'each kind is recorded by what causes it, as valid OCSF, with all that it must name',
  async (t) => {
    t.timeout(180_000);
    await live();
    for (const line of lines()) t.deepEqual(ocsfFaults(line), [], JSON.stringify(line));
    t.deepEqual(
      AUDIT_KINDS.filter((kind) => ofKind(kind).length === 0),
      AUDIT_KINDS.filter((kind) => kind in ELSEWHERE),
    );
    for (const line of lines()) {
      t.is(typeof at(line, 'time'), 'number');
      t.is(typeof at(line, 'device', 'hostname'), 'string');
      const kind = at(line, 'metadata', 'event_code');
      if (kind === 'card-in' || kind === 'card-out') continue;
      // policy-changed came by a signal: nobody knows whose.
      const who =
        kind === 'policy-changed' ? at(line, 'actor', 'app_name') : at(line, 'actor', 'user', 'uid');
      t.is(typeof who, 'string', JSON.stringify(line));
    }
    const [granted] = ofKind('login').filter((line) => at(line, 'status') === 'Success');
    t.is(at(granted, 'user', 'name'), sandbox.user);
    t.is(at(granted, 'service', 'name'), 'sudo');
    t.regex(String(at(granted, 'unmapped', 'tty')), /^\/dev\/pts\/\d+$|^pts\/\d+$/);
    t.is(at(granted, 'actor', 'process', 'name'), 'sudo');
    t.regex(String(at(granted, 'actor', 'session', 'terminal')), /^pts\/\d+$/);
    t.regex(String(at(granted, 'unmapped', 'request_id')), /./);
    t.regex(String(at(granted, 'unmapped', 'pkhh')), /^[0-9A-F]{40}$/);
    t.regex(String(at(granted, 'unmapped', 'token')), /^org\.scauth\.piv:/);
    t.regex(String(at(granted, 'certificate', 'serial_number')), /^[0-9A-F]+$/);
    t.regex(String(at(granted, 'certificate', 'issuer')), /CN=/);
    t.is(at(granted, 'unmapped', 'rule'), 'login.services');
    const [paired] = ofKind('pairing-added');
    t.is(at(paired, 'actor', 'process', 'name'), 'sc_auth');
    const [blocked] = ofKind('pin-blocked');
    t.is(at(blocked, 'unmapped', 'service'), 'scauth-test');
    t.is(at(blocked, 'unmapped', 'pkhh'), at(granted, 'unmapped', 'pkhh'));
    t.is(at(blocked, 'entity', 'data', 'user', 'name'), sandbox.user);
    t.regex(String(at(blocked, 'unmapped', 'request_id')), /./);
    const log = sandbox.auditLog();
    for (const secret of [sandbox.pin, NEW_PIN, person.WRONG_PIN])
      t.false(log.includes(`"${secret}"`), secret);
    for (const secret of [sandbox.password, NOT_THE_PASSWORD]) t.false(log.includes(secret), secret);
    const { stdout } = await sandbox.exec([
      'sc_auth',
      'audit',
      'search',
      '--user',
      sandbox.user,
      '--kind',
      'pin-blocked',
    ]);
    t.regex(stdout, /pin-blocked +ada +scauth-test/);
  },
);
