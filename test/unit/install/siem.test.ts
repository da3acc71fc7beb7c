// install/siem: each Sigma rule fires on a log with its attack and on no other, and is silent on an ordinary one; the
// queries name the same values as the rules, and only fields that records have. The logs are scauthd's own writer's.

import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AuditEvent, GapReason } from '../../../agent/model/sealed-log/audit-event.ts';
import { actor, examples, key, login, promptScopes } from '../../kit/audit/events.ts';
import { rowsOf, type QueryLanguage } from '../../kit/audit/siem-query.ts';
import { fires, readSigma, valuesAt, type SigmaRule } from '../../kit/audit/sigma.ts';
import { temporaryFolder } from '../base/folders.ts';
import { append, audit, linesOf, logins, START_MS, writeLines } from '../cli/audit/log.ts';

type Members = Readonly<Record<string, unknown>>;

const SIEM = join(import.meta.dirname, '../../../install/siem');
const rules = readSigma(
  globSync('sigma/*.yml', { cwd: SIEM })
    .sort()
    .map((file) => join(SIEM, file)),
);
const names = [...rules.keys()];
const root = { ...actor, uid: 0, gid: 0 };
const tokenId = key.tokenId ?? '';
const settings = (setting: string, from: string, to: string): AuditEvent => ({
  kind: 'policy-changed',
  actor: root,
  changes: [{ setting, from, to }],
});
const wrongPin = (user: string): AuditEvent => login({ kind: 'denied', reason: 'wrong-pin' }, { user });

/** An ordinary week, with all that resembles an attack and is none. */
const ordinary: readonly AuditEvent[] = [
  ...logins(5),
  login({ kind: 'unavailable', reason: 'no-card' }),
  login({ kind: 'cancelled' }),
  login({ kind: 'denied', reason: 'service-not-allowed' }),
  wrongPin('alice'),
  wrongPin('alice'),
  login(
    { kind: 'denied', reason: 'wrong-pin' },
    { user: 'bob', key: { ...key, tokenId: 'org.scauth.piv:02' } },
  ),
  { kind: 'pairing-added', user: 'alice', actor, key },
  { kind: 'pairing-added', user: 'root', actor: root, key },
  { kind: 'pairing-removed', user: 'alice', actor: root, key },
  { kind: 'pairing-refused', user: 'alice', actor, detail: 'wrong-password' },
  settings('enforcement', 'off', 'trial until 2026-01-15T12:30:00.000Z'),
  settings('enforcement', 'trial until 2026-01-15T12:30:00.000Z', 'on'),
  settings('keyring.allowed', 'on', 'off'),
  { kind: 'driver-changed', action: 'disabled', driver: 'org.example', version: null, actor: root },
  { kind: 'driver-changed', action: 'removed', driver: 'org.example', version: null, actor: root },
  ...promptScopes.map((scope): AuditEvent => ({ kind: 'prompt-state', enabled: false, scope, actor })),
  { kind: 'pin-checked', good: true, tokenId, user: 'alice', key, actor },
  { kind: 'pin-changed', how: 'changed', good: true, tokenId, user: 'alice', key, actor },
  { kind: 'card-in', tokenId, driver: 'org.scauth.piv', reader: 'Reader 00 00' },
  { kind: 'card-out', tokenId, driver: 'org.scauth.piv', reader: 'Reader 00 00' },
  { kind: 'session-locked', user: 'alice', session: '3', tokenId, cause: 'card-removed' },
];

const ofKind = (kind: AuditEvent['kind']): AuditEvent[] =>
  examples.map(({ event }) => event).filter((event) => event.kind === kind);

const attacks: Readonly<Record<string, readonly AuditEvent[]>> = {
  scauth_break_glass_used: ofKind('break-glass-used'),
  scauth_enforcement_off: [
    settings('enforcement', 'on', 'off'),
    {
      kind: 'policy-changed',
      actor: root,
      changes: [
        { setting: 'keyring.allowed', from: 'on', to: 'off' },
        { setting: 'enforcement', from: 'on', to: 'off' },
      ],
    },
  ],
  scauth_pairing_by_root: [{ kind: 'pairing-added', user: 'alice', actor: root, key }],
  scauth_wrong_pin: [wrongPin('mallory'), wrongPin('alice')],
  scauth_pin_blocked: ofKind('pin-blocked'),
  scauth_driver_enabled: [
    { kind: 'driver-changed', action: 'enabled', driver: 'org.example', version: '1', actor: root },
  ],
  scauth_password_by_exception: ofKind('exemption-used'),
  scauth_records_left_out: ofKind('records-left-out'),
  scauth_card_suspect: ofKind('card-suspect'),
};

