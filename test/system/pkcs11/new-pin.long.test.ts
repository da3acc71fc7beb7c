// A new PIN through PKCS#11 modules (C_SetPIN) by sc_auth changepin: OpenSC's with the software card, and SoftHSM's.
// sudo says which PIN is in force. What PKCS#11 has no way for is said in a sentence.
import test from 'ava';
import * as person from '../../kit/person/person.ts';
import { PIN_PROMPT, ROOT, WRONG_PIN } from '../../kit/person/person.ts';
import { strangerSignStatus } from '../../kit/person/pcsc-client.ts';
import { DEFAULTS, Sandbox } from '../../kit/sandbox/sandbox.ts';
import { makeSoftHsm, SOFTHSM_CONFIG } from './tokens.ts';

const NEW_PIN = '48151623';
const NOT_PIV = '[tokens]\ndisabled = ["org.scauth.piv"]\n';

/** sc_auth as the user without a terminal, lines on standard input. */
function piped(
  sandbox: Sandbox,
  args: readonly string[],
  ...lines: readonly string[]
): ReturnType<Sandbox['exec']> {
  const input = lines.map((line) => `${line}\n`).join('');
  return sandbox.exec(['sc_auth', ...args], { user: sandbox.user, input });
}

/** sudo with a PIN that the token does not take. */
async function expectRefused(sandbox: Sandbox, pin: string): Promise<string> {
  const { screen } = await person.sudo(
    sandbox,
    [PIN_PROMPT, pin],
    [person.PASSWORD_PROMPT, sandbox.password],
  );
  return screen;
}

test.serial("OpenSC's module: the new PIN opens sudo, and the card is left unverified", async (t) => {
  const sandbox = await Sandbox.start({ config: NOT_PIV });
  try {
    await person.pairCard(sandbox);
    const changed = await piped(sandbox, ['changepin'], sandbox.pin, NEW_PIN, NEW_PIN);
    t.deepEqual([changed.code, changed.stdout], [0, 'PIN changed\n'], changed.stderr + sandbox.agentLog());
    t.is(await strangerSignStatus(sandbox), '6982');
    t.regex((await person.sudo(sandbox, [PIN_PROMPT, NEW_PIN])).screen, ROOT);
    t.regex(await expectRefused(sandbox, WRONG_PIN), /Wrong PIN/);
    t.is(await sandbox.card.getTries(), 2);

    const tries = await sandbox.card.getTries();
    const wrong = await piped(sandbox, ['changepin', '--json'], WRONG_PIN, '87654321', '87654321');
    t.is(wrong.code, 3);
    t.like(JSON.parse(wrong.stdout), { error: 'wrong-pin' });
    t.is(await sandbox.card.getTries(), tries - 1, 'one try, once');

    const unblocked = await piped(sandbox, ['unblock'], DEFAULTS.puk, NEW_PIN, NEW_PIN);
    t.is(unblocked.code, 1);
    t.regex(unblocked.stderr, /driver of this card cannot do that/);
    t.notRegex(sandbox.agentLog() + sandbox.auditLog(), /48151623|87654321/);
  } finally {
    await sandbox.stop();
  }
});

test.serial("SoftHSM's module: the new PIN opens sudo, the old one does not", async (t) => {
  const sandbox = await Sandbox.start({ agent: false, card: 'none', config: SOFTHSM_CONFIG });
  try {
    await makeSoftHsm(sandbox);
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:');
    await person.pairCard(sandbox);
    t.is((await piped(sandbox, ['changepin'], sandbox.pin, NEW_PIN, NEW_PIN)).stdout, 'PIN changed\n');
    t.regex((await person.sudo(sandbox, [PIN_PROMPT, NEW_PIN])).screen, ROOT);
    t.regex(await expectRefused(sandbox, sandbox.pin), /Wrong PIN/);
    // What cannot be a PIN of the token is no PIN, old or new.
    const unfit = await piped(sandbox, ['changepin'], NEW_PIN, '12', 'abcdef', 'letters');
    t.is(unfit.code, 3, unfit.stdout + unfit.stderr);
    t.regex((await person.sudo(sandbox, [PIN_PROMPT, NEW_PIN])).screen, ROOT);
  } finally {
    await sandbox.stop();
  }
});
