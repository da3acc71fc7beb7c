// The words and the JSON of each command, to the letter, against a scripted scauthd.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { WireIdentity } from '../../../agent/protocol/io-scauth.ts';
import {
  HASH,
  identity,
  LABEL,
  OTHER_HASH,
  pairing,
  startFakeAgent,
  token,
  type Script,
} from './fake-agent.ts';
import { temporaryFolder } from '../base/folders.ts';
import { runHere, type Outcome } from './run-sc-auth.ts';
import type { Surroundings } from '../../../agent/cli/context.ts';

async function ask(
  t: ExecutionContext,
  script: Script,
  args: readonly string[],
  over?: Partial<Surroundings> & { sudoUser?: string },
): Promise<Outcome & { readonly calls: readonly unknown[] }> {
  const agent = await startFakeAgent(script);
  try {
    const env = { SCAUTH_IO_SOCKET: agent.path, SUDO_USER: over?.sudoUser };
    const outcome = await runHere(agent.path, args, { ...over, env });
    t.deepEqual(agent.failures, []);
    return { ...outcome, calls: agent.calls.map(({ method, parameters }) => [method, parameters]) };
  } finally {
    await agent.close();
  }
}

/** What ListReaders answers beside another reply. */
const NO_READERS = { readers: [], drivers: [] };

const withIdentities =
  (...identities: WireIdentity[]): Script =>
  (_call, caller) => {
    caller.reply({ identities, ...NO_READERS });
  };

test('identities: paired and unpaired, as on macOS', async (t) => {
  const script = withIdentities(
    identity({ pairedWith: ['alice'] }),
    identity({ hash: OTHER_HASH, label: 'PIV:second' }),
    identity({ use: 'signature' }),
    identity({ unfit: 'RSA of 1024 bits is too weak' }),
  );
  const { code, out, err } = await ask(t, script, ['identities']);
  t.is(code, 0);
  t.is(
    out,
    `Paired identities which are used for authentication:\n${HASH}\t${LABEL}\nUnpaired identities:\n${OTHER_HASH}\tPIV:second\n`,
  );
  t.is(err, '');
});

test('identities -v: who, and which keys cannot log in and why', async (t) => {
  const script = withIdentities(
    identity({ pairedWith: ['alice', 'bob'] }),
    identity({ hash: OTHER_HASH, use: 'signature' }),
    identity({ hash: OTHER_HASH, unfit: 'RSA of 1024 bits is too weak' }),
  );
  const { out } = await ask(t, script, ['identities', '-v']);
  t.is(
    out,
    `Paired identities which are used for authentication:\n${HASH}\t${LABEL}\tpaired with alice, bob\n` +
      `Identities that cannot be used for login:\n${OTHER_HASH}\t${LABEL}\tmade for signature, not for login\n` +
      `${OTHER_HASH}\t${LABEL}\tRSA of 1024 bits is too weak\n`,
  );
});

test('identities without a card: nothing on standard output, a hint, exit code 0', async (t) => {
  t.deepEqual(await ask(t, withIdentities(), ['identities']), {
    code: 0,
    out: '',
    err: 'No card with a key is in a reader. Put the card in and run it again.\n',
    calls: [
      ['io.scauth.ListIdentities', { after: 0 }],
      ['io.scauth.ListReaders', {}],
    ],
  });
  const { code, out } = await ask(t, withIdentities(), ['identities', '--json']);
  t.is(code, 0);
  t.deepEqual(JSON.parse(out), { paired: [], unpaired: [], unfit: [] });
});

test('list: one line a pairing, nothing when there is none', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ pairings: [pairing()] });
  };
  t.deepEqual(await ask(t, script, ['list', '-u', 'alice']), {
    code: 0,
    out: `Hash: ${HASH}\n`,
    err: '',
    calls: [['io.scauth.ListPairings', { user: 'alice' }]],
  });
  const none = await ask(
    t,
    (_call, caller) => {
      caller.reply({ pairings: [] });
    },
    ['list'],
    { uid: 1000 },
  );
  t.deepEqual([none.code, none.out, none.err], [0, '', '']);
});