function recordsOf(path: string): Members[] {
  return linesOf(path).map((line) => JSON.parse(Buffer.from(line, 'latin1').toString()) as Members);
}

/** As Elastic gets them. */
async function asEcs(path: string): Promise<Members[]> {
  const { out } = await audit(path, 'export', '--format', 'ecs');
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Members);
}

async function written(t: ExecutionContext, events: readonly AuditEvent[]): Promise<Members[]> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, events);
  return recordsOf(path);
}

function fired(records: readonly Members[]): string[] {
  return names.filter((name) => fires(rules.get(name) ?? [], records));
}

test('an ordinary log raises no alert', async (t) => {
  t.deepEqual(fired(await written(t, ordinary)), []);
});

for (const [name, events] of Object.entries(attacks)) {
  test(`${name} fires on its attack, and nothing else does`, async (t) => {
    t.deepEqual(fired(await written(t, [...ordinary, ...events])), [name]);
    for (const event of name === 'scauth_wrong_pin' ? [] : events)
      t.deepEqual(fired(await written(t, [event])), [name]);
  });
}

test('scauth_log_not_whole fires on records that were taken out, and on a clock that was set back', async (t) => {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, logins(4));
  t.deepEqual(fired(recordsOf(path)), []);
  writeLines(path, linesOf(path).slice(0, 2));
  await append(path, logins(1));
  t.deepEqual(fired(recordsOf(path)), ['scauth_log_not_whole']);
  const other = join(temporaryFolder(t), 'audit.jsonl');
  await append(other, logins(1), START_MS + 3_600_000);
  await append(other, logins(1), START_MS);
  t.deepEqual(fired(recordsOf(other)), ['scauth_log_not_whole']);
});

test('a write that was cut off is no alert: nothing was granted on it', async (t) => {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, logins(2));
  writeFileSync(path, '{"time":1', { flag: 'a' });
  await append(path, logins(1));
  t.true(recordsOf(path).some((record) => record['status_code'] === 'torn-record'));
  t.deepEqual(fired(recordsOf(path)), []);
});

test('wrong PINs by two accounts count within ten minutes only', async (t) => {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, [wrongPin('alice')], START_MS);
  await append(path, [wrongPin('bob')], START_MS + 11 * 60_000);
  t.deepEqual(fired(recordsOf(path)), []);
  await append(path, [wrongPin('carol')], START_MS + 20 * 60_000);
  t.deepEqual(fired(recordsOf(path)), ['scauth_wrong_pin']);
});

const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const RULE_KEYS =
  /^(title|id|name|status|description|license|author|references|date|modified|tags|logsource|detection|correlation|fields|falsepositives|level)$/;

test('the rules have what the specification of Sigma wants', (t) => {
  const all = [...rules.values()].flat();
  t.is(names.length, 10);
  t.is(new Set(all.map((rule) => rule['id'])).size, all.length);
  for (const rule of all) {
    for (const name of Object.keys(rule)) t.regex(name, RULE_KEYS, rule.title);
    t.regex(String(rule['id']), UUID);
    t.regex(String(rule['status']), /^(stable|test|experimental)$/);
    t.regex(String(rule['level']), /^(informational|low|medium|high|critical)$/);
    t.regex(String(rule['date']), /^\d{4}-\d{2}-\d{2}$/);
    t.true(rule.title.length <= 256);
    for (const tag of (rule['tags'] ?? []) as string[]) t.regex(tag, /^attack\.t\d{4}(\.\d{3})?$/);
    t.is(rule.detection === undefined, rule.correlation !== undefined, rule.title);
    if (rule.detection !== undefined) t.like(rule['logsource'], { product: 'scauth', service: 'audit' });
  }
});

const GAPS: readonly GapReason[] = [
  'clock-set-back',
  'records-missing',
  'records-altered',
  'not-written',
  'torn-record',
  'seal-lost',
];

