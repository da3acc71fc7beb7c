// What else goes wrong with a machine: each row makes it so and gives back the way to set it right. How it is played, and
// what must hold, is the same for all (play).
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as person from '../../kit/person/person.ts';
import { SHARE } from '../../kit/sandbox/etc.ts';
import { APP, REPOSITORY } from '../../kit/sandbox/namespace.ts';
import type { SandboxOptions } from '../../kit/sandbox/sandbox.ts';
import { restartAgent } from './victims.ts';
import { World } from './world.ts';

type Mend = () => Promise<void>;

export interface Incident {
  readonly name: string;
  readonly happens: (world: World) => Promise<Mend>;
  /** Then many come at once, for whom scauthd and pcscd need more than they have. */
  readonly crowded?: boolean;
}

const CROWD = 16;

const CLOCK = `${SHARE}/clock`;
const FILLER = 'filler';
const READER_CONF = '/etc/reader.conf.d/vpcd';
const DAY_S = 86_400;

/** For the machine of the incidents: a clock that can be set, two more readers. */
export function incidentOptions(): SandboxOptions {
  const library = join(REPOSITORY, 'build/faults/clock.so');
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
  execFileSync('cc', [...flags, '-o', library, join(import.meta.dirname, 'clock.c')]);
  return {
    readers: 4,
    agentEnv: { LD_PRELOAD: `${APP}/build/faults/clock.so`, CLOCK_FILE: CLOCK },
  };
}

function setClock({ sandbox }: World, offS: number): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(offS));
  // In its place: scauthd has mapped the file.
  writeFileSync(sandbox.path(CLOCK), bytes, { flag: 'r+' });
}

/** A log and a table on disks so small that they get full. */
export async function prepare({ sandbox }: World): Promise<void> {
  await sandbox.stopAgent();
  writeFileSync(sandbox.path(CLOCK), Buffer.alloc(8));
  for (const folder of ['log', 'state']) {
    const script = `cp -a $1 $1.was && mount -t tmpfs -o size=1m,mode=0700 small $1 && cp -a $1.was/. $1/`;
    await sandbox.exec(['sh', '-euc', script, 'sh', `${SHARE}/${folder}`]);
  }
  await sandbox.startAgent();
  await sandbox.untilCardRead();
}

