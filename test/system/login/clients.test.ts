// The matrix of PAM clients, each the real program: with card and PIN, without the card, from another host. In one place:
//
//   sudo, su, login, vlock, pkexec (setuid helper), pkexec (helper confined as in polkit 127)   here
//   sshd, sudo in its sessions                                                  remote-session.test.ts
//   i3lock, xsecurelock, xscreensaver                                           ../session/lockers.long.test.ts
//
// What each prompt says to the letter is in login.test.ts; tries and blocked PINs are in pin.test.ts.

import test from 'ava';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import { Units } from '../../kit/logind/units.ts';
import type { Pty } from '../../kit/sandbox/pty.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { until } from '../session/desktop.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';
import { confineHelper, startPolkit } from '../../kit/person/polkit.ts';

let sandbox: Sandbox;
let units: Units;
let logind: LogindMock;
const LOCAL = 'user.slice/session-3.scope';
const REMOTE = 'user.slice/session-5.scope';

/** A session's agent on the terminal, and pkexec once it is registered. */
const PKEXEC = `( pkttyagent --process $$ --notify-fd 5 5>&1 >/dev/tty 2>&1 & echo $! >"$HOME/agent" ) | cat
pkexec --disable-internal-agent id -u; kill "$(cat "$HOME/agent")"`;

interface Client {
  readonly name: string;
  /** Run by ada in a session, or by root. */
  readonly argv: (user: string) => readonly string[];
  readonly as?: 'root';
  /** What it wants before it asks. */
  readonly before?: RegExp;
  /** What is typed once it has let in; absent: it ends by itself. */
  readonly then?: string;
  /** What shows that it has let in. */
  readonly opened: RegExp;
}

const clients: readonly Client[] = [
  { name: 'sudo', argv: () => ['sudo', 'id', '-u'], opened: /^0\r?$/mu },
  { name: 'su', argv: (user) => ['su', user, '-c', 'id -un'], opened: /^ada\r?$/mu },
  {
    name: 'login',
    argv: (user) => ['login', user],
    as: 'root',
    then: 'echo in; exit\n',
    opened: /^in\r?$/mu,
  },
  {
    name: 'vlock',
    argv: () => ['sh', '-c', 'vlock && echo unlocked'],
    before: /\[ENTER\] to unlock/u,
    opened: /^unlocked\r?$/mu,
  },
  { name: 'pkexec', argv: () => ['sh', '-c', PKEXEC], opened: /\[0m0\r?$/mu },
  { name: 'pkexec, confined helper', argv: () => ['sh', '-c', PKEXEC], opened: /\[0m0\r?$/mu },
];

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
  const script = 'mkdir -p /run/systemd/seats && cp /etc/pam.d/login /etc/pam.d/vlock';
  const made = await sandbox.exec(['sh', '-c', script]);
  if (made.code !== 0) throw new Error(made.stderr);
  units = await Units.start(sandbox);
  logind = await LogindMock.startIn(sandbox);
  const { uid, user } = sandbox;
  await logind.add({ id: '3', uid, user, type: 'tty', tty: 'tty2' });
  await logind.add({ id: '5', uid, user, type: 'tty', tty: 'pts/0', seat: null, remoteHost: '192.0.2.7' });
  await startPolkit(sandbox, units);
});

test.after.always(async () => {
  logind.stop();
  await sandbox.stop();
  units.remove();
});

test.beforeEach(() => person.freshCard(sandbox));

async function start({ argv, as, before }: Client, unit: string): Promise<Pty> {
  const env = sandbox.environment(as ?? sandbox.user);
  const pty = sandbox.pty(await units.inside(unit, argv(sandbox.user), as ?? 'user'), { env });
  if (before !== undefined) {
    await pty.expect(before);
    pty.send('\n');
  }
  return pty;
}

/** How often a secret is typed before nothing comes of it. */
const TIMES_TYPED = 3;

/**
 * Types at a prompt. pkttyagent switches the echo off after it has shown its prompt, and what was typed until then is
 * lost: then it shows, and is typed again. vlock's PAM throws away what came before it reads: then nothing shows.
 */
async function type(pty: Pty, prompt: RegExp, text: string): Promise<void> {
  await pty.expect(prompt);
  for (let times = 1, lost = true; lost; times += 1) {
    const from = pty.screen.length;
    pty.send(`${text}\n`);
    try {
      await until(
        () => pty.screen.slice(from).includes('\n'),
        () => `nothing comes of it:\n${pty.screen}`,
      );
      lost = pty.screen.slice(from).includes(text);
    } catch (error) {
      if (times >= TIMES_TYPED) throw error;
    }
  }
}

/** Types the secret at the prompt. @returns the screen, when it has let in */
async function open(client: Client, unit: string, prompt: RegExp, secret: string): Promise<string> {
  const pty = await start(client, unit);
  await type(pty, prompt, secret);
  if (client.then !== undefined) {
    await pty.expect('$ ');
    pty.send(client.then);
  }
  const { screen } = await person.untilEnd(pty);
  if (!client.opened.test(screen))
    throw new Error(`${client.name} did not let in:\n${screen}\n${sandbox.logs()}`);
  return screen;
}

for (const client of clients) {
  const { name } = client;
  if (name.includes('confined'))
    test.serial(`${name}: polkit's helper is socket-activated and confined from here on`, async (t) => {
      await confineHelper(sandbox, units);
      t.pass();
    });

  test.serial(`${name}: card and PIN open it, with one question`, async (t) => {
    // login and its like are started by the system itself.
    const screen = await open(
      client,
      client.as === 'root' ? 'system.slice/getty@tty1.service' : LOCAL,
      PIN_PROMPT,
      sandbox.pin,
    );
    t.notRegex(screen, PASSWORD_PROMPT);
    t.is(await sandbox.card.verifyCount(), 1);
  });

  test.serial(`${name}: without the card the password opens it`, async (t) => {
    await person.pullCard(sandbox);
    const screen = await open(client, LOCAL, PASSWORD_PROMPT, sandbox.password);
    await person.insertCard(sandbox);
    t.notRegex(screen, /PIN/u);
  });

  test.serial(`L18: ${name}: from another host nobody is asked for the PIN`, async (t) => {
    const screen = await open(client, REMOTE, PASSWORD_PROMPT, sandbox.password);
    t.notRegex(screen, /PIN/u);
    t.is(await sandbox.card.verifyCount(), 0);
    await person.untilAudited(sandbox, 'remote-not-allowed');
  });

  test.serial(`${name}: a wrong PIN costs one try, and the password follows`, async (t) => {
    const unit = client.as === 'root' ? 'system.slice/getty@tty1.service' : LOCAL;
    const pty = await start(client, unit);
    await type(pty, PIN_PROMPT, person.WRONG_PIN);
    await type(pty, PASSWORD_PROMPT, sandbox.password);
    if (client.then !== undefined) {
      await pty.expect('$ ');
      pty.send(client.then);
    }
    const { screen } = await person.untilEnd(pty);
    t.regex(screen, client.opened);
    t.is(await sandbox.card.getTries(), 2);
  });
}
