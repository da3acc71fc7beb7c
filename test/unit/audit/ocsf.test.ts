// Each kind of event as an OCSF object: against the published rules of the classes that we use, and its meaning.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { anyText } from '../../kit/any-text.ts';
import { toOcsf } from '../../../agent/audit/ocsf/record.ts';
import { requesterOf } from '../../../agent/audit/requester.ts';
import { nameProgram } from '../../../agent/base/program-name.ts';
import { AUDIT_KINDS } from '../../../agent/model/sealed-log/audit-event.ts';
import { chainName, sealLine } from '../../../agent/model/sealed-log/sealed-line.ts';
import {
  actor,
  eventsWith,
  examples,
  granted,
  hostileTexts,
  key,
  login,
  promptScopes,
} from '../../kit/audit/events.ts';
import { ocsfFaults, ocsfSchema } from '../../kit/audit/ocsf-rules.ts';

type Line = Record<string, unknown>;

const firstKey = Buffer.alloc(32, 7);
const position = { sequence: 0, key: firstKey, prev: chainName(firstKey) };

/** What is in the file. */
function written(event: (typeof examples)[number]['event']): Line {
  const record = toOcsf(event, 1234, requesterOf({ pid: process.pid, uid: 0, gid: 0 }));
  return JSON.parse(sealLine(record, position).line.toString()) as Line;
}

test('there is an example of each kind', (t) => {
  t.deepEqual([...new Set(examples.map(({ event }) => event.kind))].sort(), [...AUDIT_KINDS].sort());
});

for (const [index, { event, classUid, activity, status, severity }] of examples.entries()) {
  const name = event.kind === 'login' ? `login ${event.outcome.kind} by ${event.service}` : event.kind;
  test(`${name} (example ${index}) is a valid OCSF object`, (t) => {
    const line = written(event);
    t.deepEqual(ocsfFaults(line), []);
    t.like(line, {
      time: 1234,
      class_uid: classUid,
      activity_id: activity,
      type_uid: classUid * 100 + activity,
      category_uid: Math.trunc(classUid / 1000),
      severity_id: severity,
      status_id: status,
    });
    t.like(line['metadata'], {
      version: ocsfSchema.version,
      profiles: ['host'],
      product: { name: 'scauth' },
      event_code: event.kind,
    });
  });
}

test('the pairing prompt: which level was switched, whose, and for which card', (t) => {
  const data = promptScopes.map((scope) => {
    const { entity } = written({ kind: 'prompt-state', enabled: false, scope, actor });
    return (entity as Line)['data'];
  });
  t.deepEqual(data, [
    { enabled: false, level: 'machine' },
    { enabled: false, level: 'user', user: { name: 'ada' } },
    { enabled: false, level: 'card', user: { name: 'ada' }, token: 'org.scauth.piv:01' },
  ]);
});

test('the rules refuse what is not OCSF', (t) => {
  const good = written(granted);
  const metadata = good['metadata'] as Line;
  const broken: readonly (readonly [object, string])[] = [
    [{ class_uid: 3003 }, 'class_uid: 3003 is not in the rules'],
    [{ type_uid: 300201 }, 'type_uid: not of class and activity'],
    [{ activity_id: 8, type_uid: 300208 }, 'activity_id: 8 is not in the enumeration'],
    [{ activity_name: 'Logon' }, 'activity_id: 7 is Account Switch, not "Logon"'],
    [{ activity_id: 99, activity_name: undefined, type_uid: 300299 }, 'activity_id: 99 without words'],
    [{ user: {} }, 'user.: none of account, name, uid'],
    [{ user: undefined }, 'user: required'],
    [{ user: { name: 1 } }, 'user.name: no username'],
    [{ service: undefined }, ': none of dst_endpoint, service'],
    [{ severity_id: 7 }, 'severity_id: 7 is not in the enumeration'],
    [{ certificate: { issuer: 'x' } }, 'certificate.serial_number: required'],
    [{ stray: 1 }, 'stray: no attribute'],
    [{ auth_factors: [{}] }, 'auth_factors[0].factor_type_id: required'],
    [{ src_endpoint: { hostname: '192.0.2.1' } }, 'src_endpoint.hostname: no hostname'],
    [{ timezone_offset: 7200 }, 'timezone_offset: no minutes of a time zone'],
    [{ metadata: { ...metadata, version: '1.3.0' } }, 'metadata.version: other rules'],
    [{ metadata: { ...metadata, profiles: [] } }, 'device: only with the profile host'],
  ];
  for (const [change, fault] of broken)
    t.deepEqual(ocsfFaults(JSON.parse(JSON.stringify({ ...good, ...change })) as Line), [fault]);
});