/** Everything that a record can have, in the log's form and in ECS. */
async function everything(t: ExecutionContext): Promise<{ ocsf: Members[]; ecs: Members[] }> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, [
    ...examples.map(({ event }) => event),
    ...Object.values(attacks).flat(),
    ...ordinary,
    ...ofKind('exemption-used').map((event): AuditEvent => ({ ...event, rhost: '192.0.2.7' }) as AuditEvent),
    login({ kind: 'granted' }, { rhost: '192.0.2.7' }),
    login({ kind: 'denied', reason: 'pin-blocked' }),
    login({ kind: 'denied', reason: 'pin-reserve' }),
    ...GAPS.map((reason): AuditEvent => ({ kind: 'gap', reason, count: 1, fromMs: 1, toMs: 2 })),
  ]);
  const ecs = await asEcs(path);
  // What only a process that is in a session, and logged in, has.
  const inSession = { actor: { user: { uid_alt: '1000' }, session: { uid: '3', terminal: 'pts/1' } } };
  const inSessionEcs = { scauth: { actor: { login_uid: '1000', session: '3' } } };
  return { ocsf: [...recordsOf(path), inSession], ecs: [...ecs, inSessionEcs] };
}

test('the fields that the rules name are in the records', async (t) => {
  const { ocsf } = await everything(t);
  const fieldsOf = ({ detection = {}, correlation, ...rest }: SigmaRule): string[] => [
    ...Object.values(detection).flatMap((one) => (typeof one === 'string' ? [] : Object.keys(one))),
    ...((rest['fields'] ?? []) as string[]),
    ...(correlation?.['group-by'] ?? []),
    ...(correlation === undefined ? [] : [String(correlation.condition['field'])]),
  ];
  for (const field of [...rules.values()].flat().flatMap(fieldsOf))
    t.true(valuesAt(ocsf, field.split('.')).length > 0, field);
});

interface Language {
  readonly file: string;
  readonly language: QueryLanguage;
  /** The line over a query. */
  readonly head: RegExp;
  readonly fields: (query: string) => string[];
  readonly stages: RegExp;
  readonly records: 'ocsf' | 'ecs';
}

const each = (query: string, pattern: RegExp): string[] =>
  [...query.matchAll(pattern)].map((match) => match[1] ?? '');
const withoutTexts = (query: string): string => query.replaceAll(/"[^"]*"/g, '""');

const LANGUAGES: readonly Language[] = [
  {
    file: 'alerts.esql',
    language: 'esql',
    head: /^\/\/ ---- (\w+)$/m,
    fields: (query) =>
      each(
        withoutTexts(query).replace(/^FROM .*$/m, ''),
        /(@timestamp|(?<![\w.])message\b|[a-z]\w*(?:\.\w+)+)/g,
      ),
    stages: /^(FROM|WHERE|KEEP|STATS|MV_EXPAND)\b/,
    records: 'ecs',
  },
  {
    file: 'alerts.spl',
    language: 'spl',
    head: /^```---- (\w+)```$/m,
    fields: (query) =>
      [
        ...each(query, /"(\w+(?:\{\})?(?:\.\w+(?:\{\})?)+)"/g),
        ...each(query, /\b(status_code|activity_name)\b/g),
      ].map((field) => field.replaceAll('{}', '')),
    stages: /^(sourcetype=|(table|bin|stats|where)\b)/,
    records: 'ocsf',
  },
  {
    file: 'alerts.kql',
    language: 'kql',
    head: /^\/\/ ---- (\w+)$/m,
    fields: (query) => [
      ...each(query, /\br\.([\w.[\]]+)/g).map((field) => field.replaceAll('[0]', '')),
      ...each(query, /\bchange\.(\w+)/g).map((field) => `entity.data.changes.${field}`),
    ],
    stages: /^(Scauth_CL|extend|where|project|summarize|mv-expand)\b/,
    records: 'ocsf',
  },
];

/** The values that the selections of a rule want. */
function wantedBy(documents: readonly SigmaRule[]): string[] {
  return documents
    .flatMap(({ detection = {} }) => Object.values(detection))
    .flatMap((one) => (typeof one === 'string' ? [] : Object.values(one)))
    .flat()
    .map(String)
    .sort();
}

/** The queries of a file, by the rules that they stand for. */
function queriesOf({ file, head }: Language): Map<string, string> {
  const [, ...parts] = readFileSync(join(SIEM, file), 'utf8').split(head);
  return new Map(parts.flatMap((part, at) => (at % 2 === 0 ? [[part, parts[at + 1] ?? ''] as const] : [])));
}

