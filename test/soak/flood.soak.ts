// Password logins with the card required, one after the other, under each flood: nobody gets in, and who has the card does.
// A pulsing flood begins before a login, in its authenticate phase and in its account phase, as it comes.
// SOAK_LOGINS: how many under each flood, 1000 if it is not set.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { enforced, requireAccountPhase } from '../kit/person/enforcement.ts';
import { bothSockets, startFloods, type FloodMode } from '../system/login/floods.ts';
import * as person from '../kit/person/person.ts';

const LOGINS = Number(process.env['SOAK_LOGINS'] ?? 1000);
/** At a time, as root's programs and as the user's own (a screen lock). */
const AT_ONCE = 2;
const PULSE_MS = 300;
const LOGIN_MS = 60_000;

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
  requireAccountPhase(sandbox);
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  await enforced(sandbox, 'on');
  await person.expectCardLogin(sandbox);
  await person.untilAgentSays(sandbox, 'confirmed by the card login');
  writeFileSync(
    sandbox.path('/etc/pam.d/card-only'),
    'auth required pam_scauth.so\naccount required pam_permit.so\n',
  );
});
test.after.always(() => sandbox.stop());

/** Puts the card in or takes it out, and waits until scauthd knows. */
async function placeCard(wanted: boolean): Promise<void> {
  await person.freshCard(sandbox);
  if ((await sandbox.card.state()).inserted === wanted) return;
  const from = sandbox.agentLog().length;
  await (wanted ? sandbox.card.insert() : sandbox.card.eject());
  await person.untilAgentSays(sandbox, wanted ? 'token in' : 'token out', from);
}

/** How many passwords were right: only they put the account phase to the test. */
let rightPasswords = 0;

/** Authenticates by password and asks whether the account may get in; an empty line answers whatever else is asked. */
async function passwordGetsIn(cardIsIn: boolean, user?: string): Promise<boolean> {
  const { code, stdout } = await sandbox.exec(
    ['pamtester', 'sudo', sandbox.user, 'authenticate', 'acct_mgmt'],
    {
      // An empty PIN means the password.
      input: `${cardIsIn ? '\n' : ''}${sandbox.password}\n\n`,
      timeoutMs: LOGIN_MS,
      ...(user !== undefined && { user }),
    },
  );
  if (/successfully authenticated/.test(stdout)) rightPasswords += 1;
  return code === 0;
}

async function cardGetsIn(): Promise<boolean> {
  const { code } = await sandbox.exec(['pamtester', 'card-only', sandbox.user, 'authenticate'], {
    input: `${sandbox.pin}\n`,
    timeoutMs: LOGIN_MS,
  });
  return code === 0;
}

async function times(count: number, act: (number: number) => Promise<boolean>): Promise<number> {
  let yes = 0;
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) if (await act((next += 1))) yes += 1;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return yes;
}

const MODES: readonly FloodMode[] = ['idle', 'half', 'frames', 'slow', 'oneway', 'calls', 'more'];

for (const mode of MODES)
  for (const [uids, each] of [
    [1, 8],
    [17, 8],
    [1000, 1],
  ] as const)
    for (const pulseMs of [0, PULSE_MS])
      for (const withCard of [true, false])
        test.serial(
          `S1: ${mode} by ${uids} uids, ${pulseMs === 0 ? 'all the time' : 'pulsing'}, ${withCard ? 'with' : 'without'} card logins`,
          async (t) => {
            await placeCard(withCard);
            rightPasswords = 0;
            const floods = bothSockets(mode, uids, each).map((flood) => ({ ...flood, pulseMs }));
            const stop = await startFloods(sandbox, floods);
            const from = performance.now();
            try {
              const cardLogins = Math.ceil(LOGINS / 10);
              const [byPassword, byCard] = await Promise.all([
                times(LOGINS, (number) =>
                  passwordGetsIn(withCard, number % 4 === 0 ? sandbox.user : undefined),
                ),
                withCard ? times(cardLogins, cardGetsIn) : null,
              ]);
              const seconds = ((performance.now() - from) / 1000).toFixed(0);
              t.log(
                `${LOGINS} password logins, ${rightPasswords} with the right one: ${byPassword} in; card: ${byCard ?? '-'} of ${cardLogins}; ${seconds} s`,
              );
              t.is(byPassword, 0);
              t.true(rightPasswords > 0);
              if (byCard !== null) t.is(byCard, cardLogins);
            } finally {
              await stop();
            }
          },
        );