test('list: whose pairings root means', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ pairings: [pairing(), pairing({ user: 'bob', hash: OTHER_HASH })] });
  };
  const all = await ask(t, script, ['list']);
  t.is(all.out, `User: alice\nHash: ${HASH}\nUser: bob\nHash: ${OTHER_HASH}\n`);
  t.deepEqual(all.calls, [['io.scauth.ListPairings', { user: null }]]);
  const sudo = await ask(t, script, ['list'], { sudoUser: 'alice' });
  t.deepEqual(sudo.calls, [['io.scauth.ListPairings', { user: 'alice' }]]);
  t.false(sudo.out.includes('User:'));
  const user = await ask(t, script, ['list'], { uid: 1000, sudoUser: 'mallory' });
  t.deepEqual(user.calls, [['io.scauth.ListPairings', { user: null }]]);
});

test('list -v and --json', async (t) => {
  const unseen = pairing({ keyKnown: false, algorithm: null, sha256: null, token: null, driver: null });
  const script: Script = (_call, caller) => {
    caller.reply({ pairings: [unseen] });
  };
  const { out } = await ask(t, script, ['list', '-v', '-u', 'alice', '-d', '.']);
  t.is(
    out,
    `Hash: ${HASH}\n  Label: ${LABEL}\n  Key: not seen yet: stored at the first login with the card\n` +
      '  Paired by: root\n  Paired at: 2026-11-23T20:00:00.000Z\n',
  );
  t.deepEqual(JSON.parse((await ask(t, script, ['list', '--json'])).out), { pairings: [unseen] });
});

test('list -d: no other domain', async (t) => {
  const { code, err, calls } = await ask(t, () => undefined, ['list', '-d', '/LDAPv3/ldap.example']);
  t.is(code, 2);
  t.regex(err, /^Only the local domain is there\./);
  t.deepEqual(calls, []);
});

/** The machine of these tests has no PAM files. */
const OFF =
  'Card logins are off on this machine: no PAM service asks for a card. What is missing: sudo sc_auth doctor\n';

test('U: pair ends by saying whether a card opens anything here, and with which command it would', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ pairing: pairing() });
  };
  const root = temporaryFolder(t);
  const put = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const said = async (): Promise<string> => {
    const { code, out, err } = await ask(t, script, ['pair', '-u', 'alice', '-h', HASH], { root });
    t.deepEqual([code, out], [0, `Paired ${HASH} with alice.\n`]);
    return err;
  };
  t.is(await said(), OFF);
  put('usr/share/pam-configs/scauth', '');
  t.regex(await said(), /^Card logins are off .* Switch them on: sudo scauth-pam enable\n$/);
  // Where libpam looks besides /etc, and only as long as the line has its turn.
  const module = 'usr/lib/security/pam_scauth.so';
  put(module, '');
  put('usr/lib/pam.d/sudo', 'auth sufficient pam_scauth.so\nauth required pam_unix.so\n');
  put('etc/pam.d/login', 'auth sufficient pam_unix.so\nauth sufficient pam_scauth.so\n');
  t.is(await said(), 'Card logins are on: sudo.\n');
  rmSync(join(root, module));
  t.regex(await said(), /^Card logins are off/);
});

test('pair as root: by hash, without secrets', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ pairing: pairing({ keyKnown: false }) });
  };
  const lower = HASH.toLowerCase().replace(/../g, '$&:').slice(0, -1);
  const { code, out, err, calls } = await ask(t, script, ['pair', '-u', 'alice', '-h', lower]);
  t.is(code, 0);
  t.is(out, `Paired ${HASH} with alice.\n`);
  t.is(err, `The card is not here: its whole key is stored at the first login with it.\n${OFF}`);
  t.deepEqual(calls, [['io.scauth.AddPairing', { user: 'alice', hash: HASH, certificate: null }]]);
});

test('pair as root: a certificate file, PEM or DER', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ pairing: pairing() });
  };
  const pem = new URL('../../vectors/cacert-user.pem', import.meta.url).pathname;
  const base64 = /CERTIFICATE-----([^-]+)-----END/.exec(readFileSync(pem, 'latin1'))?.[1]?.replace(/\s/g, '');
  const { code, calls } = await ask(t, script, ['pair', '-u', 'alice', '--certificate', pem]);
  t.is(code, 0);
  t.deepEqual(calls, [['io.scauth.AddPairing', { user: 'alice', hash: null, certificate: base64 }]]);
});

