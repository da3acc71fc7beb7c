// How many APDUs one login costs, by the card's own log: before the PIN, after it, and up to the verdict.
// It counts and takes no time. Chained parts and GET RESPONSE are APDUs of their own.
import { once } from 'node:events';
import type { LogEntry } from '../kit/card/log.ts';
import { exitCode } from '../kit/sandbox/pty.ts';
import type { Rig } from './rig.ts';

export interface ApduCounts {
  readonly beforePin: number;
  readonly afterPin: number;
  /** Of `afterPin`, those without which there is no verdict. */
  readonly pinToGrant: number;
}

const VERIFY = '20';
const DE_VERIFY = { ins: VERIFY, p1: 'FF' } as const;

/** Logs in twice: once undisturbed, once with a card that does not answer the de-verify before the verdict is there. */
export async function countApdus(rig: Rig): Promise<ApduCounts> {
  const { card } = rig.sandbox;
  const undisturbed = await logIn(rig, () => rig.untilIdle());
  await card.misbehave({ kind: 'hang', ...DE_VERIFY });
  // What the card has answered when the program has ended; the de-verify hangs and is not among it.
  const held = await logIn(rig, async () => {
    await card.log();
  });
  const deVerified = card.waitForAnswer(DE_VERIFY);
  if ((await card.release()) !== 1) throw new Error('No de-verify followed the verdict.');
  await deVerified;
  return {
    beforePin: undisturbed.before.length,
    afterPin: undisturbed.after.length,
    pinToGrant: held.after.length,
  };
}

/** @param settle waits after the verdict, until the log is read */
async function logIn(
  rig: Rig,
  settle: () => Promise<void>,
): Promise<{ before: readonly LogEntry[]; after: readonly LogEntry[] }> {
  const { sandbox } = rig;
  await rig.untilIdle();
  await sandbox.card.clearLog();
  const pamtester = sandbox.namespace.spawn(rig.pamtester('bench-card'), { env: sandbox.environment() });
  const ended = once(pamtester, 'close');
  let said = '';
  const prompted = new Promise<void>((resolve) => {
    for (const stream of [pamtester.stdout, pamtester.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        if (said.includes('PIN')) resolve();
      });
    }
    pamtester.on('close', () => {
      resolve();
    });
  });
  await prompted;
  await rig.untilIdle();
  const before = await sandbox.card.log();
  await sandbox.card.clearLog();
  pamtester.stdin?.end(`${sandbox.pin}\n`);
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  if (exitCode(code, signal) !== 0) throw new Error(`The login was refused: ${said}`);
  await settle();
  return { before, after: await sandbox.card.log() };
}
