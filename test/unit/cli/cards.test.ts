// What is on the cards and which drivers there are, as sc_auth shows it, field by field beside the output of macOS'
// own commands for the same certificate (test/vectors/macos-*.txt), against a scripted scauthd.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseCertificateFile } from '../../../agent/model/key/key.ts';
import type { WireDriver, WireItem, WireReader, WireToken } from '../../../agent/protocol/io-scauth.ts';
import { LABEL, startFakeAgent, token, type Script } from './fake-agent.ts';
import { runHere, type Outcome } from './run-sc-auth.ts';
import type { Surroundings } from '../../../agent/cli/context.ts';

const VECTORS = join(import.meta.dirname, '../../vectors');
const TOKEN = 'org.opensc-project.mac.opensctoken.OpenSCTokenApp.OpenSCToken:3015061316010310';
const PEM = readFileSync(join(VECTORS, 'cacert-user.pem'), 'utf8');
const CERTIFICATE = parseCertificateFile(Buffer.from(PEM));

function item(over: Partial<WireItem> = {}): WireItem {
  return {
    token: TOKEN,
    reader: null,
    readAt: '2018-09-09T19:55:07.000Z',
    slot: '01',
    use: 'authentication',
    algorithm: 'rsa2048',
    label: LABEL,
    hash: CERTIFICATE.publicKey.pkhh,
    publicKey: CERTIFICATE.publicKey.spki.toString('base64'),
    certificate: CERTIFICATE.der.toString('base64'),
    sslTrust: 'NO',
    x509Trust: 'YES',
    trustDetail: null,
    chain: null,
    unfit: null,
    ...over,
  };
}

function driver(over: Partial<WireDriver> = {}): WireDriver {
  return {
    id: 'org.opensc-project.mac.opensctoken.OpenSCTokenApp.OpenSCToken',
    version: '1.0',
    displayName: 'OpenSC token driver',
    shortName: 'OpenSCToken',
    parent: 'OpenSCTokenApp',
    uuid: '327c0a2c-4a43-4bb6-b858-73594115dcfa',
    path: '/Applications/OpenSCTokenApp.app/Contents/PlugIns/OpenSCToken.appex',
    timestamp: '2018-09-09T14:58:30.000Z',
    interfaceVersion: 1,
    kind: 'token',
    uid: 1_890_562_286,
    state: 'ready',
    problems: [],
    builtIn: false,
    forLogin: false,
    ...over,
  };
}

interface Scene {
  readonly items?: readonly WireItem[];
  readonly drivers?: readonly WireDriver[];
  readonly readers?: readonly WireReader[];
  readonly tokens?: readonly WireToken[];
}

function scene({ items = [], drivers = [], readers = [], tokens = [] }: Scene): Script {
  return (call, caller) => {
    const readerDrivers = [
      { id: 'org.debian.alioth.pcsclite.smartcardccid', version: '1.4.27', path: '/usr/lib/ifd-ccid.bundle' },
    ];
    const replies: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
      'io.scauth.ListItems': { items },
      'io.scauth.ListDrivers': { drivers },
      'io.scauth.ListReaders': { readers, drivers: readerDrivers },
      'io.scauth.ListTokens': { tokens },
    };
    caller.reply(replies[call.method] ?? {});
  };
}

async function ask(
  script: Script,
  args: readonly string[],
  over: Partial<Surroundings> = {},
): Promise<Outcome> {
  const agent = await startFakeAgent(script);
  try {
    return await runHere(agent.path, args, over);
  } finally {
    await agent.close();
  }
}

/** Section → attribute → what stands behind the colon, lines of a group joined. */
function attributesIn(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  for (const [, title = '', body = ''] of text.matchAll(/^==== (.+)\n([^]*?)^====$/gm)) {
    const attributes = new Map<string, string>();
    for (const [, name = '', value = ''] of body.matchAll(/^ (\w+) : ([^]*?)\n(?= \w|$(?![^]))/gm))
      attributes.set(name, value);
    sections.set(title, attributes);
  }
  return sections;
}

/** These name the machine, not the certificate. */
const OF_THE_MACHINE = ['agrp', 'UUID', 'certdata'];

