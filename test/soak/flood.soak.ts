// Password logins with the card required, one after the other, under each flood: nobody gets in, and who has the card does.
// A pulsing flood begins before a login, in its authenticate phase and in its account phase, as it comes.
// SOAK_LOGINS: how many under each flood, 1000 if it is not set.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { APP } from '../kit/sandbox/namespace.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { cardRequired } from '../kit/person/enforcement.ts';
import { bothSockets, startFloods, type FloodMode } from '../system/login/floods.ts';
import * as person from '../kit/person/person.ts';

const LOGINS = Number(process.env['SOAK_LOGINS'] ?? 1000);
const PULSE_MS = 300;
const LOGIN_MS = 60_000;

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = 'build/soak/logins';
const LOGINS_PROGRAM = `${APP}/${PROGRAM}`;

let sandbox: Sandbox;

test.before(async () => {
  mkdirSync(dirname(join(ROOT, PROGRAM)), { recursive: true });
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror'];
  execFileSync('cc', [...flags, '-o', join(ROOT, PROGRAM), join(import.meta.dirname, 'logins.c'), '-lpam']);
  sandbox = await Sandbox.start();
  await cardRequired(sandbox);
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

interface Counts {
  /** With the right password, or the right PIN: only they put the account phase to the test. */
  readonly authenticated: number;
  readonly in: number;
}

async function logins(service: string, pin: string, count: number, user?: string): Promise<Counts> {
  const { stdout, stderr } = await sandbox.exec(
    [LOGINS_PROGRAM, service, sandbox.user, pin, sandbox.password, String(count)],
    { timeoutMs: count * LOGIN_MS, ...(user !== undefined && { user }) },
  );
  const [, authenticated, letIn] = /^(\d+) (\d+)$/m.exec(stdout) ?? [];
  if (letIn === undefined) throw new Error(`no counts: ${stdout}${stderr}`);
  return { authenticated: Number(authenticated), in: Number(letIn) };
}

/** By two of root's programs and one of the user's own (a screen lock) at once. An empty PIN means the password. */
async function byPassword(count: number): Promise<Counts> {
  const quarter = Math.ceil(count / 4);
  const rest = Math.ceil((count - quarter) / 2);
  const all = await Promise.all([
    logins('sudo', '', rest),
    logins('sudo', '', rest),
    logins('sudo', '', quarter, sandbox.user),
  ]);
  return {
    authenticated: all.reduce((sum, { authenticated }) => sum + authenticated, 0),
    in: all.reduce((sum, counts) => sum + counts.in, 0),
  };
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
            const floods = bothSockets(mode, uids, each).map((flood) => ({ ...flood, pulseMs }));
            const stop = await startFloods(sandbox, floods);
            const from = performance.now();
            try {
              const cardLogins = Math.ceil(LOGINS / 10);
              const [passwords, cards] = await Promise.all([
                byPassword(LOGINS),
                withCard ? logins('card-only', sandbox.pin, cardLogins) : null,
              ]);
              const seconds = ((performance.now() - from) / 1000).toFixed(0);
              t.log(
                `${LOGINS} password logins, ${passwords.authenticated} with the right one: ${passwords.in} in; card: ${cards?.in ?? '-'} of ${cardLogins}; ${seconds} s`,
              );
              t.is(passwords.in, 0);
              t.true(passwords.authenticated > 0);
              if (cards !== null) t.is(cards.in, cardLogins);
            } finally {
              await stop();
            }
          },
        );
