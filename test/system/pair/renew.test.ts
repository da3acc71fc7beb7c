// A card that was issued anew, as its owner lives through it: the new one in the other reader, password and PIN on a terminal,
// sudo by the new card and not by the old one, and the keyring along with it.
import test from 'ava';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CardControl } from '../../kit/card/client.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT, WRONG_PIN } from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { AUTHORITY, Pki } from '../../unit/trust/authority.ts';

let sandbox: Sandbox;
let fresh: CardControl;

test.before(async () => {
  sandbox = await Sandbox.start();
});
test.after.always(() => sandbox.stop());

function renew(...args: readonly string[]): ReturnType<Sandbox['pty']> {
  return sandbox.pty(['sc_auth', 'renew', ...args], { user: sandbox.user });
}

async function pairings(): Promise<string[]> {
  const { stdout } = await sandbox.exec(['sc_auth', 'list'], { user: sandbox.user });
  return [...stdout.matchAll(/^Hash: ([0-9A-F]{40})$/gm)].map(([, hash = '']) => hash);
}

test.serial('nothing to renew, and not as root', async (t) => {
  const none = await sandbox.exec(['sc_auth', 'renew'], { user: sandbox.user, input: 'x\nx\n' });
  t.is(none.code, 4, none.stderr);
  t.is((await sandbox.exec(['sc_auth', 'renew'])).code, 3);
});

test.serial('the old card is gone: a wrong PIN changes nothing, password and PIN do it', async (t) => {
  await person.pairCard(sandbox);
  const [old] = await pairings();
  await person.pullCard(sandbox);
  const from = sandbox.agentLog().length;
  fresh = await sandbox.addCard(['--key', 'p256:2', '--guid', '22'.repeat(16)]);
  await person.untilAgentSays(sandbox, 'token in', from);
  const wrong = await person.answer(renew(), [
    ['Enter = yes: ', ''],
    [PASSWORD_PROMPT, sandbox.password],
    [PIN_PROMPT, WRONG_PIN],
  ]);
  t.is(wrong.code, 3, wrong.screen);
  t.deepEqual(await pairings(), [old]);
  const { code, screen } = await person.answer(renew(), [
    ['Enter = yes: ', ''],
    [PASSWORD_PROMPT, sandbox.password],
    [PIN_PROMPT, sandbox.pin],
  ]);
  t.is(code, 0, screen);
  t.regex(screen, /takes the place of/);
  t.is((await pairings()).length, 1);
  t.notDeepEqual(await pairings(), [old]);
  await person.expectCardLogin(sandbox);
});

test.serial('the old card opens nothing any more', async (t) => {
  await fresh.eject();
  await person.insertCard(sandbox);
  const { screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.regex(screen, ROOT);
  t.notRegex(screen, /Enter PIN/);
});

test.serial('two cards, both kept: the one that goes has to be named', async (t) => {
  const { unpaired } = JSON.parse((await sandbox.exec(['sc_auth', 'identities', '--json'])).stdout) as {
    unpaired: { hash: string }[];
  };
  const back = unpaired[0]?.hash ?? '';
  const kept = await sandbox.exec(['sc_auth', 'renew', '-h', back, '--keep'], {
    user: sandbox.user,
    input: `${sandbox.password}\n${sandbox.pin}\n`,
  });
  t.is(kept.code, 0, kept.stderr);
  t.is((await pairings()).length, 2);
  await sandbox.exec(['sc_auth', 'unpair', '-h', back], { user: sandbox.user });
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', '11'.repeat(20)]);
  const several = await sandbox.exec(['sc_auth', 'renew', '-h', back], {
    user: sandbox.user,
    input: 'x\nx\n',
  });
  t.is(several.code, 2);
  t.regex(several.stderr, /--old HASH/);
});

test.serial(
  'by policy: an authority has given both cards to one person, and the PIN is enough',
  async (t) => {
    const pki = new Pki();
    t.teardown(() => pki.close());
    pki.root('root', { extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash` });
    for (const [name, subject] of [
      ['first', '/O=Test/CN=Ada Lovelace'],
      ['next', '/O=Test/CN=Ada Lovelace'],
      ['other', '/O=Test/CN=Grace Hopper'],
    ] as const)
      pki.issue(name, 'root', { subject });
    const authority = readFileSync(pki.file('root.pem'));
    const pinned = new X509Certificate(authority).fingerprint256.replaceAll(':', '');
    const settings = `[trust]
level = 1
authorities = ["/etc/scauth/root.pem"]
pinned = ["${pinned}"]
[pairing]
renew = "same-subject"
`;
    for (const [name, text] of [
      ['root.pem', authority.toString()],
      ['scauth.toml', settings],
    ] as const) {
      const argv = ['sh', '-c', `cat >/etc/scauth/${name} && chmod 644 /etc/scauth/${name}`];
      t.is((await sandbox.exec(argv, { input: text })).code, 0);
    }
    const from = sandbox.agentLog().length;
    await sandbox.exec(['kill', '-HUP', String(sandbox.agentPid)]);
    await person.untilAgentSays(sandbox, 'new configuration', from);
    await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user, '--all']);
    const become = async (name: string): Promise<string> => {
      await sandbox.card.setKey('9A', readFileSync(pki.file(`${name}.key`), 'utf8'));
      await sandbox.card.setCertificate('9A', readFileSync(pki.file(`${name}.pem`), 'utf8'));
      await person.reinsertCard(sandbox);
      return person.cardHash(sandbox);
    };
    const first = await become('first');
    t.is((await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', first])).code, 0);
    // Somebody else's card, by the same authority: the password is asked for, and this is none.
    const other = await become('other');
    const asked = await sandbox.exec(['sc_auth', 'renew', '-h', other], {
      user: sandbox.user,
      input: `${sandbox.pin}\n${sandbox.pin}\n`,
    });
    t.is(asked.code, 3, asked.stderr);
    t.deepEqual(await pairings(), [first]);
    const next = await become('next');
    const renewed = await sandbox.exec(['sc_auth', 'renew', '-h', next], {
      user: sandbox.user,
      input: `${sandbox.pin}\n`,
    });
    t.is(renewed.code, 0, renewed.stderr);
    t.deepEqual(await pairings(), [next]);
    await person.expectCardLogin(sandbox);
  },
);