test('pair as root: a file that is no certificate is not sent', async (t) => {
  for (const [file, code, error] of [
    [import.meta.filename, 1, 'bad-certificate'],
    ['/dev/null', 1, 'bad-certificate'],
    ['/dev/zero', 1, 'bad-certificate'],
    ['/nowhere/at/all.pem', 2, 'usage'],
    ['/', 2, 'usage'],
  ] as const) {
    const outcome = await ask(t, () => undefined, ['pair', '-u', 'alice', '--json', '--certificate', file]);
    t.is(outcome.code, code, file);
    t.is((JSON.parse(outcome.out) as { error: string }).error, error, file);
    t.deepEqual(outcome.calls, []);
  }
});

test('pair as root: for whom', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ pairing: pairing({ user: 'bob' }) });
  };
  const nobody = await ask(t, script, ['pair', '-h', HASH]);
  t.deepEqual([nobody.code, nobody.err, nobody.calls], [2, 'Say for whom: -u USER\n', []]);
  const root = await ask(t, script, ['pair', '-h', HASH], { sudoUser: 'root' });
  t.is(root.code, 2);
  const sudo = await ask(t, script, ['pair', '-h', HASH], { sudoUser: 'bob' });
  t.deepEqual(
    [sudo.code, sudo.err, sudo.calls],
    [
      0,
      `For bob, who called sudo.\n${OFF}`,
      [['io.scauth.AddPairing', { user: 'bob', hash: HASH, certificate: null }]],
    ],
  );
});

test('pair without a hash and without a terminal: the only key, or none', async (t) => {
  const offering =
    (...identities: WireIdentity[]): Script =>
    (call, caller) => {
      caller.reply(
        call.method.endsWith('AddPairing') ? { pairing: pairing() } : { identities, ...NO_READERS },
      );
    };
  const pair = async (...identities: WireIdentity[]) =>
    await ask(t, offering(...identities), ['pair', '-u', 'alice']);

  const one = await pair(identity({ use: 'signature' }), identity({ hash: OTHER_HASH }));
  t.is(one.code, 0);
  t.deepEqual(one.calls[1], ['io.scauth.AddPairing', { user: 'alice', hash: OTHER_HASH, certificate: null }]);

  const two = await pair(identity(), identity({ hash: OTHER_HASH, label: 'PIV:second' }));
  t.is(two.code, 2);
  t.is(
    two.err,
    `Several keys can be paired. Say which: -h HASH\n1\t${HASH}\t${LABEL}\n2\t${OTHER_HASH}\tPIV:second\n`,
  );
  t.is(two.calls.length, 1);

  t.is((await pair()).code, 4);
  t.is((await pair(identity({ unfit: 'too weak' }))).code, 4);
  const again = await pair(identity({ pairedWith: ['alice'] }));
  t.is(again.code, 6);
  t.is(again.err, 'This card is already paired with alice. The pairings: sc_auth list\n');
  t.is((await pair(identity({ pairedWith: ['bob'] }))).code, 0);
});

test('pair as a user: only themselves, and only with the card', async (t) => {
  for (const args of [
    ['pair', '-u', 'bob', '-h', HASH],
    ['pair', '--certificate', 'x.pem'],
  ]) {
    const { code, err, calls } = await ask(t, () => undefined, args, { uid: 1000 });
    t.is(code, 3);
    t.regex(err, /for the administrator: sudo sc_auth pair/);
    t.deepEqual(calls, []);
  }
});

test('unpair says what it removed', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ removed: [pairing()], more: 2 });
  };
  const root = await ask(t, script, ['unpair', '-u', 'alice']);
  t.deepEqual([root.code, root.out, root.err], [0, `Unpaired ${HASH} from alice.\nAnd 2 more.\n`, '']);
  t.deepEqual(root.calls, [['io.scauth.Unpair', { user: 'alice', hash: null, all: true }]]);
  const user = await ask(t, script, ['unpair', '-h', HASH, '--json'], { uid: 1000 });
  t.deepEqual(JSON.parse(user.out), { removed: [pairing()], more: 2 });
  t.deepEqual(user.calls, [['io.scauth.Unpair', { user: null, hash: HASH }]]);
  t.is((await ask(t, script, ['unpair'])).code, 2);
});