test('each record says what happened in words, where the clock stands, and why not', (t) => {
  const before = process.env['TZ'];
  process.env['TZ'] = 'Asia/Kolkata';
  t.teardown(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });
  for (const { event } of examples) {
    const line = written(event);
    t.regex(String(line['message']), /^[A-Z]/, event.kind);
    t.is(line['timezone_offset'], 330);
  }
  const refused = written(login({ kind: 'denied', reason: 'pin-blocked' }));
  t.is(refused['message'], 'Card login refused: The PIN is blocked (alice, sudo)');
  t.like(refused, { status_code: 'pin-blocked', status_detail: 'pin-blocked' });
  t.false('status_code' in written(granted));
});

test('a remote host is an address or a name', (t) => {
  const from = (rhost: string): unknown => written(login({ kind: 'granted' }, { rhost }))['src_endpoint'];
  t.deepEqual(from('2001:db8::7'), { ip: '2001:db8::7' });
  t.deepEqual(from('192.0.2.7'), { ip: '192.0.2.7' });
  t.deepEqual(from('far.example'), { hostname: 'far.example' });
});

test('the process is named by its program, not by a thread', async (t) => {
  // A process may give itself any name.
  const liar = spawn('bash', ['-c', 'printf sudo >/proc/$$/comm; echo up; read -r']);
  t.teardown(() => liar.kill());
  await once(liar.stdout, 'data');
  const nameOf = ({ pid = 0 }: { readonly pid?: number | undefined }): unknown =>
    requesterOf({ pid, uid: 0, gid: 0 })?.name;
  t.is(nameOf(liar), 'bash');
  const before = readFileSync('/proc/self/comm', 'utf8');
  t.teardown(() => {
    writeFileSync('/proc/self/comm', before);
  });
  nameProgram('sc_auth');
  t.is(nameOf(process), 'sc_auth');
});

test('a login says which key, card, certificate, terminal, process and rule', (t) => {
  const line = written(login({ kind: 'denied', reason: 'bad-proof' }));
  t.like(line['unmapped'], {
    pkhh: key.pkhh,
    token: key.tokenId,
    tty: '/dev/pts/1',
    rule: 'login.services',
    request_id: 'r1',
  });
  t.deepEqual(line['certificate'], { serial_number: '13C81A', issuer: 'CN=CA' });
  t.is(line['status_detail'], 'bad-proof');
  t.is(line['is_mfa'], false);
  t.is(written(granted)['is_mfa'], true);
  t.like(line['actor'], { process: { pid: actor.pid, path: process.execPath }, user: { uid: '1000' } });
});

test('any text gives one line of valid OCSF', (t) => {
  const check = (text: string): boolean =>
    eventsWith(text).every((event) => {
      const { line } = sealLine(toOcsf(event, 0), position);
      const oneLine = line.indexOf(0x0a) === line.length - 1 && line.length < 16_384;
      return (
        oneLine &&
        !/[\0-\x1f]/.test(line.toString('utf8', 0, line.length - 1)) &&
        ocsfFaults(JSON.parse(line.toString()) as Line).length === 0
      );
    });
  for (const text of hostileTexts) t.true(check(text), JSON.stringify(text.slice(0, 40)));
  fc.assert(fc.property(anyText(2000), check), { numRuns: 50 });
});
