// What a card that does not answer, in another reader, costs a login by PIV: the same login before it went in and after,
// each time with a new one, and once scauthd has found it out.
import type { Rig } from './rig.ts';
import { figure, median, type Figure } from './figures.ts';

/** The first ones find their files in memory for the others. */
const WARM_UP = 3;

async function loginsMs(rig: Rig, times: number): Promise<number> {
  const { sandbox, stopwatch } = rig;
  const all: number[] = [];
  for (let time = -WARM_UP; time < times; time++) {
    await rig.untilIdle();
    const ms = await stopwatch.time(sandbox.pin, rig.pamtester('bench-card'));
    if (time >= 0) all.push(ms);
  }
  return median(all);
}

async function untilSaid(rig: Rig, text: RegExp): Promise<void> {
  for (const end = performance.now() + 30_000; !text.test(rig.sandbox.agentLog());) {
    if (performance.now() > end) throw new Error(`scauthd did not say ${String(text)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function muteFigures(rig: Rig, times: number): Promise<Figure[]> {
  process.stderr.write(`logins beside a mute card, ${times} times each\n`);
  const alone = await loginsMs(rig, times);
  const guid = 'B04F5343000000000000000000006FC1';
  const mute = await rig.sandbox.addCard(['--out', '--key', 'p256:2', '--guid', guid]);
  try {
    await mute.misbehave({ kind: 'hang', times: 'always' });
    const powered = mute.nextPowerOn();
    await mute.insert();
    await powered;
    const reading = await loginsMs(rig, times);
    await untilSaid(rig, /cannot be read: card-timeout/);
    const known = await loginsMs(rig, times);
    return [
      figure('login-beside-mute-card-more-ms-being-read', reading - alone, 'ms', 50),
      figure('login-beside-mute-card-more-ms-known', known - alone, 'ms', 50),
      figure('login-beside-no-card-ms', alone, 'ms'),
    ];
  } finally {
    mute.close();
  }
}
