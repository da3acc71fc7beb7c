// ECS and CEF by their own lists: each field and key that an export has is one that the format knows, with a value of its
// type and length. Records are made by the real writer, of each kind and with each hostile text.

import { readFileSync } from 'node:fs';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { AuditEvent } from '../../../../../agent/model/sealed-log/audit-event.ts';
import { eventsWith, examples, hostileTexts, key, login } from '../../../../kit/audit/events.ts';
import { temporaryFolder } from '../../../base/folders.ts';
import { append, audit } from '../log.ts';

type Members = Readonly<Record<string, unknown>>;
type Field = readonly [string, unknown];

function vector(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../../../vectors', name), 'utf8'));
}

const ecs = vector('ecs-8.11.0.json') as {
  readonly version: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly arrays: readonly string[];
  readonly words: Readonly<Record<string, readonly string[]>>;
  readonly expected: Readonly<Record<string, readonly string[]>>;
};
const cef = vector('cef-0.json') as {
  readonly keys: Readonly<Record<string, readonly [string, string, number | null]>>;
};

const ADDRESSES = ['192.0.2.7', '2001:db8::7', 'far.example'];

async function exported(
  t: ExecutionContext,
  format: string,
  events: readonly AuditEvent[],
): Promise<string[]> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, events);
  const { code, out, err } = await audit(path, 'export', '--format', format);
  if (code !== 0 || err !== '') throw new Error(err);
  const lines = out.split('\n').slice(0, -1);
  t.is(lines.length, events.length);
  return lines;
}

function everything(): AuditEvent[] {
  return [
    ...examples.map(({ event }) => event),
    ...hostileTexts.flatMap(eventsWith),
    ...ADDRESSES.map((rhost) => login({ kind: 'granted' }, { rhost })),
  ];
}

function leaves(value: unknown, path: string): Field[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(inner, path === '' ? name : `${path}.${name}`),
  );
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: (value) => typeof value === 'string' && value.length <= 1024,
  match_only_text: (value) => typeof value === 'string',
  long: (value) => Number.isSafeInteger(value),
  ip: (value) => typeof value === 'string' && isIP(value) !== 0,
  date: (value) => typeof value === 'string' && new Date(value).toISOString() === value,
};

function ecsFaults([path, value]: Field): string[] {
  if (path.startsWith('scauth.')) return [];
  const type = ecs.fields[path];
  if (type === undefined) return [`${path}: no field of ECS ${ecs.version}`];
  const isArray = ecs.arrays.includes(path);
  if (isArray !== Array.isArray(value)) return [`${path}: ${isArray ? 'an array' : 'one value'} is wanted`];
  const fits = TYPES[type] ?? (() => false);
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => [
    ...(fits(one) ? [] : [`${path}: no ${type}`]),
    ...(ecs.words[path]?.includes(String(one)) === false ? [`${path}: ${String(one)} is no word of it`] : []),
  ]);
}

test('ECS: each field is in the published list or below scauth, with a value of its type', async (t) => {
  for (const line of await exported(t, 'ecs', everything())) {
    const document = JSON.parse(line) as Members;
    const fields = new Map(leaves(document, ''));
    t.deepEqual([...fields].flatMap(ecsFaults), [], line);
    for (const name of ['message', 'event.code', 'event.action', 'host.name', 'ecs.version'])
      t.true(fields.has(name), `${name}: ${line}`);
    const [category] = fields.get('event.category') as string[];
    const [type] = fields.get('event.type') as string[];
    t.true(ecs.expected[category ?? '']?.includes(type ?? ''), `${category ?? ''} + ${type ?? ''}`);
  }
});

test('ECS: what it has no field for, and what is misplaced, would be found', (t) => {
  const found = (document: object): string[] => leaves(document, '').flatMap(ecsFaults);
  t.deepEqual(found({ x509: { serial_number: '1' } }), ['x509.serial_number: no field of ECS 8.11.0']);
  t.deepEqual(found({ process: { tty: { name: 'x' } } }), ['process.tty.name: no field of ECS 8.11.0']);
  t.deepEqual(found({ source: { ip: 'far.example' } }), ['source.ip: no ip']);
  t.deepEqual(found({ event: { kind: 'sad' } }), ['event.kind: sad is no word of it']);
  t.deepEqual(found({ event: { category: 'iam' } }), ['event.category: an array is wanted']);
  t.false(ecs.expected['session']?.includes('change'));
});