test('export-smartcard: the attributes of the transcript, in its sections, order and words', async (t) => {
  const { code, out, err } = await ask(scene({ items: [item()] }), ['export-smartcard']);
  t.deepEqual([code, err], [0, '']);
  const ours = attributesIn(out);
  const theirs = attributesIn(readFileSync(join(VECTORS, 'macos-export-smartcard.txt'), 'utf8'));
  t.deepEqual([...theirs.keys()], ['certificate #1', 'private key #1', 'identity #1']);
  t.deepEqual([...ours.keys()], [...theirs.keys()]);
  for (const [section, attributes] of theirs) {
    t.true(attributes.size >= 20, section);
    t.deepEqual([...(ours.get(section)?.keys() ?? [])], [...attributes.keys()], section);
    for (const [name, value] of attributes) {
      // Of a private key macOS hashes what only its token's extension knows.
      if (OF_THE_MACHINE.includes(name) || (section === 'private key #1' && name === 'sha1')) continue;
      // The transcript's language groups digits with a no-break space.
      t.is(ours.get(section)?.get(name), value.replace(/[\u00a0\u202f]/g, ' '), `${section} ${name}`);
    }
  }
  t.regex(
    ours.get('identity #1')?.get('certdata') ?? '',
    /\{length = 1433, capacity = 1433, bytes = 0x308205953082037da003020102020313 \.\.\. 75998937f15538e3\}$/,
  );
  t.regex(ours.get('certificate #1')?.get('UUID') ?? '', /^"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"$/);
});

test('export-smartcard --format json and --json are one document with the same values', async (t) => {
  const { out } = await ask(scene({ items: [item()] }), ['export-smartcard', '--format', 'json']);
  t.is((await ask(scene({ items: [item()] }), ['export-smartcard', '--json'])).out, out);
  const { items } = JSON.parse(out) as { items: [Record<string, Record<string, unknown>>] };
  const [{ certificate, privateKey, identity, pem }] = items;
  t.like(certificate, {
    class: 'cert',
    pkhh: '0b1bea814ee563aad70c33d5c7f82472ab26c4c8',
    slnr: '13c81a',
    sha1: '04dff6719ead569796816c b58b46a408cde06535'.replace(' ', ''),
    tkid: TOKEN,
    mdat: '2018-09-09T19:55:07.000Z',
  });
  t.like(privateKey, { bsiz: 2048, klbl: certificate?.['pkhh'], sign: 1, decr: 1, unwp: 1, drve: 0 });
  t.is(identity?.['certdata'], CERTIFICATE.der.toString('hex'));
  t.is(pem, PEM as never);
});

test('export-smartcard --format pem is the certificate; of a bare key its public key', async (t) => {
  const bare = item({ certificate: null, label: 'Bare' });
  const { out } = await ask(scene({ items: [item(), bare] }), ['export-smartcard', '--format', 'pem']);
  t.true(out.startsWith(PEM));
  t.regex(out.slice(PEM.length), /^-----BEGIN PUBLIC KEY-----\n[^]*\n-----END PUBLIC KEY-----\n$/);
  const text = (await ask(scene({ items: [bare] }), ['export-smartcard'])).out;
  t.deepEqual([...attributesIn(text).keys()], ['private key #1']);
  t.regex(text, / sign : 1\n/);
});

test('export-smartcard: one card by -i, no card, a wrong format', async (t) => {
  const agent = await startFakeAgent(scene({}));
  try {
    const { code, out, err } = await runHere(agent.path, ['export-smartcard', '-i', TOKEN]);
    t.deepEqual([code, out], [0, '']);
    t.regex(err, /No card with a key is in a reader/);
    t.deepEqual(agent.calls[0]?.parameters, { token: TOKEN, after: 0 });
    t.is((await runHere(agent.path, ['export-smartcard', '--format', 'xml'])).code, 2);
    t.is((await runHere(agent.path, ['export-smartcard', '--format', 'pem', '--json'])).code, 2);
  } finally {
    await agent.close();
  }
});

