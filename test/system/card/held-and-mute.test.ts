// K9 on the real pcscd: a card in another reader that does not answer, and a card that another program has when scauthd
// first looks at it. Who has been read logs in; who misses the card reads why.
import test, { type ExecutionContext } from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT } from '../../kit/person/person.ts';
import { PcscClient } from '../../kit/person/pcsc-client.ts';

const SILENT = 'The card does not answer. Take it out, put it back and try again, or use your password.';
const BUSY = 'Another program is using the card. Try again in a moment, or use your password.';

let sandbox: Sandbox;
test.before(async () => {
  sandbox = await Sandbox.start({ card: 'p256' });
  await person.pairCard(sandbox);
});
test.after.always(() => sandbox.stop());

async function muteBesideOwn(t: ExecutionContext, sandbox: Sandbox): Promise<void> {
  const mute = await sandbox.addCard(['--out', '--key', 'p256:2', '--guid', '11'.repeat(16)]);
  try {
    await mute.misbehave({ kind: 'hang', times: 'always' });
    const from = sandbox.agentLog().length;
    const powered = mute.nextPowerOn();
    await mute.insert();
    await powered;
    await person.expectCardLogin(sandbox);
    await person.untilAgentSays(sandbox, 'cannot be read: card-timeout', from);
    await person.expectCardLogin(sandbox);
    await person.pullCard(sandbox);
    const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0, screen);
    t.true(screen.includes(SILENT), screen);
    const log = sandbox.agentLog().slice(from);
    t.is(log.split('cannot be read').length, 2, log);
  } finally {
    mute.close();
  }
  await person.insertCard(sandbox);
  await person.expectCardLogin(sandbox);
}

const MUTE = 'K9: a mute card in another reader: the own card logs in while it is looked at, and after';
test.serial(MUTE, (t) => muteBesideOwn(t, sandbox));

test.serial(`${MUTE}, through OpenSC's module`, async (t) => {
  const viaModule = await Sandbox.start({ config: '[tokens]\ndisabled = ["org.scauth.piv"]\n' });
  try {
    await person.pairCard(viaModule);
    await muteBesideOwn(t, viaModule);
  } finally {
    await viaModule.stop();
  }
});

test.serial(
  'K9: another program has the card when it is first looked at: said so; then it works',
  async (t) => {
    const other = await PcscClient.connect(sandbox);
    await other.do('begin');
    const from = sandbox.agentLog().length;
    await sandbox.restartAgent();
    await person.untilAgentSays(sandbox, /cannot be read: card-busy/, from);
    const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0, screen);
    t.true(screen.includes(BUSY), screen);
    const explained = await sandbox.exec(['sc_auth', 'explain'], { user: sandbox.user });
    t.regex(explained.stdout, /Another program is using the card/);
    t.regex(explained.stdout, /End the program that holds the card/);
    const held = sandbox.agentLog().length;
    await other.do('end');
    await other.close();
    // Whoever asks at once may be too early: a look that waits for the card comes to it with libpcsclite's next poll.
    await person.untilAgentSays(sandbox, 'token in', held);
    await person.expectCardLogin(sandbox);
  },
);
