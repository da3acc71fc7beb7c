// S4, S9: several prompts at once, one that is left open, and somebody else's card, on the real pcscd: the last try goes
// with its owner's yes alone.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { CONSENT_PROMPT, PASSWORD_PROMPT, PIN_PROMPT, WRONG_PIN } from '../../kit/person/person.ts';
import { wrongPinsAtOnce } from './wrong-pins.ts';

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
  await person.addUser(sandbox, 'bob');
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

test.serial(
  'S4: three sudos at their prompts, a wrong PIN in each: the third is asked for a yes',
  async (t) => {
    const ptys = [1, 2, 3].map(() => person.startSudo(sandbox));
    for (const pty of ptys) await pty.expect(PIN_PROMPT);
    for (const pty of ptys) pty.send(`${WRONG_PIN}\n`);
    const asked = await Promise.all(
      ptys.map(async (pty) => (await pty.expect(/(password|Password|Type yes to use it)[^\n]*: $/))[1]),
    );
    t.is(asked.filter((word) => word === 'Type yes to use it').length, 1, JSON.stringify(asked));
    t.is(await sandbox.card.getTries(), 1);
    for (const pty of ptys) await person.interrupt(pty);
  },
);

test.serial(
  'S4: a prompt that was left open while the tries went elsewhere asks before it sends',
  async (t) => {
    const old = person.startSudo(sandbox);
    await old.expect(PIN_PROMPT);
    for (let n = 0; n < 2; n += 1) {
      await person.sudo(sandbox, [PIN_PROMPT, WRONG_PIN], [PASSWORD_PROMPT, sandbox.password]);
      await sandbox.exec(['sudo', '-K'], { user: sandbox.user });
    }
    t.is(await sandbox.card.getTries(), 1);
    old.send(`${WRONG_PIN}\n`);
    await old.expect(CONSENT_PROMPT);
    old.send('\n');
    await old.expect(PASSWORD_PROMPT);
    t.is(await sandbox.card.getTries(), 1);
    await person.interrupt(old);
  },
);

test.serial("S9: somebody else's card: bob's yes is not asked for, and the last try stays", async (t) => {
  await sandbox.card.setTries(1);
  await person.reinsertCard(sandbox);
  const asBob = ['setpriv', '--reuid=bob', '--regid=bob', '--init-groups', 'sc_auth', 'verifypin'];
  const { code, screen } = await person.untilEnd(sandbox.pty(asBob));
  t.not(code, 0);
  t.notRegex(screen, /Type yes/);
  t.regex(screen, /kept for its owner|your session may be elsewhere/);
  t.is(await sandbox.card.getTries(), 1);
});

test.serial('S4: rounds of five wrong PINs at once never block', async (t) => {
  for (let round = 0; round < 3; round += 1) {
    const { good, asked } = await wrongPinsAtOnce(sandbox);
    t.true(good, `round ${round}`);
    t.true(asked > 0);
  }
  t.is(await sandbox.card.getTries(), 3);
});
