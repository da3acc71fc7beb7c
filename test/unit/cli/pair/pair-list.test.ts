// sc_auth pair --from against a scripted scauthd that keeps pairings: what a list may hold, what of it is refused before
// scauthd is asked, and what the run ends with.

import { generateKeyPairSync } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseCertificateFile } from '../../../../agent/model/key/key.ts';
import { makeCertificate, type CertificateFields } from '../../../kit/card/certificate.ts';
import { pairing, startFakeAgent, type Script } from '../fake-agent.ts';
import { OnTerminal, runHere, type Outcome } from '../run-sc-auth.ts';
import type { Surroundings } from '../../../../agent/cli/context.ts';

const [A, B, C] = ['AA', 'BB', 'CC'].map((byte) => byte.repeat(20)) as [string, string, string];
const BOM = '\ufeff';

interface Row {
  readonly line: number | null;
  readonly file: string | null;
  readonly user: string | null;
  readonly hash: string | null;
  readonly result: string;
  readonly error: string | null;
  readonly message: string | null;
}

interface Run extends Outcome {
  readonly rows: readonly Row[];
  /** `user hash-or-certificate`, as scauthd was asked. */
  readonly asked: readonly string[];
}

interface Scene {
  /** Pairings that are there: `user hash`. */
  readonly known?: readonly string[];
  /** After so many calls scauthd is gone. */
  readonly lives?: number;
  readonly args?: readonly string[];
  readonly over?: Partial<Surroundings>;
}

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pair-list-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** A scauthd with a table, that knows every account but `nobody-here`. */
function tableOf(table: Set<string>, lives: number): { script: Script; asked: string[] } {
  const asked: string[] = [];
  const script: Script = ({ parameters }, caller) => {
    if (asked.length >= lives) {
      caller.end();
      return;
    }
    const { user, hash, certificate, dryRun } = parameters as Record<string, string>;
    const der = certificate == null ? null : Buffer.from(certificate, 'base64');
    const key = der === null ? String(hash) : parseCertificateFile(der).publicKey.pkhh;
    const name = `${String(user)} ${key}`;
    asked.push(name);
    const fail = (code: string): void => {
      caller.fail('io.scauth.Failed', { code, message: `${code}.`, triesLeft: null });
    };
    if (user === 'nobody-here') fail('unknown-user');
    else if (table.has(name)) fail('already-paired');
    else {
      if (String(dryRun) !== 'true') table.add(name);
      caller.reply({ pairing: pairing({ user: String(user), hash: key }) });
    }
  };
  return { script, asked };
}

async function pairFrom(t: ExecutionContext, from: string, scene: Scene = {}): Promise<Run> {
  const { known = [], lives = Infinity, args = [], over = {} } = scene;
  const { script, asked } = tableOf(new Set(known), lives);
  const agent = await startFakeAgent(script);
  const outcome = await runHere(agent.path, ['pair', '--from', from, '--json', ...args], over);
  await agent.close();
  t.deepEqual(agent.failures, []);
  const { rows = [] } = JSON.parse(outcome.out) as { rows?: Row[] };
  return { ...outcome, rows, asked };
}

/** A CSV file of this content. */
function pairCsv(t: ExecutionContext, content: string | Buffer, scene: Scene = {}): Promise<Run> {
  const file = join(folderFor(t), 'cards.csv');
  writeFileSync(file, content);
  return pairFrom(t, file, scene);
}

const results = ({ rows }: Run): string[] =>
  rows.map(({ line, user, result }) => `${line} ${user} ${result}`);

const { privateKey: signer } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** @returns its hash */
function certificate(path: string, fields: Partial<CertificateFields> = {}): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = makeCertificate(publicKey, { cn: 'Somebody', ...fields }, { cn: 'CA', privateKey: signer });
  writeFileSync(path, der);
  return parseCertificateFile(der).publicKey.pkhh;
}

for (const [what, content] of [
  ['two columns without a heading', `ada,${A}\nbob,${B}\n`],
  ['a byte order mark, CRLF and no last line end', `${BOM}user,hash\r\nada,${A}\r\nbob,${B}`],
  [
    'semicolons, other columns, another order',
    `Name;HASH;User\n"Lovelace; Ada";${A};ada\nBob;${B.toLowerCase()};bob\n`,
  ],
  ['tabs, quotes and blank lines', `\n"user"\t"hash"\n\n"ada"\t"${A}"\n  \n"bob"\t ${B} \n`],
] as const)
  test(`a list is read: ${what}`, async (t) => {
    const run = await pairCsv(t, content);
    t.deepEqual(run.asked, [`ada ${A}`, `bob ${B}`]);
    t.is(run.code, 0);
    t.true(run.rows.every(({ result }) => result === 'paired'));
  });