test('ECS: a remote host is an address or a name; certificate, terminal and key stand below scauth', async (t) => {
  const lines = await exported(
    t,
    'ecs',
    ADDRESSES.map((rhost) => login({ kind: 'granted' }, { rhost })),
  );
  const documents = lines.map((line) => JSON.parse(line) as Members);
  t.deepEqual(
    documents.map(({ source }) => source),
    [
      { address: '192.0.2.7', ip: '192.0.2.7' },
      { address: '2001:db8::7', ip: '2001:db8::7' },
      { address: 'far.example', domain: 'far.example' },
    ],
  );
  t.like(documents[0]?.['scauth'], {
    certificate: { serial_number: '13C81A', issuer: 'CN=CA' },
    terminal: '/dev/pts/1',
    pkhh: key.pkhh,
    actor: { uid: '1000' },
  });
});

test('ECS: a change of settings keeps its setting, old and new value', async (t) => {
  const changes = [{ setting: 'enforcement', from: 'on', to: 'off' }];
  const [line = ''] = await exported(t, 'ecs', [{ kind: 'policy-changed', actor: null, changes }]);
  t.deepEqual((JSON.parse(line) as { scauth: Members }).scauth['changes'], changes);
});

/** Header and extension of a line, unescaped. */
function readCef(line: string): { header: string[]; extension: Map<string, string> } {
  const parts = line.split(/(?<!\\)(?:\\\\)*\|/);
  const header = parts.slice(0, 7);
  const extension = new Map<string, string>();
  const text = line.slice(header.reduce((at, part) => line.indexOf(part, at) + part.length + 1, 0));
  const starts = [...text.matchAll(/(?:^| )(\w+)=/g)].filter(({ index }) => text[index - 1] !== '\\');
  for (const [at, { 0: whole, 1: name = '', index }] of starts.entries()) {
    const raw = text.slice(index + whole.length, starts[at + 1]?.index ?? text.length);
    extension.set(
      name,
      raw.replace(/\\(.)/g, (_escape, letter: string) => (letter === 'n' ? '\n' : letter)),
    );
  }
  return { header, extension };
}

const CEF_TYPES: Readonly<Record<string, (value: string) => boolean>> = {
  string: () => true,
  integer: (value) => /^\d{1,10}$/.test(value),
  timestamp: (value) => /^\d+$/.test(value),
  ipv4: isIPv4,
  ipv6: isIPv6,
};

test('CEF: each key is in the dictionary, with a value of its type and length, and escapes are whole', async (t) => {
  for (const line of await exported(t, 'cef', everything())) {
    t.regex(line, /^CEF:0\|scauth\|scauth\|\d+\.\d+\.\d+\|[a-z-]+\|[^|]+\|\d+\|rt=\d+ /);
    // After a backslash stands only what may be escaped.
    t.notRegex(line.replaceAll(/\\[\\=n|]/g, ''), /\\/);
    const { header, extension } = readCef(line);
    t.true(header.every((field) => field.length <= 512));
    for (const [name, value] of extension) {
      const [, type, length] = cef.keys[name] ?? [name, 'unknown', 0];
      t.true(CEF_TYPES[type]?.(value), `${name}: ${type}: ${value.slice(0, 80)}`);
      t.true(length === null || value.length <= length, `${name}: ${value.length}`);
      if (/^cs\d$|^c6a\d$/.test(name)) t.true(extension.has(`${name}Label`), name);
    }
  }
});

test('CEF: an address is src or the second IPv6 address, a name is shost', async (t) => {
  const lines = await exported(
    t,
    'cef',
    ADDRESSES.map((rhost) => login({ kind: 'granted' }, { rhost })),
  );
  const found = lines.map((line) => {
    const { extension } = readCef(line);
    return ['src', 'c6a2', 'shost'].map((name) => extension.get(name));
  });
  t.deepEqual(found, [
    ['192.0.2.7', undefined, undefined],
    [undefined, '2001:db8::7', undefined],
    [undefined, undefined, 'far.example'],
  ]);
});

test('CEF: what a reader gets is what was written, escapes and all', async (t) => {
  const user = 'a|b\\c=d e=f';
  const [line = ''] = await exported(t, 'cef', [
    login({ kind: 'granted' }, { user, detail: 'one\ntwo=2\\' }),
  ]);
  const { header, extension } = readCef(line);
  t.is(header[4], 'login');
  t.is(header[5], 'Card login granted');
  t.is(extension.get('duser'), user);
  t.is(extension.get('msg'), 'one\ntwo=2\\');
  const [long = ''] = await exported(t, 'cef', [
    login({ kind: 'granted' }, { user: `${'x'.repeat(1000)}${'\\'.repeat(40)}` }),
  ]);
  t.is(readCef(long).extension.get('duser')?.length, 512);
});

test('tail goes on in a format, for a shipper', async (t) => {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  await append(path, [login({ kind: 'granted' }), login({ kind: 'granted' }, { user: 'bob' })]);
  const { out } = await audit(path, 'tail', '-n', '1', '--format', 'ecs');
  t.like(JSON.parse(out), { user: { name: 'bob' }, ecs: { version: ecs.version } });
  t.is((await audit(path, 'tail', '--format', 'xml')).code, 2);
});
