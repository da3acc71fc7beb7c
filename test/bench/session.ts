// What smart card login costs in a user's session: the memory of scauth-session while it waits, how soon the dialog is on
// the screen after a card was read, and how soon the session is locked after pcscd has told that the card is gone. The
// program runs as the package has it (bundled): from the sources it would carry Node's type stripper along.
// Specification: proc_pid_smaps(5).
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bundle } from '../../install/package/bundle.ts';
import { packagedLauncher } from '../../install/package/tree.ts';
import { insertCard, pullCard, untilAgentSays } from '../kit/person/person.ts';
import { LogindMock } from '../kit/logind/logind-mock.ts';
import { APP, REPOSITORY } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';
import { DialogWorld } from '../system/session/dialog-world.ts';
import type { Running } from '../system/session/desktop.ts';
import { memoryMib } from './at-rest.ts';
import { figure, median, type Figure } from './figures.ts';

const PATIENCE_MS = 30_000;
/** The bars of the requirements, in milliseconds. */
const DIALOG_BAR_MS = 1000;
const LOCK_BAR_MS = 250;
const LOGIND_TOLD = '/run/sandbox/logind-told';

async function untilTrue(
  what: () => boolean | Promise<boolean>,
  name: string,
  log: () => string = () => '',
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error(`${name} does not come. ${log()}`);
    await pause(1);
  }
}

/** From scauthd's "token in" until the window manager shows the window; xdotool asks for it again and again. */
async function cardInToDialog(world: DialogWorld, session: Running): Promise<number> {
  await pullCard(world.sandbox);
  await insertCard(world.sandbox);
  const start = performance.now();
  await untilTrue(() => world.desktop.hasWindow('^Smart card$'), 'the dialog', session.output);
  const taken = performance.now() - start;
  await world.untilDialog();
  await world.desktop.key('Escape');
  await world.untilNoDialog();
  return taken;
}

/** A program that says when pcscd tells of a card: what scauthd hears at the same time. */
async function startWatcher(sandbox: Sandbox): Promise<{ output: () => string; stop: () => void }> {
  const program = [`${APP}/node_modules/node/bin/node`, `${APP}/test/bench/card-events.ts`];
  const child = sandbox.namespace.spawn(program, { env: sandbox.environment() });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  await untilTrue(() => output.includes('card-in'), 'the first event of pcscd');
  const stop = (): void => {
    child.stdin?.end();
  };
  return { output: () => output, stop };
}

interface LockTimes {
  readonly logindMs: number;
  readonly commandMs: number;
}

async function cardOutToLock(
  { sandbox }: DialogWorld,
  watcher: { readonly output: () => string },
  commandRan: string,
): Promise<LockTimes> {
  const marks = [LOGIND_TOLD, commandRan].map((path) => sandbox.path(path));
  for (const mark of marks) rmSync(mark, { force: true });
  // An unlock by card; then the session is the card's.
  const { code } = await sandbox.exec(['pamtester', 'i3lock', sandbox.user, 'authenticate'], {
    user: sandbox.user,
    input: `${sandbox.pin}\n`,
  });
  if (code !== 0) throw new Error(`No unlock by card:\n${sandbox.logs()}`);
  const from = watcher.output().length;
  await sandbox.card.eject();
  await untilTrue(() => watcher.output().slice(from).includes('card-out'), 'the removal');
  const start = performance.now();
  const taken: number[] = [];
  await untilTrue(() => {
    for (const [index, mark] of marks.entries())
      if (existsSync(mark)) taken[index] ??= performance.now() - start;
    return taken[0] !== undefined && taken[1] !== undefined;
  }, 'the lock');
  await insertCard(sandbox);
  return { logindMs: taken[0] ?? NaN, commandMs: taken[1] ?? NaN };
}

async function lockFigures(world: DialogWorld, times: number): Promise<Figure[]> {
  const { sandbox } = world;
  const ran = `/run/user/${sandbox.uid}/lock-command-ran`;
  const command = JSON.stringify(['touch', ran]);
  writeFileSync(
    sandbox.path('/etc/scauth/scauth.toml'),
    `[session]\nremoval = "lock"\nlock_command = ${command}\n`,
  );
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await untilAgentSays(sandbox, 'new configuration', from);
  await sandbox.exec(['cp', '/etc/pam.d/login', '/etc/pam.d/i3lock']);
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { unpaired } = JSON.parse(stdout) as { unpaired: { hash: string }[] };
  await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', unpaired[0]?.hash ?? '']);
  const logind = await LogindMock.startIn(sandbox);
  const watcher = await startWatcher(sandbox);
  try {
    await logind.add({ id: '7', uid: sandbox.uid, user: sandbox.user, display: ':7' });
    await logind.setDisplay(sandbox.uid, '7');
    await logind.addMethod('LockSession', 's', '', `open("${LOGIND_TOLD}", "w").close()`);
    const all: LockTimes[] = [];
    for (let time = 0; time < times; time++) all.push(await cardOutToLock(world, watcher, ran));
    return [
      figure('card-out-to-logind-lock-ms', median(all.map(({ logindMs }) => logindMs)), 'ms', LOCK_BAR_MS),
      figure('card-out-to-lock-command-ms', median(all.map(({ commandMs }) => commandMs)), 'ms', LOCK_BAR_MS),
    ];
  } finally {
    watcher.stop();
    logind.stop();
  }
}

function memoryFigures({ sandbox }: DialogWorld, session: Running): Figure[] {
  const pid = sandbox.namespace.pidOf(session.process);
  if (pid === null) throw new Error(`scauth-session does not run:\n${session.output()}`);
  return [
    figure('scauth-session-private-mib', memoryMib(pid, 'Private_Clean', 'Private_Dirty'), 'MiB'),
    figure('scauth-session-rss-mib', memoryMib(pid, 'Rss'), 'MiB'),
  ];
}

/** Where the package's program is: its launcher, Node and bundle as in /usr/lib/scauth. @returns its folder, inside */
async function packageSession(): Promise<string> {
  const lib = 'build/bench/session';
  const folder = join(REPOSITORY, lib);
  rmSync(folder, { recursive: true, force: true });
  await bundle(REPOSITORY, join(folder, 'app'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(`${APP}/node_modules/node/bin/node`, join(folder, 'node'));
  const name = 'scauth-session';
  const text = readFileSync(join(REPOSITORY, 'install/bin', name), 'utf8');
  writeFileSync(join(folder, 'bin', name), packagedLauncher(text, `${APP}/${lib}`), { mode: 0o755 });
  return `${APP}/${lib}/bin`;
}

export async function sessionFigures(times: number): Promise<Figure[]> {
  process.stderr.write(`a user's session, ${times} times\n`);
  const folder = await packageSession();
  const world = await DialogWorld.start();
  try {
    const session = await world.startSession({ PATH: `${folder}:${world.env['PATH'] ?? ''}` });
    const dialog: number[] = [];
    for (let time = 0; time < times; time++) dialog.push(await cardInToDialog(world, session));
    return [
      // After its work: what it needs for a dialog has gone with the dialog.
      ...memoryFigures(world, session),
      figure('card-in-to-dialog-ms', median(dialog), 'ms', DIALOG_BAR_MS),
      ...(await lockFigures(world, times)),
    ];
  } finally {
    await world.sandbox.stop();
  }
}
