// Two cards of one user in two readers, a key that wants a touch, and a contactless reader: on sudo, under the real pcscd.
import test from 'ava';
import type { CardControl } from '../../kit/card/client.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

const CHOICE = /Which card\?\r\n {2}1 ([^\r]*)\r\n {2}2 ([^\r]*)\r\nType a number, or press Enter for 1: $/;
const TOUCH_PROMPT = /Enter PIN for '[^\n]*', then touch the card: $/;

/** Pairs all keys for login that are in, as the administrator. */
async function pairAll(sandbox: Sandbox): Promise<void> {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities']);
  for (const [, hash = ''] of stdout.matchAll(/^([0-9A-F]{40})\t/gm)) {
    const { code, stderr } = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
    if (code !== 0) throw new Error(stderr);
  }
}

test.serial('two cards: asked which, the last used first; the text of a locker burns no try', async (t) => {
  const sandbox = await Sandbox.start();
  let other: CardControl | null = null;
  try {
    const from = sandbox.agentLog().length;
    const guid = '11'.repeat(16);
    other = await sandbox.addCard(['--key', 'p256:2', '--cn', 'Second', '--guid', guid]);
    await person.untilAgentSays(sandbox, 'token in', from);
    await pairAll(sandbox);
    const choose = async (typed: string): Promise<string> => {
      const { code, screen } = await person.sudo(sandbox, [CHOICE, typed], [PIN_PROMPT, sandbox.pin]);
      t.is(code, 0, screen);
      t.regex(screen, ROOT);
      return CHOICE.exec(screen.replace(/press Enter for 1: [^]*$/, 'press Enter for 1: '))?.[1] ?? '';
    };
    const first = await choose('2');
    const second = await choose('');
    t.not(first, second, 'the card that was used is the first of the list now');
    t.deepEqual([await sandbox.card.verifyCount(), await other.verifyCount()].sort(), [0, 2]);
    // The PIN at the choice, as from a locker: no card hears of it, and the password has its turn.
    const verifies = [await sandbox.card.verifyCount(), await other.verifyCount()];
    const { code, screen } = await person.sudo(
      sandbox,
      [CHOICE, sandbox.pin],
      [PASSWORD_PROMPT, sandbox.password],
    );
    t.is(code, 0, screen);
    t.deepEqual([await sandbox.card.verifyCount(), await other.verifyCount()], verifies);
  } finally {
    other?.close();
    await sandbox.stop();
  }
});

test.serial(
  'a key that wants a touch: the prompt says so; nobody touches: a sentence, then the password',
  async (t) => {
    const sandbox = await Sandbox.start({ cardArgs: ['--touch', 'always'] });
    try {
      await pairAll(sandbox);
      await sandbox.card.misbehave({ kind: 'touch', ins: '87', timeoutMs: 60_000 });
      const pty = person.startSudo(sandbox);
      await pty.expect(TOUCH_PROMPT);
      const blinks = sandbox.card.waitFor({ ins: '87' });
      pty.send(`${sandbox.pin}\n`);
      await blinks;
      t.is(await sandbox.card.release(), 1);
      const { code, screen } = await person.untilEnd(pty);
      t.is(code, 0, screen);
      await sandbox.card.misbehave({ kind: 'touch', ins: '87', timeoutMs: 1 });
      const late = await person.sudo(
        sandbox,
        [TOUCH_PROMPT, sandbox.pin],
        [/was not touched in time/],
        [PASSWORD_PROMPT, sandbox.password],
      );
      t.is(late.code, 0, late.screen);
      t.is(await sandbox.card.getTries(), 3);
      t.false(await sandbox.card.isVerified());
    } finally {
      await sandbox.stop();
    }
  },
);

test.serial('a contactless reader: refused with its reason in the log; the setting lets it in', async (t) => {
  for (const allowed of [false, true]) {
    const config = `[reader]\ncontactless = ${allowed}\n`;
    const sandbox = await Sandbox.start({ readerName: 'Virtual PCD [Contactless Reader]', config });
    try {
      const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
      const { unpaired } = JSON.parse(stdout) as { unpaired: { hash: string }[] };
      const argv = ['sc_auth', 'pair', '-u', sandbox.user, '-h', unpaired[0]?.hash ?? ''];
      const paired = await sandbox.exec(argv);
      t.is(paired.code === 0, allowed, paired.stderr);
      if (allowed) {
        await person.expectCardLogin(sandbox);
        continue;
      }
      t.regex(paired.stderr, /contactless reader/);
      // Paired while no card is in, by its hash alone: the login is refused all the same.
      await person.pullCard(sandbox);
      t.is((await sandbox.exec(argv)).code, 0);
      await person.insertCard(sandbox);
      const { code, screen } = await person.sudo(
        sandbox,
        [/Cards are not used through a contactless reader here/],
        [PASSWORD_PROMPT, sandbox.password],
      );
      t.is(code, 0, screen);
      t.is(await sandbox.card.verifyCount(), 0);
      await person.untilAudited(sandbox, 'contactless-not-allowed');
    } finally {
      await sandbox.stop();
    }
  }
});