for (const one of LANGUAGES) {
  const { file, language, fields, stages, records } = one;

  test(`${file}: each query finds its attack, and nothing else does`, async (t) => {
    const queries = queriesOf(one);
    const found = async (path: string): Promise<string[]> => {
      const documents = records === 'ecs' ? await asEcs(path) : recordsOf(path);
      return names.filter((name) => rowsOf(queries.get(name) ?? '', language, documents) > 0);
    };
    const logOf = async (...parts: (readonly AuditEvent[])[]): Promise<string> => {
      const path = join(temporaryFolder(t), 'audit.jsonl');
      for (const [n, events] of parts.entries()) await append(path, events, START_MS + n * 20 * 60_000);
      return path;
    };
    t.deepEqual(await found(await logOf(ordinary)), []);
    for (const [name, events] of Object.entries(attacks)) {
      t.deepEqual(await found(await logOf([...ordinary, ...events])), [name]);
      for (const event of name === 'scauth_wrong_pin' ? [] : events)
        t.deepEqual(await found(await logOf([event])), [name], JSON.stringify(event));
    }
    t.deepEqual(await found(await logOf([wrongPin('alice')], [wrongPin('bob')])), []);
    const cut = await logOf(logins(4));
    writeLines(cut, linesOf(cut).slice(0, 2));
    await append(cut, logins(1));
    t.deepEqual(await found(cut), ['scauth_log_not_whole']);
  });
  test(`${file}: a query a rule, with its values, fields that are there, and known stages`, async (t) => {
    const queries = queriesOf(one);
    t.deepEqual([...queries.keys()].sort(), [...names].sort());
    const there = (await everything(t))[records];
    for (const [name, query] of queries) {
      const found = fields(query);
      t.true(found.length > 2, name);
      for (const field of found) t.true(valuesAt(there, field.split('.')).length > 0, `${name}: ${field}`);
      const texts = each(query, /"([^"]*)"/g).filter((text) => !found.includes(text.replaceAll('{}', '')));
      t.deepEqual(
        texts.filter((text) => text !== 'scauth:audit').sort(),
        wantedBy(rules.get(name) ?? []),
        name,
      );
      for (const stage of query.trim().split(/\n\s*\| /)) t.regex(stage, stages, name);
      const plain = withoutTexts(query);
      t.is(plain.split('(').length, plain.split(')').length, name);
    }
  });
}

test('the index template maps each field of an exported document, by the type that ECS gives it', async (t) => {
  const template = JSON.parse(readFileSync(join(SIEM, 'elastic-index-template.json'), 'utf8')) as {
    template: { mappings: Members };
  };
  const vectors = join(import.meta.dirname, '../../vectors/ecs-8.11.0.json');
  const { fields } = JSON.parse(readFileSync(vectors, 'utf8')) as { fields: Record<string, string> };
  const mapped = new Map<string, unknown>();
  const walk = (properties: Members, path: string): void => {
    for (const [name, one] of Object.entries(properties) as [string, Members][]) {
      if ('properties' in one) walk(one['properties'] as Members, `${path}${name}.`);
      else mapped.set(path + name, one['type']);
    }
  };
  walk(template.template.mappings['properties'] as Members, '');
  const emitted = new Set<string>();
  const collect = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const one of value) collect(one, path);
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) collect(one, path === '' ? name : `${path}.${name}`);
    else emitted.add(path);
  };
  for (const document of (await everything(t)).ecs) collect(document, '');
  t.deepEqual([...mapped.keys()].sort(), [...emitted].sort());
  for (const [path, type] of mapped) if (!path.startsWith('scauth.')) t.is(type, fields[path], path);
});

test('the README says of each alert what to do', (t) => {
  const text = readFileSync(join(SIEM, 'README.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (.+?) +\| (.+?) +\|$/gm)];
  t.deepEqual(rows.map(([, name]) => name).sort(), [...names].sort());
  for (const [, , when = '', then = ''] of rows) t.true(when.length > 10 && then.length > 30);
  for (const [, file = ''] of text.matchAll(/`([\w-]+\.(?:esql|spl|kql|json))`/g))
    t.deepEqual(
      globSync(file, { cwd: SIEM }).map((found) => basename(found)),
      [file],
    );
});
