// A fleet in small, by the real programs: an officer's card signs a book, a card logs in to sudo by the book alone, is
// revoked, and is refused.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import type { CardControl } from '../../kit/card/client.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const FILE = '/run/officer/fleet.book';
const HEAD_KEY = '/run/officer/head.pem';

test.serial('an officer signs, a card logs in by the book alone, is revoked, and is refused', async (t) => {
  const sandbox = await Sandbox.start();
  let other: CardControl | null = null;
  try {
    const run = async (argv: readonly string[], options: object = {}): Promise<string> => {
      const { code, stdout, stderr } = await sandbox.exec(argv, options);
      if (code !== 0) throw new Error(`${argv.join(' ')}: ${code}: ${stderr}${stdout}`);
      return stdout;
    };
    const book = (verb: string, ...args: string[]): Promise<string> =>
      run(['sc_auth', 'book', verb, '-f', FILE, ...args], { user: sandbox.user, input: `${sandbox.pin}\n` });
    const carry = async (epoch: number): Promise<void> => {
      const from = sandbox.agentLog().length;
      await run([
        'sh',
        '-c',
        'sc_auth book export -f "$1" -o /run/book.new && mv /run/book.new "$2"',
        'sh',
        FILE,
        '/var/lib/scauth-fleet/book',
      ]);
      await run(['kill', '-HUP', String(sandbox.agentPid)]);
      await person.untilAgentSays(sandbox, `fleet: head ${epoch};`, from);
    };
    const officer = await person.cardHash(sandbox);
    await run(['sc_auth', 'pair', '-u', sandbox.user, '-h', officer]);
    await run(['install', '-d', '-o', sandbox.user, '/run/officer']);
    await run(['mkdir', '-p', '/var/lib/scauth-fleet']);
    const pinned = JSON.parse(await book('init', '--realm', 'example.org', '--name', 'Olga', '--json')) as {
      officer: string;
    };
    await book('sign');
    writeFileSync(
      sandbox.path('/etc/scauth/scauth.toml'),
      `[fleet]\nrealm = "example.org"\nofficers = ["${pinned.officer}"]\nthreshold = 1\n`,
    );

    const from = sandbox.agentLog().length;
    other = await sandbox.addCard(['--key', 'p256:2', '--cn', 'Second', '--guid', '22'.repeat(16)]);
    await person.untilAgentSays(sandbox, 'token in', from);
    const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
    const second = [...stdout.matchAll(/^([0-9A-F]{40})\t/gm)]
      .map(([, hash = '']) => hash)
      .find((hash) => hash !== officer);
    if (second === undefined) return t.fail(stdout);
    await book('add', '--new-head-key', HEAD_KEY);
    await book('add', '-u', sandbox.user, '-h', second);
    t.regex(await book('sign'), /2 lines signed/);
    await book('sign', '--head-key', HEAD_KEY);
    const lines = '/run/officer/officers.book';
    await book('export', '--officers', '-o', lines);
    for (const signer of [pinned.officer, lines])
      t.regex(await book('verify', '--signer', signer, '--threshold', '1'), /counts the same records/);
    await carry(1);

    await run(['sc_auth', 'unpair', '-u', sandbox.user, '-h', officer]);
    t.regex(await run(['sc_auth', 'list', '-v', '-u', sandbox.user]), /Paired by: officer Olga/);
    const { code, screen } = await person.sudo(sandbox, [PIN_PROMPT, sandbox.pin]);
    t.is(code, 0, screen);
    t.regex(screen, ROOT);
    t.is(await other.verifyCount(), 1);
    t.regex(await run(['cat', sandbox.environment()['SCAUTH_AUDIT_LOG'] ?? '']), /signed by Olga/);
    t.regex(await run(['sc_auth', 'explain', '-u', sandbox.user]), /fleet-fresh: head 1/);
    t.regex((await sandbox.exec(['sc_auth', 'doctor'])).stdout, /fleet-fresh: head 1/);

    await book('revoke', '-u', sandbox.user, '--head-key', HEAD_KEY);
    await carry(2);
    const after = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(after.code, 0, after.screen);
    t.notRegex(after.screen, /Enter PIN/);
    t.is(await other.verifyCount(), 1);
  } finally {
    other?.close();
    await sandbox.stop();
  }
});
