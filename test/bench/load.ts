// What many logins by card at the same time cost the person in front of the machine: 200 at once on their own card, and 50
// users on 8 readers who come again and again. Floods by peers who have no card are flood.ts's.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { APP } from '../kit/sandbox/namespace.ts';
import { figure, median, type Figure } from './figures.ts';
import { REAL_CARD_MS, Rig } from './rig.ts';

const PEOPLE = 50;
const AT_ONCE = 200;
const READERS = 8;
/** So long somebody works between two logins: 50 people then log in 10 times a second. */
const AGAIN_MS = 5000;
const POPULATE_MS = 300_000;
/** From the list of pairings on standard input. Says UID:NAME of each. */
const ADD_AND_PAIR = `umask 077; cat >/run/people.csv
tail -n +2 /run/people.csv | cut -d, -f1 | while read -r name; do
  useradd --no-create-home --home-dir / "$name"
  echo "$(id -u "$name"):$name"
done
sc_auth pair --from /run/people.csv --shared >&2`;
/** With the crowd, and as many without it. */
const LOGINS_A_ROUND = 10;
/** Between two logins of the person's, so that others come meanwhile. */
const BETWEEN_MS = 300;

interface Crowd {
  /** Lets a round begin, and waits until the first of them is let in: the others are at the card then. */
  readonly begin: () => Promise<void>;
  /** How many were let in by the end of the round. */
  readonly through: () => Promise<number>;
  readonly end: () => void;
}

/** People of the sandbox, each paired with one of the cards. @returns them as load-program.ts takes them */
async function populate({ sandbox }: Rig, count: number): Promise<string[]> {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { paired, unpaired } = JSON.parse(stdout) as Record<'paired' | 'unpaired', { hash: string }[]>;
  const hashes = [...new Set([...paired, ...unpaired].map(({ hash }) => hash))];
  const names = Array.from({ length: count }, (_, number) => `person${number}`);
  const list = names.map((name, number) => `${name},${hashes[number % hashes.length] ?? ''}`);
  // One program for all of them: fifty starts of sc_auth take minutes on a machine with other work.
  const added = await sandbox.exec(['bash', '-euc', ADD_AND_PAIR], {
    input: ['user,hash', ...list, ''].join('\n'),
    timeoutMs: POPULATE_MS,
  });
  if (added.code !== 0) throw new Error(`not paired: ${added.stdout}${added.stderr}`);
  return added.stdout.trim().split('\n');
}

function crowd({ sandbox }: Rig, atOnce: number, againMs: number, people: readonly string[]): Crowd {
  const node = [`${APP}/node_modules/node/bin/node`, '--disable-warning=ExperimentalWarning'];
  const args = [sandbox.pin, String(atOnce), String(againMs), ...people];
  const child = sandbox.namespace.spawn([...node, `${APP}/test/bench/load-program.ts`, ...args], {
    env: sandbox.environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('the crowd has no output');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    begin: async () => {
      child.stdin?.write('begin\n');
      const said: IteratorResult<string, unknown> = await answers.next();
      if (said.value !== 'first') throw new Error(`the crowd says ${String(said.value)}`);
    },
    through: async () => {
      if (againMs > 0) child.stdin?.write('end\n');
      const answer: IteratorResult<string, unknown> = await answers.next();
      if (answer.done === true) throw new Error('the crowd has ended');
      return Number(answer.value);
    },
    end: () => child.stdin?.end(),
  };
}

const person = (rig: Rig): Promise<number> =>
  rig.stopwatch.time(rig.sandbox.pin, rig.pamtester('bench-card'));

async function times(count: number, one: () => Promise<number>): Promise<number[]> {
  const taken: number[] = [];
  for (let time = 0; time < count; time += 1) taken.push(await one());
  return taken;
}

async function quietMs(rig: Rig, count: number): Promise<number> {
  const one = async (): Promise<number> => {
    await rig.untilIdle();
    return person(rig);
  };
  await times(3, one);
  return median(await times(count, one));
}

/**
 * 200 logins on the one card, all begun at the same moment, and the person while they are under way.
 * @param delayMs more for each APDU
 */
async function together(
  rig: Rig,
  people: readonly string[],
  count: number,
  delayMs: number,
): Promise<Figure[]> {
  await rig.sandbox.card.setDelay(delayMs);
  const quiet = await quietMs(rig, count);
  const others = crowd(rig, AT_ONCE, 0, people);
  const through: number[] = [];
  const took: number[] = [];
  const one = async (): Promise<number> => {
    await rig.untilIdle();
    const from = performance.now();
    await others.begin();
    const ms = await person(rig);
    through.push(await others.through());
    took.push(performance.now() - from);
    return ms;
  };
  await one();
  const busy = median(await times(count, one));
  others.end();
  const name = `load-200-at-once${delayMs === 0 ? '' : `-${delayMs}ms`}`;
  process.stderr.write(
    `${name}: ${median(through)} of ${AT_ONCE} are let in, the last of them after ${median(took).toFixed(0)} ms\n`,
  );
  return [
    figure(`${name}-ratio`, busy / quiet, 'ratio', 2),
    figure(`${name}-ms`, busy, 'ms'),
    figure(`${name}-quiet-ms`, quiet, 'ms'),
  ];
}

async function onOneCard(count: number): Promise<Figure[]> {
  const rig = await Rig.start('p256');
  try {
    const people = await populate(rig, PEOPLE);
    const quick = await together(rig, people, count, 0);
    return [...quick, ...(await together(rig, people, count, REAL_CARD_MS))];
  } finally {
    await rig.stop();
  }
}

/**
 * 50 people on 8 readers, each with a card that some of them share, and the person with one of the cards. Rounds with them
 * and without them take turns, so that other work of the machine's is in both.
 */
async function spread(count: number): Promise<Figure[]> {
  const rig = await Rig.start('p256', [], undefined, {}, READERS);
  try {
    const people = await populate(rig, PEOPLE);
    const others = crowd(rig, PEOPLE, AGAIN_MS, people);
    await times(3, () => person(rig));
    const quiet: number[] = [];
    const busy: number[] = [];
    let through = 0;
    const one = async (): Promise<number> => {
      await pause(BETWEEN_MS);
      return person(rig);
    };
    for (let round = 0; round < count; round += 1) {
      await rig.untilIdle();
      quiet.push(...(await times(LOGINS_A_ROUND, one)));
      await others.begin();
      busy.push(...(await times(LOGINS_A_ROUND, one)));
      through += await others.through();
    }
    others.end();
    process.stderr.write(`${PEOPLE} people on ${READERS} readers, let in ${through} times meanwhile\n`);
    return [
      figure('load-50-users-8-readers-ratio', median(busy) / median(quiet), 'ratio', 2),
      figure('load-50-users-8-readers-ms', median(busy), 'ms'),
      figure('load-50-users-8-readers-quiet-ms', median(quiet), 'ms'),
    ];
  } finally {
    await rig.stop();
  }
}

export async function loadFigures(count: number): Promise<Figure[]> {
  return [...(await onOneCard(count)), ...(await spread(count))];
}
