// What sc_auth setup costs on a card that takes as long for an APDU as one in a USB reader, by the card's own log: from the first
// APDU of the look to the last of the setup, the making of keys left out. Each time a new card, in the second reader.
import type { LogEntry } from '../kit/card/log.ts';
import { figure, median, type Figure } from './figures.ts';
import type { Rig } from './rig.ts';

const PIN = '271828';
/** GENERATE ASYMMETRIC KEY PAIR; PUT DATA, whose last takes the mark away. */
const [GENERATE, PUT_DATA] = [0x47, 0xdb];

interface Setup {
  readonly apdus: number;
  readonly ms: number;
}

/** @throws Error with what sc_auth said */
async function setUp({ sandbox }: Rig, serial: number, delayMs: number): Promise<Setup> {
  const factory = ['--factory', '--pin', '123456', '--puk', '12345678', '--serial', String(serial)];
  const card = await sandbox.addCard([...factory, '--delay-ms', String(delayMs)]);
  try {
    const token = `org.scauth.piv:${serial}`;
    for (let known = false; !known;)
      known = (await sandbox.exec(['sc_auth', 'list-smartcards'])).stdout.includes(token);
    await card.clearLog();
    const argv = ['sc_auth', 'setup', '-u', sandbox.user, '-t', token];
    const { code, stderr } = await sandbox.exec(argv, { input: `${PIN}\n${PIN}\n` });
    if (code !== 0) throw new Error(`setup: ${stderr}`);
    return measured(await card.log());
  } finally {
    await card.eject();
    card.close();
  }
}

/** The card is read again behind it, for the pairing. */
function measured(log: readonly LogEntry[]): Setup {
  const end = log.findLastIndex(({ ins }) => ins === PUT_DATA);
  const own = log.slice(0, end + 1);
  const [first] = own;
  const last = own.at(-1);
  if (first === undefined || last === undefined) throw new Error('setup: no APDU');
  const generating = own.filter(({ ins }) => ins === GENERATE).reduce((sum, one) => sum + one.durationUs, 0);
  return { apdus: own.length, ms: (last.atUs + last.durationUs - first.atUs - generating) / 1000 };
}

export async function setupFigures(rig: Rig, times: number, delayMs: number): Promise<Figure[]> {
  process.stderr.write(`sc_auth setup, ${times} times\n`);
  const all: Setup[] = [];
  for (let time = 0; time < times; time++) all.push(await setUp(rig, 5_000_000 + time, delayMs));
  return [
    figure('setup-apdus', Math.max(...all.map(({ apdus }) => apdus)), 'APDUs', 60),
    figure(`setup-without-keys-ms-${delayMs}ms`, median(all.map(({ ms }) => ms)), 'ms', 2000),
  ];
}
