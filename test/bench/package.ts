// What the package weighs, and how soon its programs are there: installed in a Debian root of its own, as a machine
// has it, with pcscd running and a card in. A time is the shortest of all starts: what else runs only adds to it.
// These rows have no bar.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { LIB } from '../../install/package/tree.ts';
import { makePackages } from '../package/packages.ts';
import { World } from '../package/world.ts';
import { IO_SOCKET } from '../kit/sandbox/token-count.ts';
import { memoryMib } from './at-rest.ts';
import { figure, type Figure } from './figures.ts';
import { Stopwatch } from './stopwatch.ts';

const MIB = 1024 * 1024;

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Milliseconds from the start of scauthd until its socket takes a connection; nsenter (2 ms) is in it. */
async function startOnce(world: World): Promise<number> {
  const from = performance.now();
  await world.startScauthd(() => answers(world.path(IO_SOCKET)));
  return performance.now() - from;
}

/** @param runs how many starts of each program */
export async function packageFigures(runs: number): Promise<Figure[]> {
  process.stderr.write('making the package\n');
  const { file, first } = await makePackages();
  const installedKib = Number(execFileSync('dpkg-deb', ['-f', file, 'Installed-Size'], { encoding: 'utf8' }));
  const world = await World.start();
  try {
    await world.must(`dpkg --install ${first}`);
    await world.startReader();
    process.stderr.write(`starting its programs, ${runs} times each\n`);
    const starts: number[] = [];
    for (let run = 0; run < runs; run++) {
      await world.stopScauthd();
      starts.push(await startOnce(world));
    }
    const stopwatch = new Stopwatch(world.namespace, world.environment);
    const commands: Figure[] = [];
    const quickest = async (argv: readonly string[]): Promise<number> => {
      const taken: number[] = [];
      for (let run = 0; run < runs; run++) taken.push(await stopwatch.time('', argv));
      return Math.min(...taken);
    };
    for (const argument of ['--version', 'list'])
      commands.push(
        figure(
          `packaged-sc_auth-${argument.replace('--', '')}-ms`,
          await quickest(['sc_auth', argument]),
          'ms',
        ),
      );
    const emptyMs = await quickest([join('/', LIB, 'node'), '-e', '0']);
    commands.push(
      figure('empty-node-script-ms', emptyMs, 'ms'),
      figure(
        'packaged-sc_auth-list-ratio-to-empty-script',
        (commands[1]?.value ?? NaN) / emptyMs,
        'ratio',
        1.6,
      ),
    );
    stopwatch.stop();
    const pid = world.scauthdPid;
    return [
      figure('package-mib', statSync(file).size / MIB, 'MiB'),
      figure('package-installed-mib', installedKib / 1024, 'MiB'),
      figure('package-node-mib', statSync(world.path(join('/', LIB, 'node'))).size / MIB, 'MiB'),
      figure('packaged-scauthd-start-ms', Math.min(...starts), 'ms'),
      ...commands,
      figure('packaged-scauthd-rss-mib', memoryMib(pid, 'Rss'), 'MiB'),
      figure('packaged-scauthd-private-mib', memoryMib(pid, 'Private_Clean', 'Private_Dirty'), 'MiB'),
    ];
  } finally {
    await world.stop();
  }
}
