// What a login through PKCS#11 costs against pam_p11 and pam_pkcs11: the same card, the same module (OpenSC's), Debian's
// packages of both, unpacked and not installed. Their PIN comes by a pipe as ours does; they ask for it when they have read
// the card, we read it when it was put in.
import { once } from 'node:events';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';
import { figure, median, type Figure } from './figures.ts';
import { withCard } from './insertion.ts';
import { LIBRARIES, preparePeers, untilIdle, type PeerService } from './peer-programs.ts';
import { REAL_CARD_MS } from './rig.ts';

interface Run {
  readonly granted: boolean;
  readonly beforePin: number;
  readonly afterPin: number;
  /** From the start of the program to its end. */
  readonly wallMs: number;
}

/** @param typed waits with the PIN until the prompt is there and the card is at rest, as for a person who types */
async function logIn(sandbox: Sandbox, service: PeerService, typed: boolean): Promise<Run> {
  const { card, namespace, user, pin } = sandbox;
  await untilIdle(sandbox);
  await card.clearLog();
  const startMs = performance.now();
  const pamtester = namespace.spawn(['pamtester', service, user, 'authenticate'], {
    env: { ...sandbox.environment(), ...LIBRARIES },
  });
  const ended = once(pamtester, 'close');
  let beforePin = 0;
  if (typed) {
    const prompted = new Promise((resolve) => {
      for (const stream of [pamtester.stdout, pamtester.stderr])
        stream?.on('data', (bytes: Buffer) => {
          if (bytes.includes('PIN')) resolve(null);
        });
    });
    await Promise.race([prompted, ended]);
    await untilIdle(sandbox);
    beforePin = (await card.log()).length;
    await card.clearLog();
  }
  pamtester.stdin?.end(`${pin}\n`);
  const [code] = (await ended) as [number | null];
  const wallMs = performance.now() - startMs;
  await untilIdle(sandbox);
  return { granted: code === 0, beforePin, afterPin: (await card.log()).length, wallMs };
}

async function granted(sandbox: Sandbox, service: PeerService, typed: boolean): Promise<Run> {
  const run = await logIn(sandbox, service, typed);
  if (!run.granted) throw new Error(`${service} was refused`);
  return run;
}

async function wall(sandbox: Sandbox, service: PeerService, times: number): Promise<number> {
  const all: number[] = [];
  for (let time = 0; time < times; time++) all.push((await granted(sandbox, service, false)).wallMs);
  return median(all);
}

export function pkcs11Figures(times: number): Promise<Figure[]> {
  process.stderr.write(`logins through PKCS#11, ${times} of each program\n`);
  return withCard('pkcs11', async (sandbox) => {
    await preparePeers(sandbox);
    const ours = await granted(sandbox, 'bench-scauth', true);
    const theirs = await granted(sandbox, 'bench-pam_pkcs11', true);
    // With Debian 12's libp11 it may end before it asks for the PIN: then this is the least that it takes.
    const p11 = await logIn(sandbox, 'bench-pam_p11', true);
    const p11All = p11.beforePin + p11.afterPin;
    await sandbox.card.setDelay(REAL_CARD_MS);
    const oursMs = await wall(sandbox, 'bench-scauth', times);
    const theirsMs = await wall(sandbox, 'bench-pam_pkcs11', times);
    return [
      figure('pkcs11-login-apdus-ratio-to-pam_p11-after-pin', ours.afterPin / p11All, 'ratio', 0.5),
      figure('pkcs11-login-apdus-ratio-to-pam_p11', (ours.beforePin + ours.afterPin) / p11All, 'ratio', 1),
      figure('pkcs11-pin-to-grant-ratio-15ms', oursMs / theirsMs, 'ratio', 0.5),
      figure('pkcs11-login-apdus-before-pin', ours.beforePin, 'APDUs'),
      figure('pkcs11-login-apdus-after-pin', ours.afterPin, 'APDUs'),
      figure('pam_p11-apdus', p11All, 'APDUs'),
      figure('pam_pkcs11-apdus-before-pin', theirs.beforePin, 'APDUs'),
      figure('pam_pkcs11-apdus-after-pin', theirs.afterPin, 'APDUs'),
      figure('pkcs11-wall-ms-15ms', oursMs, 'ms'),
      figure('pam_pkcs11-wall-ms-15ms', theirsMs, 'ms'),
    ];
  });
}
