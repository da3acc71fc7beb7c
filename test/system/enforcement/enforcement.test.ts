// Enforcement with the real sudo, su and login: off until everybody has a way in, on, and the ways in that stay.
// L25: enforcement switched on before pairing shuts people out elsewhere.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import {
  BREAK_GLASS_PROMPT,
  CARD_REQUIRED,
  enforce,
  enforced,
  requireAccountPhase,
} from '../../kit/person/enforcement.ts';
import * as person from '../../kit/person/person.ts';
import { answer, PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
let code = '';

test.before(async () => {
  sandbox = await Sandbox.start();
  requireAccountPhase(sandbox);
  await person.addUser(sandbox, 'bob');
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

/** sudo with the password, the card being in: an empty PIN means the password. */
function sudoByPassword(...more: readonly person.Move[]): Promise<{ code: number; screen: string }> {
  return person.sudo(sandbox, [PIN_PROMPT, ''], [PASSWORD_PROMPT, sandbox.password], ...more);
}

test.serial('while enforcement is off the account line changes nothing', async (t) => {
  await person.pairCard(sandbox);
  const { code: exit, screen } = await sudoByPassword();
  t.is(exit, 0);
  t.regex(screen, ROOT);
  t.like(await enforced(sandbox, 'status'), { state: 'off', breakGlass: false, exemptions: [] });
});

test.serial(
  'L25: on is refused while somebody would be shut out, and the plan says who and why',
  async (t) => {
    const plan = await enforce(sandbox, ['plan']);
    t.is(plan.code, 1);
    t.regex(plan.stdout, /^SHUT OUT {2}ada .*1 pairing, no card login: has never logged in by card/m);
    t.regex(plan.stdout, /^SHUT OUT {2}bob .*0 pairings, no card login: has no card/m);
    t.regex(plan.stdout, /^gets in {3}root /m);
    const on = await enforce(sandbox, ['on']);
    t.is(on.code, 3);
    t.regex(on.stderr, /would shut out: ada, bob/);
    t.false(on.stdout.includes('Break-glass'));
    t.like(await enforced(sandbox, 'status'), { state: 'off' });
  },
);

test.serial('a card login and an exemption clear the plan', async (t) => {
  await person.expectCardLogin(sandbox);
  const given = await enforced(sandbox, 'exempt', 'bob', '--until', '2w', '--reason', 'card is in the post');
  t.like(given['exemption'], { user: 'bob', by: 'root', reason: 'card is in the post' });
  const { accounts, shutOut } = await enforced(sandbox, 'plan');
  t.deepEqual(shutOut, []);
  t.like(
    (accounts as { user: string }[]).find(({ user }) => user === 'ada'),
    {
      pairings: 1,
      keptInBy: 'card',
    },
  );
});

test.serial('on prints the code once; a password opens nothing any more', async (t) => {
  const on = await enforce(sandbox, ['on', '--json']);
  t.is(on.code, 0, on.stderr);
  const said = JSON.parse(on.stdout) as { breakGlassCode: string; until: string };
  code = said.breakGlassCode;
  t.regex(code, /^([0-9A-Z]{5}-){4}[0-9A-Z]{5}$/);
  t.like(await enforced(sandbox, 'status'), { state: 'trial', by: 'root', breakGlass: true });
  t.like(await enforced(sandbox, 'on'), { breakGlassCode: null }, 'once');

  const { code: exit, screen } = await sudoByPassword([BREAK_GLASS_PROMPT, '']);
  t.not(exit, 0);
  t.false(ROOT.test(screen));
  t.true(screen.includes(CARD_REQUIRED), screen);
  await person.untilAudited(sandbox, 'card-required');
});

test.serial('su and login: the password is asked for and does not do', async (t) => {
  const su = sandbox.pty(['su', sandbox.user, '-c', 'id -un'], { user: 'bob' });
  const { code: exit, screen } = await answer(su, [
    [PIN_PROMPT, ''],
    [PASSWORD_PROMPT, sandbox.password],
    [BREAK_GLASS_PROMPT, ''],
  ]);
  t.not(exit, 0);
  t.false(/^ada\r?$/m.test(screen), screen);

  const login = sandbox.pty(['login', sandbox.user]);
  await login.expect(PIN_PROMPT);
  login.send('\n');
  await login.expect(PASSWORD_PROMPT);
  login.send(`${sandbox.password}\n`);
  await login.expect(BREAK_GLASS_PROMPT);
  login.send('\n');
  const { screen: after } = await person.untilEnd(login);
  t.true(after.includes(CARD_REQUIRED), after);
  t.false(after.includes('$ '), after);
});

test.serial('the card opens, and its login confirms the trial', async (t) => {
  await person.expectCardLogin(sandbox);
  await person.untilAgentSays(sandbox, 'confirmed by the card login of ada');
  t.like(await enforced(sandbox, 'status'), { state: 'on' });
  const { screen } = await answer(sandbox.pty(['su', sandbox.user, '-c', 'id -un'], { user: 'bob' }), [
    [PIN_PROMPT, sandbox.pin],
  ]);
  t.regex(screen, /^ada\r?$/m);
  const login = sandbox.pty(['login', sandbox.user]);
  await login.expect(PIN_PROMPT);
  login.send(`${sandbox.pin}\n`);
  await login.expect('$ ');
  login.send('exit 9\n');
  await person.untilEnd(login);
});
