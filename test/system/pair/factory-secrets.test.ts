// S13 on the real way: a card as it comes from the factory is not paired by anybody, a pairing from its hash does not open
// sudo, and the finder's attack (a new PIN by the factory's PUK) ends without uid 0. With its own secrets it is paired.
import test, { type ExecutionContext } from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';

const FACTORY = { pin: '123456', puk: '12345678' };
const FOUND_PIN = '987654';
let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start({ card: 'p256', pin: FACTORY.pin, cardArgs: ['--puk', FACTORY.puk] });
});
test.after.always(() => sandbox.stop());

async function noSudo(t: ExecutionContext, pin: string): Promise<void> {
  const sudo = await sandbox.exec(['sudo', '-k', '-S', 'id', '-u'], {
    user: sandbox.user,
    input: `${pin}\n${pin}\n${pin}\n`,
  });
  t.not(sudo.code, 0);
  t.notRegex(sudo.stdout, /^0$/m);
}

test.serial('neither its owner nor the administrator pairs it; lists say what is wrong', async (t) => {
  const hash = await person.cardHash(sandbox);
  for (const argv of [
    ['sc_auth', 'pair', '-h', hash],
    ['sc_auth', 'pair', '-u', sandbox.user, '-h', hash],
  ]) {
    const { code, stderr } = await sandbox.exec(argv, argv.includes('-u') ? {} : { user: sandbox.user });
    t.is(code, 3, stderr);
    t.regex(stderr, /the PIN and the PUK of this card are still the factory's/i);
    t.regex(stderr, /sc_auth changepin --factory/);
  }
  const lists = [
    ['profile', /the PUK is the factory's \(12345678\)/],
    ['identities', /The PIN and the PUK of this card are still the factory's/],
    ['doctor', /cards\s+The PIN and the PUK of this card are still the factory's/],
  ] as const;
  for (const [command, says] of lists) {
    const { stdout, stderr } = await sandbox.exec(['sc_auth', command]);
    t.regex(`${stdout}${stderr}`, says);
  }
});

test.serial(
  'the finder: paired by hash while the card was away, a new PIN by the PUK, no uid 0',
  async (t) => {
    const hash = await person.cardHash(sandbox);
    await person.pullCard(sandbox);
    t.is((await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash])).code, 0);
    await person.insertCard(sandbox);
    await noSudo(t, FACTORY.pin);
    const unblocked = await sandbox.exec(['sc_auth', 'unblock', '--puk-fd', '0', '--pin-fd', '0'], {
      input: `${FACTORY.puk}\n${FOUND_PIN}\n${FOUND_PIN}\n`,
    });
    t.is(unblocked.code, 0, unblocked.stderr);
    await noSudo(t, FOUND_PIN);
    const { stdout } = await sandbox.exec(['sc_auth', 'audit', 'search', '--kind', 'login', '--json']);
    t.regex(stdout, /factory-secrets/);
    await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
  },
);
