// Each kind of event as an OCSF object: against the JSON schema of the classes that we use, and its meaning.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import test from 'ava';
import fc from 'fast-check';
import { toOcsf } from '../../../agent/audit/ocsf/ocsf.ts';
import { requesterOf } from '../../../agent/audit/requester.ts';
import { AUDIT_KINDS } from '../../../agent/model/audit-event.ts';
import { chainName, sealLine } from '../../../agent/model/sealed-line.ts';
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

type Line = Record<string, unknown>;

const schemaFile = join(import.meta.dirname, '../../../agent/audit/ocsf/ocsf.schema.json');
const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: false });
const isOcsf = ajv.compile(JSON.parse(readFileSync(schemaFile, 'utf8')) as object);
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
    t.true(isOcsf(line), JSON.stringify(isOcsf.errors?.slice(0, 12), null, 1));
    t.like(line, {
      time: 1234,
      class_uid: classUid,
      activity_id: activity,
      type_uid: classUid * 100 + activity,
      category_uid: Math.trunc(classUid / 1000),
      severity_id: severity,
      status_id: status,
    });
    t.like(line['metadata'], { version: '1.6.0', product: { name: 'scauth' }, event_code: event.kind });
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

test('the schema refuses what is not OCSF', (t) => {
  const good = written(granted);
  for (const broken of [
    { ...good, class_uid: 3003 },
    { ...good, type_uid: 300201 },
    { ...good, activity_id: 8, type_uid: 300208 },
    { ...good, user: {} },
    { ...good, service: undefined },
    { ...good, severity_id: 7 },
    { ...good, certificate: { issuer: 'x' } },
    { ...good, stray: 1 },
    { ...good, metadata: { version: '1.3.0' } },
  ]) {
    t.false(isOcsf(JSON.parse(JSON.stringify(broken))));
  }
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
        isOcsf(JSON.parse(line.toString()))
      );
    });
  for (const text of hostileTexts) t.true(check(text), JSON.stringify(text.slice(0, 40)));
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), check), { numRuns: 50 });
});