test('U: unpair says to scauthd that all are meant only where that was said', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ removed: [pairing()] });
  };
  for (const [args, parameters] of [
    [[], { user: null, hash: null }],
    [['--all'], { user: null, hash: null, all: true }],
    [['-u', 'alice'], { user: 'alice', hash: null, all: true }],
    [['-u', 'alice', '-h', HASH], { user: 'alice', hash: HASH }],
  ] as const)
    t.deepEqual((await ask(t, script, ['unpair', ...args], { uid: 1000 })).calls, [
      ['io.scauth.Unpair', parameters],
    ]);
  t.is((await ask(t, script, ['unpair', '--all', '-h', HASH])).code, 2);
  // Behind sudo the account is a guess, and so no selection.
  t.deepEqual((await ask(t, script, ['unpair'], { sudoUser: 'bob' })).calls, [
    ['io.scauth.Unpair', { user: 'bob', hash: null }],
  ]);
});

test('unpair: nothing to remove is "not found"', async (t) => {
  const { code, err } = await ask(
    t,
    (_call, caller) => {
      caller.reply({ removed: [], more: 0 });
    },
    ['unpair'],
    { uid: 1000 },
  );
  t.is(code, 4);
  t.is(err, 'There is no such pairing. To list the pairings: sc_auth list\n');
});

test('pairing_ui: the sentences of macOS; enable and disable are silent', async (t) => {
  let enabled = true;
  const script: Script = (call, caller) => {
    if (call.method.endsWith('SetPairingPrompt')) enabled = call.parameters['enabled'] === true;
    caller.reply(call.method.endsWith('GetPairingPrompt') ? { enabled, level: 'user' } : {});
  };
  const ui = async (...args: string[]) => await ask(t, script, ['pairing_ui', ...args], { uid: 1000 });
  t.is((await ui('-s', 'status')).out, 'SmartCard Pairing dialog is enabled.\n');
  t.is((await ui('-s', 'disable')).out, '');
  t.is((await ui('-s', 'status')).out, 'SmartCard Pairing dialog is disabled.\n');
  const DISABLED = 'SmartCard Pairing dialog is disabled.\n';
  t.is(
    (await ui('-v', '-s', 'enable')).out,
    'SmartCard Pairing dialog is enabled.\nDecided by you, for every card.\n',
  );
  t.deepEqual(JSON.parse((await ui('-s', 'disable', '--json')).out), { enabled: false, level: 'user' });
  t.is((await ui()).code, 2);
  t.is((await ui('-s', 'on')).code, 2);
  t.is((await ui('-s', 'status', '-v')).out, `${DISABLED}Decided by you, for every card.\n`);
  const forced = await ui('-f', '-s', 'enable');
  t.is(forced.code, 1);
  t.is(forced.err, 'scauth-session cannot be started. Pair in a terminal: sc_auth pair\n');
  const asRoot = await ask(t, script, ['pairing_ui', '-f'], { uid: 0 });
  t.is(asRoot.code, 2);
  t.is((await ask(t, script, ['pairing_ui', '-s', 'status', '-t', 'a:1'], { uid: 0 })).code, 2);
});

test('list-smartcards: one token id a line', async (t) => {
  const script: Script = (_call, caller) => {
    caller.reply({ tokens: [token(), token({ id: 'org.scauth.piv:5678', triesLeft: null })], ...NO_READERS });
  };
  t.is((await ask(t, script, ['list-smartcards'])).out, 'org.scauth.piv:1234\norg.scauth.piv:5678\n');
  t.is(
    (await ask(t, script, ['list-smartcards', '-v'])).out,
    'org.scauth.piv:1234\tPIV card\tVirtual PCD 00 00\t3 tries left\norg.scauth.piv:5678\tPIV card\tVirtual PCD 00 00\ttries unknown\n',
  );
  const none = await ask(
    t,
    (_call, caller) => {
      caller.reply({ tokens: [], ...NO_READERS });
    },
    ['list-smartcards'],
  );
  t.deepEqual([none.code, none.out], [0, '']);
});

test('a hostile label reaches neither the terminal nor the columns', async (t) => {
  const label = 'x\x1b]0;owned\x07\n9999\ty\u202e\u009b31m';
  const script = withIdentities(identity({ label }));
  const { out } = await ask(t, script, ['identities']);
  t.is(out, `Unpaired identities:\n${HASH}\tx?]0;owned??9999?y??31m\n`);
  const json = (await ask(t, script, ['identities', '--json'])).out;

  t.notRegex(json, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  t.is((JSON.parse(json) as { unpaired: [{ label: string }] }).unpaired[0].label, label);
});
