// Cards that say nothing for this user: somebody else's, an unpaired one, none; users that there are not.
// All of them: straight to the password, without a word about a card, and nothing goes to the card.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.addUser(sandbox, 'bob');
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

async function onlyPassword(): Promise<{ silent: boolean; screen: string }> {
  const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  const [first = ''] = screen.split('\r\n');
  return { silent: code === 0 && ROOT.test(screen) && first.startsWith('[sudo] password for ada: '), screen };
}

test.serial('an unpaired card: silently the password, and no line in the audit log', async (t) => {
  const before = sandbox.auditLog();
  const { silent, screen } = await onlyPassword();
  t.true(silent, screen);
  t.deepEqual(await person.apduNames(sandbox), []);
  t.is(sandbox.auditLog(), before);
});

test.serial('the card of another user: silently the password', async (t) => {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { unpaired } = JSON.parse(stdout) as { unpaired: { hash: string }[] };
  const hash = unpaired[0]?.hash ?? '';
  t.is((await sandbox.exec(['sc_auth', 'pair', '-u', 'bob', '-h', hash])).code, 0);
  // ada is paired with a card that is elsewhere.
  t.is((await sandbox.exec(['sc_auth', 'pair', '-u', 'ada', '-h', 'AB'.repeat(20)])).code, 0);
  const before = await person.apduNames(sandbox);
  const { silent, screen } = await onlyPassword();
  t.true(silent, screen);
  t.deepEqual(await person.apduNames(sandbox), before);
});

test.serial('no card: silently the password', async (t) => {
  await person.pullCard(sandbox);
  const { silent, screen } = await onlyPassword();
  t.true(silent, screen);
  await person.insertCard(sandbox);
});

test.serial('an unknown user gets the password prompt that everybody gets, and no account', async (t) => {
  for (const name of ['nobody-here', '../ada', 'ädå', 'x'.repeat(255)]) {
    const { code, stdout } = await person.pamtester(sandbox, 'root', ['login', name], 'whatever');
    t.not(code, 0, name);
    t.notRegex(stdout, /PIN|card/i, name);
  }
  t.deepEqual(await person.apduNames(sandbox), []);
});