test('profile: readers, drivers and the key with hash, usage, validity, trust and PEM, as on macOS', async (t) => {
  const tokens = [token({ id: TOKEN, notes: ['the certificate of key 02 is not DER'] })];
  const atr = '3B9F958131FE9F006546530530067 1DF000000816112C4'.replace(' ', '');
  const readers = [
    { name: 'Cherry KC 1000 SC Z', state: 'ready', atr, token: TOKEN, error: null },
    { name: 'Other', state: 'broken', atr: '3B00', token: null, error: 'The card gave a wrong answer.' },
    { name: 'Third', state: 'empty', atr: null, token: null, error: null },
  ];
  const drivers = [driver({ problems: ['driver X was ended by SIGSEGV'] })];
  const everything = scene({ items: [item()], drivers, readers, tokens });
  const { code, out } = await ask(everything, ['profile', '--pem']);
  t.is(code, 0);
  // U: what a person needs, without the certificate's text.
  t.is((await ask(everything, ['profile'])).out, out.replace(/^-----BEGIN[^]*-----END.*\n\n/m, ''));
  t.is(
    out,
    `
    Readers:

      #01: Cherry KC 1000 SC Z (ATR:<3b9f9581 31fe9f00 65465305 300671df 00000081 6112c4>)
      #02: Other (ATR:<3b00>)
          The card gave a wrong answer.
      #03: Third
          no card

    Reader Drivers:

      #01: org.debian.alioth.pcsclite.smartcardccid:1.4.27 (/usr/lib/ifd-ccid.bundle)

    Tokend Drivers:


    SmartCard Drivers:

      #01: org.opensc-project.mac.opensctoken.OpenSCTokenApp.OpenSCToken:1.0 (/Applications/OpenSCTokenApp.app/Contents/PlugIns/OpenSCToken.appex)
          driver X was ended by SIGSEGV

    Available SmartCards (keychain):


    Available SmartCards (token):

        ${TOKEN}:

          the certificate of key 02 is not DER

          #01: Kind: private RSA 2048-bit, Certificate: <0b1bea81 4ee563aa d70c33d5 c7f82472 ab26c4c8>, Usage: Sign Decrypt Unwrap
Valid from: 2018-09-09 19:50:20 +0000 to: 2019-03-08 19:50:20 +0000, SSL trust: NO, X509 trust: YES
Label: ${LABEL}, slot 01

${PEM}
`,
  );
});

