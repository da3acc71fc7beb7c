// Whom a blow hits, how often it is dealt in CI, and how the machine is set right again. One row each.
import { readFileSync } from 'node:fs';
import type { Login } from '../../compliance/client.ts';
import * as person from '../../kit/person/person.ts';
import { driverPid, driverPids } from '../drivers/processes.ts';
import { CONNECT, type Blow } from './strike.ts';
import type { World } from './world.ts';

export interface Victim {
  readonly name: string;
  /** As the machine counts. */
  readonly pid: (world: World, login: Login) => number;
  /** The number of the call with which the count begins. */
  readonly from?: number;
  /** After SIGKILL, until a card can be used again. */
  readonly mend: (world: World) => Promise<void>;
  /** How many calls of a login are struck in `npm run test:long`, spread over all of them. */
  readonly samples: Readonly<Record<Blow, number>>;
}

const PATIENCE_MS = 60_000;
const MODULE = 'opensc-pkcs11.so';

export const restartAgent = async ({ sandbox }: World): Promise<void> => {
  // It is known to have gone first.
  await sandbox.stopAgent();
  await sandbox.startAgent();
  await sandbox.untilCardRead();
};

const restartPcscd = async ({ sandbox }: World): Promise<void> => {
  const from = sandbox.agentLog().length;
  const powered = sandbox.card.nextPowerOn();
  await sandbox.stopPcscd();
  await sandbox.startPcscd();
  await powered;
  await person.untilAgentSays(sandbox, 'token in', from);
};

const scauthd = ({ sandbox }: World): number => sandbox.agentHostPid ?? 0;
const pcscd = ({ sandbox }: World): number => sandbox.pcscdHostPid ?? 0;

/** How scauthd gets at the card: by itself, or by a driver's process. */
export type CardKind = 'piv' | 'module';

export const CONFIG: Readonly<Record<CardKind, string>> = {
  piv: '',
  module: '[tokens]\ndisabled = ["org.scauth.piv"]\n',
};

export const VICTIMS: Readonly<Record<CardKind, readonly Victim[]>> = {
  piv: [
    { name: 'scauthd', pid: scauthd, mend: restartAgent, samples: { KILL: 12, STOP: 4 } },
    { name: 'pcscd', pid: pcscd, mend: restartPcscd, samples: { KILL: 8, STOP: 4 } },
    {
      name: 'the PAM client',
      pid: (_, login) => login.pid ?? 0,
      from: CONNECT,
      mend: () => Promise.resolve(),
      samples: { KILL: 12, STOP: 8 },
    },
  ],
  module: [
    {
      name: 'the driver',
      pid: ({ sandbox }) => driverPid(sandbox, MODULE),
      // scauthd starts another by itself.
      mend: async ({ sandbox }) => {
        const until = performance.now() + PATIENCE_MS;
        while (driverPids(sandbox, MODULE).length !== 1 || !(await sandbox.untilCardRead()))
          if (performance.now() > until) throw new Error(`no driver comes\n${sandbox.agentLog()}`);
      },
      samples: { KILL: 8, STOP: 4 },
    },
    { name: 'scauthd', pid: scauthd, mend: restartAgent, samples: { KILL: 6, STOP: 2 } },
    { name: 'pcscd', pid: pcscd, mend: restartPcscd, samples: { KILL: 4, STOP: 2 } },
  ],
};

/** Lets a program go on that was stopped, and the nsenter before it, which stops itself with its child. */
export function goOn(pid: number): void {
  const status = (of: string | number): string => readFileSync(`/proc/${of}/status`, 'latin1');
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(status(pid))?.[1] ?? '';
    process.kill(pid, 'SIGCONT');
    if (/^State:\s+T/m.test(status(parent))) process.kill(Number(parent), 'SIGCONT');
  } catch {
    // Whoever waited for it has ended it.
  }
}