test('U: a second run changes nothing and ends with 6; something new with 0; a dry run does nothing', async (t) => {
  const content = `ada,${A}\nbob,${B}\n`;
  const known = [`ada ${A}`, `bob ${B}`];
  const again = await pairCsv(t, content, { known });
  t.is(again.code, 6);
  t.deepEqual(results(again), ['1 ada already', '2 bob already']);
  t.is((await pairCsv(t, content, { known: [`ada ${A}`] })).code, 0);
  const dry = await pairCsv(t, `${content}carol,${C}\n`, { args: ['--dry-run'], known });
  t.is(dry.code, 0);
  t.deepEqual(results(dry), ['1 ada already', '2 bob already', '3 carol would-pair']);
  t.like(JSON.parse(dry.out), { dryRun: true, paired: 0, wouldPair: 1, already: 2, refused: 0 });
});

test('each bad row is refused with its line, and the others are paired', async (t) => {
  const long = 'x'.repeat(65_536);
  const lines = [
    'user,hash,certificate',
    `ada,${A},`,
    `ada,${A.toLowerCase()},`,
    `${long},${B},`,
    `"ada,${B},`,
    `bob,"${B}"x,`,
    `bob,${B}Z,`,
    `bob,,`,
    `bob,${B},b.pem`,
    `,${B},`,
    `-rf,${B},`,
    `nobody-here,${B},`,
    `bob,,no-such.pem`,
    `bob,,/dev/zero`,
    `bob,,a\0b`,
    'bob\u{1b}[2J,1,',
  ];
  const bytes = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n`), Buffer.from([0xff, 0xfe, 0x0a])]);
  const run = await pairCsv(t, Buffer.concat([bytes, Buffer.from(`carol,${C},\n`)]));
  t.is(run.code, 1);
  t.deepEqual(run.asked, [`ada ${A}`, `nobody-here ${B}`, `carol ${C}`]);
  t.deepEqual(
    run.rows.map(({ line, result, error }) => `${line} ${error ?? result}`),
    [
      ...['2 paired', '3 already', '4 malformed', '5 malformed', '6 malformed', '7 invalid-argument'],
      ...['8 malformed', '9 malformed', '10 unknown-user', '11 unknown-user', '12 unknown-user'],
      ...['13 usage', '14 usage', '15 usage', '16 unknown-user', '17 malformed', '18 paired'],
    ],
  );
  t.true(run.rows.every(({ result, message }) => (result === 'refused') === (message !== null)));
  t.false(run.out.includes('\u{1b}'));
  t.false(run.out.includes(long));
});

test('M37: one key for two accounts is refused in every row that says it, unless --shared', async (t) => {
  const content = `ada,${A}\nbob,${B}\ncarol,${A}\n`;
  const run = await pairCsv(t, content);
  t.is(run.code, 1);
  t.deepEqual(run.asked, [`bob ${B}`]);
  t.deepEqual(results(run), ['1 ada refused', '2 bob paired', '3 carol refused']);
  t.regex(run.rows[0]?.message ?? '', /several accounts \(ada, carol\).*--shared/);
  t.is((await pairCsv(t, content, { args: ['--shared'] })).code, 0);
});

test('M37: certificates by their file’s name; an authority’s and one that is over are refused', async (t) => {
  const folder = folderFor(t);
  const [ada, bob] = [certificate(join(folder, 'ada.pem')), certificate(join(folder, 'bob.CER'))];
  certificate(join(folder, 'ca.crt'), { ca: true });
  certificate(join(folder, 'old.der'), { notBefore: new Date(0), notAfter: new Date(86_400_000) });
  writeFileSync(join(folder, 'notes.pem'), 'no certificate');
  writeFileSync(join(folder, 'README.txt'), 'left out');
  mkdirSync(join(folder, 'folder.pem'));
  execFileSync('mkfifo', [join(folder, 'pipe.pem')]);
  const run = await pairFrom(t, folder);
  t.is(run.code, 1);
  t.deepEqual(
    run.rows.map(({ file, user, result, error }) => [file, user, error ?? result].join(' ')),
    [
      ...['ada.pem ada paired', 'bob.CER bob paired', 'ca.crt ca bad-certificate', 'folder.pem folder usage'],
      ...['notes.pem notes bad-certificate', 'old.der old untrusted-certificate', 'pipe.pem pipe usage'],
    ],
  );
  t.deepEqual([run.rows[0]?.hash, run.rows[1]?.hash], [ada, bob]);
  // What is paired already stays so when its certificate is over: a list can be given for years.
  const old = run.rows.find(({ user }) => user === 'old')?.hash ?? '';
  const later = await pairFrom(t, folder, { known: [`old ${old}`] });
  t.is(later.rows.find(({ user }) => user === 'old')?.result, 'already');
});

test('certificates by what their subject says', async (t) => {
  const folder = folderFor(t);
  certificate(join(folder, '1.pem'), { cn: 'ada', email: 'a.lovelace@example.org', upn: 'ada@CORP' });
  certificate(join(folder, '2.pem'), { cn: 'Bob B', email: 'bob@example.org' });
  const users = async (source: string): Promise<(string | null)[]> => {
    const run = await pairFrom(t, folder, { args: ['--user-from', source] });
    return run.rows.map(({ user, result }) => (result === 'paired' ? user : null));
  };
  t.deepEqual(await users('cn'), ['ada', null]);
  t.deepEqual(await users('email'), ['a.lovelace', 'bob']);
  t.deepEqual(await users('upn'), ['ada', null]);
  t.deepEqual(await users('file'), ['1', '2']);
});

test('M37: what everybody can write names no accounts', async (t) => {
  const folder = folderFor(t);
  const [csv, pem] = [join(folder, 'cards.csv'), join(folder, 'ada.pem')];
  certificate(pem);
  writeFileSync(csv, 'ada,ada.pem\n');
  t.is((await pairFrom(t, csv)).code, 0);
  chmodSync(pem, 0o666);
  const one = await pairFrom(t, csv);
  t.is(one.rows[0]?.error, 'not-allowed');
  chmodSync(pem, 0o644);
  chmodSync(csv, 0o646);
  t.is((await pairFrom(t, csv)).code, 3);
  chmodSync(folder, 0o1777);
  t.is((await pairFrom(t, folder)).code, 3);
});

test('what is no list at all: wrong usage, and scauthd is not asked', async (t) => {
  const folder = folderFor(t);
  for (const [content, said] of [
    ['', /nothing to pair/],
    ['user,hash\n', /nothing to pair/],
    [Buffer.from(`${BOM}ada,${A}\n`, 'utf16le'), /UTF-16/],
    [Buffer.from(`ada,${A}\n`, 'utf16le'), /UTF-16/],
  ] as const) {
    const run = await pairCsv(t, content);
    t.is(run.code, 2);
    t.regex(run.out, said);
    t.deepEqual(run.asked, []);
  }
  t.regex((await pairFrom(t, folder)).out, /no certificate in/);
  t.regex((await pairFrom(t, join(folder, 'gone'))).out, /cannot be read \(ENOENT\)/);
  t.regex((await pairFrom(t, '/dev/zero')).out, /UTF-16|longer/);
  const csv = join(folder, 'cards.csv');
  writeFileSync(csv, `ada,${A}\n`);
  for (const args of [
    ['-u', 'ada'],
    ['--certificate', 'x'],
    ['--user-from', 'sn'],
    ['--user-from', 'cn'],
  ])
    t.is((await pairFrom(t, csv, { args })).code, 2, args.join(' '));
  t.is((await pairFrom(t, csv, { over: { uid: 1000 } })).code, 3);
});

test('scauthd that goes away in the middle: the rest is not tried, and the end says so', async (t) => {
  const run = await pairCsv(t, `ada,${A}\nbob,${B}\ncarol,${C}\n`, { lives: 1 });
  t.is(run.code, 5);
  t.deepEqual(results(run), ['1 ada paired', '2 bob not-tried', '3 carol not-tried']);
  t.regex(run.err, /2 rows were not tried\. Run it again/);
});

test('on a terminal: a line of result each, and the sum; nothing of a name is obeyed', async (t) => {
  const { script } = tableOf(new Set([`bob ${B}`]), Infinity);
  const agent = await startFakeAgent(script);
  const file = join(folderFor(t), 'cards.csv');
  writeFileSync(file, `ada,${A}\nbob,${B}\nnobody-here,${C}\ne\u{1b}[2Jve,${C}\n`);
  const terminal = new OnTerminal(agent.path, `$SC_AUTH pair --from ${file}`);
  t.teardown(() => {
    terminal.kill();
  });
  t.is(await terminal.exit, process.getuid?.() === 0 ? 1 : 3);
  await agent.close();
  if (process.getuid?.() !== 0) return;
  t.regex(terminal.screen, new RegExp(`line 1, ada: .*paired with ${A}`));
  t.regex(terminal.screen, new RegExp(`line 2, bob: .*already paired with ${B}`));
  t.regex(terminal.screen, /line 3, nobody-here: .*REFUSED: unknown-user/);
  t.regex(terminal.screen, /1 paired, 1 were already, 2 refused\./);
  t.false(terminal.screen.includes('\u{1b}[2J'));
});
