// install/doc/getting-started.md, done by somebody who has only the page and a new card: each command in its code blocks,
// in order, on a terminal. What systemd does on a real machine (it starts scauthd) is done here by hand, nothing else.

import { copyFileSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';
import { makePackages, type Packages } from './packages.ts';
import { PASSWORD, USER, World } from './world.ts';

const PAGE = readFileSync(join(REPOSITORY, 'install/doc/getting-started.md'), 'utf8');
const PIN = '864213';
const FACTORY_PUK = '12345678';
const COMMAND_MS = 120_000;

/** The commands of the page, as typed. */
const COMMANDS = [...PAGE.matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].flatMap(([, block = '']) =>
  block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== ''),
);

let world: World;
let packages: Packages;

test.before(async () => {
  packages = await makePackages();
  world = await World.start();
  copyFileSync(packages.file, world.path(`/home/${USER}/${basename(packages.file)}`));
  // A card as it comes from the shop.
  await world.startReader('--factory', '--pin', '123456', '--puk', FACTORY_PUK);
});
test.after.always(async () => {
  await world.stop();
});

/** What a person answers, by the end of the screen; the first that fits. */
const ANSWERS: readonly (readonly [RegExp, string])[] = [
  [/Turn card logins on in the PAM files\?[^?]*\[yes\/no\] $/, 'no'],
  [/\[y\/N\] $/, 'y'],
  [/\[Y\/n\] $/, 'y'],
  [/Enter = \w+[^\n]*: $/, ''],
  [/Enter new PIN[^\n]*: $/, PIN],
  [/(Enter PIN for|PIN of) '[^\n]*: $/, PIN],
  [/[Pp]assword[^\n]*: $/, PASSWORD],
];

/** Types one command and answers what it asks. */
async function type(command: string): Promise<{ code: number; screen: string }> {
  const pty = world.pty(['bash', '-c', `cd && ${command}`], USER);
  const any = new RegExp(ANSWERS.map(([prompt]) => prompt.source).join('|'));
  let ended = false;
  const exit = pty.exit.then((end) => {
    ended = true;
    return end;
  });
  for (;;) {
    const match = await pty.expect(any, COMMAND_MS).catch((error: unknown) => {
      if (ended) return null;
      throw error;
    });
    if (match === null) return await exit;
    const answer = ANSWERS.find(([prompt]) => prompt.test(match[0]))?.[1] ?? '';
    pty.send(`${answer}\n`);
  }
}

test.serial('the page has the steps that this test knows', (t) => {
  t.deepEqual(
    COMMANDS.map((command) => command.replace(/ -[a-z].*/i, '')),
    ['sudo apt install ./scauth_*_amd64.deb', 'sc_auth setup', 'sudo scauth-pam enable', 'sudo'],
  );
});

test.serial('from nothing to sudo, with no other step than those on the page', async (t) => {
  const screens = new Map<string, string>();
  for (const command of COMMANDS) {
    const { code, screen } = await type(command);
    t.is(code, 0, `${command}\n${screen}`);
    screens.set(command, screen);
    if (command.includes('scauth_*')) await world.startScauthd();
  }
  t.regex(screens.get('sudo apt install ./scauth_*_amd64.deb') ?? '', /Turn card logins on/);
  t.regex(screens.get('sc_auth setup') ?? '', /PUK: \d{8}[^]*Paired [0-9A-F]{40}/);
  const enabled = screens.get('sudo scauth-pam enable') ?? '';
  t.regex(
    enabled,
    /rehearsed: a password opens[^]*rehearsed: your card would log in\.[^]*card logins are on/,
  );
  const used = screens.get('sudo -k; sudo id') ?? '';
  t.regex(used, /Enter PIN for/);
  t.notRegex(used, /[Pp]assword[^\n]*: /);
  t.regex(used, /uid=0\(root\)/);
});

test.serial('what the page says to do if something is wrong', async (t) => {
  t.regex(PAGE, /`sc_auth list` shows your pairings/);
  t.regex((await type('sc_auth list')).screen, /^Hash: [0-9A-F]{40}/m);
  // “Press Enter on an empty line to use your password instead.”
  const sudo = world.pty(['sudo', 'id'], USER);
  await sudo.expect(/Enter PIN for[^\n]*: $/);
  sudo.send('\n');
  await sudo.expect(/assword[^\n]*: $/);
  sudo.send(`${PASSWORD}\n`);
  t.is((await sudo.exit).code, 0, sudo.screen);
  t.regex(PAGE, /`sudo scauth-pam undo` takes card logins out again/);
  t.is((await type('sudo scauth-pam undo')).code, 0);
  t.true(await world.passwordWorks());
});