/** A limit (prlimit(1)) of a program that runs. */
function limit(pid: number, what: 'nofile' | 'data', to: number | string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--${what}=${to}:`]);
}

/** The limit with which so many descriptors are free. */
function withFree(pid: number, free: number): number {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let number = 0;
  for (let left = free; left > 0 || taken.has(number); number += 1) if (!taken.has(number)) left -= 1;
  return number;
}

function softLimit(pid: number, name: string): string {
  const line = readFileSync(`/proc/${pid}/limits`, 'latin1')
    .split('\n')
    .find((one) => one.startsWith(name));
  return line?.slice(name.length).trim().split(/\s+/)[0] ?? 'unlimited';
}

const programs = {
  scauthd: ({ sandbox }: World) => sandbox.agentHostPid ?? 0,
  pcscd: ({ sandbox }: World) => sandbox.pcscdHostPid ?? 0,
};

function outOf(what: 'nofile' | 'data', program: keyof typeof programs, left: number): Incident {
  const name = what === 'nofile' ? 'Max open files' : 'Max data size';
  const unit = what === 'nofile' ? 'descriptors' : 'KiB of memory';
  return {
    name: `${program} has ${left} ${unit} left`,
    crowded: true,
    happens: (world) => {
      const pid = programs[program](world);
      const before = softLimit(pid, name);
      const size = Number(/^VmData:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      limit(pid, what, what === 'nofile' ? withFree(pid, left) : (size + left) * 1024);
      return Promise.resolve(async () => {
        if (programs[program](world) !== pid) await revive(world);
        else limit(pid, what, before);
      });
    },
  };
}

/** Whoever did not outlive it is started by the service manager. */
async function revive(world: World): Promise<void> {
  const { sandbox } = world;
  if (sandbox.pcscdHostPid === null) {
    const powered = sandbox.card.nextPowerOn();
    await sandbox.startPcscd();
    await powered;
  }
  if (sandbox.agentHostPid === null) await restartAgent(world);
}

function full(folder: 'log' | 'state'): Incident {
  return {
    name: `the disk of the ${folder === 'log' ? 'log' : 'table'} is full`,
    happens: async ({ sandbox }) => {
      await sandbox.exec(['dd', 'if=/dev/zero', `of=${SHARE}/${folder}/${FILLER}`, 'bs=1k']);
      // Whether there was room for it or not, the table is whole.
      await sandbox.exec(['sc_auth', 'pair', '-u', 'root', '-h', 'AB'.repeat(20)]);
      return async () => {
        rmSync(sandbox.path(`${SHARE}/${folder}/${FILLER}`));
        await sandbox.exec(['sc_auth', 'unpair', '-u', 'root', '--all']);
      };
    },
  };
}

function clock(name: string, offS: number): Incident {
  return {
    name: `the clock jumps ${name}`,
    happens: (world) => {
      setClock(world, offS);
      return Promise.resolve(() => {
        setClock(world, 0);
        return Promise.resolve();
      });
    },
  };
}

const noReader: Incident = {
  name: 'the reader goes, with the card in it',
  happens: async ({ sandbox }) => {
    const conf = sandbox.path(READER_CONF);
    const text = readFileSync(conf, 'utf8');
    const from = sandbox.agentLog().length;
    await sandbox.stopPcscd();
    // The other pair of readers stays.
    writeFileSync(conf, text.slice(text.indexOf('FRIENDLYNAME', 1)));
    await sandbox.startPcscd();
    await person.untilAgentSays(sandbox, 'token out', from);
    return async () => {
      const then = sandbox.agentLog().length;
      const powered = sandbox.card.nextPowerOn();
      await sandbox.stopPcscd();
      writeFileSync(conf, text);
      await sandbox.startPcscd();
      await powered;
      await person.untilAgentSays(sandbox, 'token in', then);
    };
  },
};

const DESCRIPTORS_LEFT = [0, 1, 2, 3, 4, 6];
/** What is mapped without being used yet, as V8's heap is, counts once it is (RLIMIT_DATA). */
const KIB_LEFT = [0, 64, 1024];

export const INCIDENTS: readonly Incident[] = [
  full('log'),
  full('state'),
  clock('a year ahead', 365 * DAY_S),
  clock('a year back', -365 * DAY_S),
  clock('to 1970', -Math.floor(Date.now() / 1000) + 60),
  clock('past 2038', 15 * 365 * DAY_S),
  noReader,
  ...DESCRIPTORS_LEFT.map((left) => outOf('nofile', 'scauthd', left)),
  ...DESCRIPTORS_LEFT.slice(0, 3).map((left) => outOf('nofile', 'pcscd', left)),
  ...KIB_LEFT.map((left) => outOf('data', 'scauthd', left)),
  ...KIB_LEFT.slice(0, 2).map((left) => outOf('data', 'pcscd', left)),
];

/** It happens while somebody is asked for the PIN; others come meanwhile, and afterwards. @returns what was wrong */
export async function play(world: World, incident: Incident): Promise<string[]> {
  await world.fresh();
  const atThePrompt = world.begun();
  const asked = await atThePrompt.question();
  const mend = await incident.happens(world);
  const problems: string[] = [];
  try {
    const outcome = await world.answer(atThePrompt, {}, asked);
    if (!outcome.letIn) problems.push('who was at the prompt does not get in');
    problems.push(...(await world.unproved(outcome)), ...(await world.ordeal()));
    if (incident.crowded === true) problems.push(...(await world.crowd(CROWD)));
  } finally {
    await mend();
    await revive(world);
  }
  await world.fresh();
  problems.push(...(await world.check()));
  return problems.map((problem) => `${incident.name}: ${problem}`);
}
