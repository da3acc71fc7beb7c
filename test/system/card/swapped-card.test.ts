// A card is taken out and another one put into the same reader in the middle of `sc_auth unblock` and `sc_auth renew`: the
// other one gets neither PIN nor PUK, and pairings stay as they were.
import test, { type ExecutionContext } from 'ava';
import * as person from '../../kit/person/person.ts';
import { VPCD_PORT } from '../../kit/sandbox/etc.ts';
import { DEFAULTS, Sandbox } from '../../kit/sandbox/sandbox.ts';

const OTHER = ['--key', 'p256:3', '--serial', '33'];
const REFUSED = /There is no card in a reader|The card was changed/;
const SPENDS_TRIES = [0x20, 0x24, 0x2c];

/** Another card in the first reader, which is empty. @returns how many PINs and PUKs came to it, so far */
async function putOther(sandbox: Sandbox) {
  const from = sandbox.agentLog().length;
  const other = await sandbox.addCard(OTHER, VPCD_PORT);
  await person.untilAgentSays(sandbox, 'token in:', from);
  await other.clearLog();
  return {
    spent: async (): Promise<number> =>
      (await other.log()).filter(({ ins, body }) => SPENDS_TRIES.includes(ins) && body !== '').length,
    close: () => {
      other.close();
    },
  };
}

async function started(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.start();
  t.teardown(() => sandbox.stop());
  return sandbox;
}

test.serial('unblock: the card is swapped before the PUK is sent', async (t) => {
  const sandbox = await started(t);
  const pty = sandbox.pty(['sc_auth', 'unblock'], { user: sandbox.user });
  await pty.expect(/Enter PUK for [^\n]*: $/);
  await person.pullCard(sandbox);
  const other = await putOther(sandbox);
  pty.send(`${DEFAULTS.puk}\n`);
  await pty.expect(/Enter new PIN for [^\n]*: $/);
  pty.send('48151623\n');
  await pty.expect(/Enter new PIN again: $/);
  pty.send('48151623\n');
  await pty.expect(REFUSED);
  t.is(await other.spent(), 0);
  other.close();
});

test.serial('renew: the new card is swapped before its PIN is sent; the old pairing stays', async (t) => {
  const sandbox = await started(t);
  await person.pairCard(sandbox);
  const before = (await sandbox.exec(['sc_auth', 'list', '-u', sandbox.user])).stdout;
  await person.pullCard(sandbox);
  const from = sandbox.agentLog().length;
  const fresh = await sandbox.addCard(['--key', 'p256:2', '--serial', '22'], VPCD_PORT);
  await person.untilAgentSays(sandbox, 'token in:', from);
  const argv = ['sc_auth', 'renew', '-h', await person.cardHash(sandbox)];
  const pty = sandbox.pty(argv, { user: sandbox.user });
  await pty.expect(person.PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  await pty.expect(person.PIN_PROMPT);
  const gone = sandbox.agentLog().length;
  await fresh.eject();
  await person.untilAgentSays(sandbox, 'token out:', gone);
  const other = await putOther(sandbox);
  pty.send(`${sandbox.pin}\n`);
  await pty.expect(REFUSED);
  t.is(await other.spent(), 0);
  t.is((await sandbox.exec(['sc_auth', 'list', '-u', sandbox.user])).stdout, before);
  for (const control of [fresh, other]) control.close();
});