test('profile without the reader service: the rest is shown, and why the cards are not', async (t) => {
  const rest = scene({ drivers: [driver()] });
  const script: Script = (call, caller) => {
    if (call.method === 'io.scauth.ListItems')
      caller.fail('io.scauth.Failed', { code: 'no-service', message: 'pcscd does not run.' });
    else return rest(call, caller);
  };
  const { code, out, err } = await ask(script, ['profile']);
  t.is(code, 1);
  t.is(err, 'pcscd does not run.\n');
  t.regex(out, /#01: org\.opensc-project/);
  const json = JSON.parse((await ask(script, ['profile', '--json'])).out) as Record<string, unknown>;
  t.deepEqual(json['error'], { code: 'no-service', message: 'pcscd does not run.' });
});

test('profile --json has readers, drivers and the keys of each card', async (t) => {
  const { out } = await ask(scene({ items: [item()], drivers: [driver()], tokens: [token({ id: TOKEN })] }), [
    'profile',
    '--json',
  ]);
  const { cards } = JSON.parse(out) as { cards: [{ token: string; keys: [Record<string, unknown>] }] };
  t.is(cards[0].token, TOKEN);
  t.like(cards[0].keys[0], {
    kind: 'RSA',
    bits: 2048,
    hash: '0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8',
    usage: { sign: true, decrypt: true, unwrap: true, derive: false },
    notBefore: '2018-09-09T19:50:20.000Z',
    notAfter: '2019-03-08T19:50:20.000Z',
    sslTrust: 'NO',
    x509Trust: 'YES',
    pem: PEM,
  });
});

test('drivers -vv: the block of pluginkit, and behind it what scauth knows more', async (t) => {
  const { out } = await ask(scene({ drivers: [driver()] }), ['drivers', '-vv']);
  const [theirs = ''] = readFileSync(join(VECTORS, 'macos-pluginkit-vv.txt'), 'utf8').split('\n\n');
  const fields = (text: string): [string, string][] =>
    [...text.matchAll(/^ +(\S.*?) = (.*)$/gm)].map(([, name = '', value = '']) => [name, value]);
  const own = new Map(fields(out));
  for (const [name, value] of fields(theirs)) {
    // A driver's product is a name here, no bundle; the interface is scauth's own.
    if (name === 'Parent Bundle') continue;
    t.is(own.get(name), name === 'SDK' ? 'org.scauth.drivers.token(1)' : value, name);
  }
  t.is(out.split('\n')[0], theirs.split('\n')[0], 'the same first line');
  t.is(out.split('\n')[1], theirs.split('\n')[1], 'in the same columns');
  t.regex(out, /^ {10}Runs As = uid 1890562286$/m);
});

test('drivers: a line each, -v with UUID, time and path, and what is wrong below', async (t) => {
  const drivers = [
    driver({ id: 'a.b', problems: ['driver a.b did not answer sign within 15000 ms'] }),
    driver({ id: 'c.d', state: 'disabled' }),
    driver({ id: 'e.f', state: 'failed', problems: ['manifest.json: version must be text'] }),
    driver({ id: 'g.h', builtIn: true, uid: null }),
  ];
  const { out } = await ask(scene({ drivers }), ['drivers']);
  t.is(
    out,
    '!    a.b(1.0)\n         driver a.b did not answer sign within 15000 ms\n-    c.d(1.0)\n' +
      '!    e.f(1.0)\n         manifest.json: version must be text\n     g.h(1.0)\n',
  );
  const long = (await ask(scene({ drivers }), ['drivers', '-v'])).out;
  t.regex(
    long,
    /^ {5}g\.h\(1\.0\)\t327C0A2C-4A43-4BB6-B858-73594115DCFA\t2018-09-09 14:58:30 \+0000\t\/Applications\/\S+$/m,
  );
  const json = JSON.parse((await ask(scene({ drivers }), ['drivers', '--json'])).out) as {
    drivers: unknown[];
  };
  t.is(json.drivers.length, 4);
});

test('on a terminal: a table with colours that fits its width; NO_COLOR and pipes have none', async (t) => {
  const drivers = [
    driver({ id: 'org.scauth.piv', builtIn: true, uid: null, forLogin: true }),
    driver({ id: 'e.f', state: 'failed', problems: ['manifest.json: version must be text'] }),
  ];
  const screen = { columns: 80, colour: true };
  const { out } = await ask(scene({ drivers }), ['drivers'], { screen });
  t.regex(out, /\x1b\[1mDriver +\x1b\[22m/);
  t.regex(out, /\x1b\[32mready +\x1b\[39m/);
  t.regex(out, /\x1b\[31mmanifest\.json: version must be text\x1b\[39m/);
  const bare = (await ask(scene({ drivers }), ['drivers'], { screen: { columns: 80, colour: false } })).out;

  t.notRegex(bare, /\x1b/);
  t.regex(bare, /^Driver +Version {2}State +Runs as +Before login$/m);
  t.true(
    bare.split('\n').every((line) => line.length <= 80),
    bare,
  );
  const tokens = [token({ label: 'x'.repeat(200), reader: 'A reader '.repeat(9) })];
  const list = (await ask(scene({ tokens }), ['list-smartcards', '-v'], { screen })).out;
  // prettier-ignore
  t.true(list.replace(/\x1b\[\d+m/g, '').split('\n').every((line) => line.length <= 80), list);
  t.regex(list, /org\.scauth\.piv:1234 /);
  const id = `org.scauth.piv:${'F'.repeat(64)}`;
  const narrow = (
    await ask(scene({ tokens: [token({ id })] }), ['list-smartcards', '-v'], {
      screen: { columns: 80, colour: false },
    })
  ).out;
  t.is(
    narrow,
    `${id}\n  Label: PIV card\n  Reader: Virtual PCD 00 00\n  PIN: 3 tries left\n`,
    'no room for a table',
  );
});

test('what a card says reaches the terminal as text only, coloured or not', async (t) => {
  const label = `x\x1b]0;owned\x07\x1b[2J\u202e\u009b31m${'y'.repeat(10_000)}`;
  const items = [item({ label, slot: '\x1b[31m' })];
  const tokens = [token({ id: TOKEN, label, notes: [label] })];
  const drivers = [driver({ displayName: label, problems: [label] })];
  for (const args of [['export-smartcard'], ['profile'], ['drivers', '-vv'], ['list-smartcards', '-v']]) {
    for (const screen of [undefined, { columns: 80, colour: true }]) {
      const { code, out } = await ask(scene({ items, tokens, drivers }), args, {
        ...(screen !== undefined && { screen }),
      });
      t.is(code, 0, args.join(' '));
      t.notRegex(
        out.replace(/\x1b\[\d{1,2}m/g, screen === undefined ? '!' : ''),
        /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/,
      );
      t.true(out.split('\n').every((line) => line.length < 1400));
    }
    const { out } = await ask(scene({ items, tokens, drivers }), [...args, '--json']);
    t.notRegex(out, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  }
});
