// How soon a card that was put in is ready for a login, by PIV and by PKCS#11 (OpenSC's module) with the same card. From
// the moment at which pcscd has switched the card on: before that it looks for cards in turns of its own.
import { setTimeout as pause } from 'node:timers/promises';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { figure, median, type Figure } from './figures.ts';

export type DriverName = 'piv' | 'pkcs11';

const CONFIG: Readonly<Record<DriverName, string>> = {
  piv: '',
  pkcs11: '[tokens]\ndisabled = ["org.scauth.piv"]\n',
};
const PATIENCE_MS = 30_000;

async function untilLogged(sandbox: Sandbox, text: string, from: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!sandbox.agentLog().slice(from).includes(text)) {
    if (performance.now() > deadline) throw new Error(`scauthd did not say ${text}:\n${sandbox.agentLog()}`);
    await pause(1);
  }
}

/** Takes the card out and puts it in again. @returns milliseconds from its power-on to "token in" */
export async function reinsert(sandbox: Sandbox): Promise<number> {
  const out = sandbox.agentLog().length;
  await sandbox.card.eject();
  await untilLogged(sandbox, 'token out', out);
  const from = sandbox.agentLog().length;
  const powered = sandbox.card.nextPowerOn();
  await sandbox.card.insert();
  await powered;
  const start = performance.now();
  await untilLogged(sandbox, 'token in', from);
  return performance.now() - start;
}

export async function withCard<T>(
  driver: DriverName,
  act: (sandbox: Sandbox) => Promise<T>,
  cardArgs: readonly string[] = [],
): Promise<T> {
  const sandbox = await Sandbox.start({ config: CONFIG[driver], cardArgs });
  try {
    return await act(sandbox);
  } finally {
    await sandbox.stop();
  }
}

/** Cards with 20 retired keys and with none, in turn, at the pace of a card in a USB reader. */
export async function retiredFigures(times: number, delayMs: number): Promise<Figure[]> {
  process.stderr.write(`insertion with and without retired keys, ${times} times\n`);
  const usual = ['9A', '9C', '9D', '9E'];
  const retired = Array.from({ length: 20 }, (_, index) => (0x82 + index).toString(16).toUpperCase());
  const taken = { none: [] as number[], twenty: [] as number[] };
  await withCard('piv', async (none) => {
    const twentyKeys = ['--slots', [...usual, ...retired].join(',')];
    await withCard(
      'piv',
      async (twenty) => {
        for (const { card } of [none, twenty]) await card.setDelay(delayMs);
        for (let time = 0; time < times; time++) {
          taken.none.push(await reinsert(none));
          taken.twenty.push(await reinsert(twenty));
        }
      },
      twentyKeys,
    );
  });
  const [none, twenty] = [median(taken.none), median(taken.twenty)];
  return [
    figure('insertion-to-ready-20-retired-to-none', twenty / none, 'ratio', 1.1),
    figure(`insertion-to-ready-ms-${delayMs}ms-20-retired`, twenty, 'ms'),
    figure(`insertion-to-ready-ms-${delayMs}ms-no-retired`, none, 'ms'),
  ];
}

export async function insertionFigures(times: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const driver of ['piv', 'pkcs11'] as const) {
    process.stderr.write(`insertion with ${driver}, ${times} times\n`);
    const taken = await withCard(driver, async (sandbox) => {
      const all: number[] = [];
      for (let time = 0; time < times; time++) all.push(await reinsert(sandbox));
      return all;
    });
    figures.push(figure(`insertion-to-ready-ms-${driver}`, median(taken), 'ms'));
  }
  return figures;
}
