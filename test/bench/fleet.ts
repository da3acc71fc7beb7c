// A fleet's pairing book: what it costs to take a record that was never seen, and one that was; and what a login's look at
// the pairings costs beside that of a machine without a fleet, with 10 records and with 100,000. By processor time, and
// beside a bare verification in the same minute: other work on the processor counts for both.

import { createHash, verify } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { BookRecord } from '../../agent/model/book/book-state.ts';
import { MAX_BOOK_BYTES } from '../../agent/model/book/limits.ts';
import { parsePkhh } from '../../agent/model/key/key.ts';
import { parseUsername } from '../../agent/model/request.ts';
import type { PairingTable } from '../../agent/store/interface.ts';
import { ada, alice, FleetWorld, GOOD, mallory, olga } from '../kit/book/fleet-world.ts';
import { NOW_S, recordLine } from '../kit/book/make-book.ts';
import { now } from './instant.ts';
import { figure, median, type Figure } from './figures.ts';

const RECORDS = 2000;
const IMPORTS = 5;
const MANY = 100_000;
const LOOKS = 2000;
const ROUNDS = 21;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function cpuUs(from: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(from);
  return user + system;
}

/** Microseconds of one of Node's own verifications of P-256, of a message as long as the book's. */
function bareUs(): number {
  const message = Buffer.alloc(230, 1);
  const { signature } = olga.sign(message);
  const from = process.cpuUsage();
  for (let done = 0; done < RECORDS; done += 1)
    verify('sha256', message, olga.publicKey.keyObject, signature);
  return cpuUs(from) / RECORDS;
}

/** Rows as they are kept, without their signatures: to make those would take longer than all the rest. */
function* rows(count: number): Generator<BookRecord[]> {
  for (let at = 0; at < count; at += 1000)
    yield Array.from({ length: 1000 }, (_, index) => {
      const name = `user${at + index}`;
      const sha256 = createHash('sha256').update(name).digest('hex').toUpperCase();
      return {
        ...{
          user: parseUsername(name),
          pkhh: parsePkhh(sha256.slice(0, 40)),
          sha256,
          spki: ada.publicKey.spki,
        },
        ...{
          cardKey: null,
          label: 'Card',
          number: 1,
          officer: olga.publicKey.sha256,
          forLogin: true,
          inScope: true,
        },
        ...{
          notBeforeMs: NOW_S * 1000 - 1,
          notAfterMs: NOW_S * 1000 + 1e10,
          lineHash: Buffer.from(sha256, 'hex'),
        },
      };
    });
}

function lookUs(table: Pick<PairingTable, 'forUser'>): number {
  const from = process.cpuUsage();
  for (let done = 0; done < LOOKS; done += 1) table.forUser(alice);
  return cpuUs(from) / LOOKS;
}

interface Taken {
  readonly newUs: number;
  readonly toBare: number;
  readonly knownUs: number;
}

async function takenOnce(lines: readonly string[]): Promise<Taken> {
  const world = new FleetWorld();
  try {
    await world.carry(...GOOD);
    const before = bareUs();
    let from = process.cpuUsage();
    await world.carry(...GOOD, ...lines);
    const newUs = cpuUs(from) / lines.length;
    const toBare = newUs / ((before + bareUs()) / 2);
    from = process.cpuUsage();
    await world.carry(...GOOD, ...lines, recordLine('bob', ada.publicKey, olga, { number: 9 }));
    return { newUs, toBare, knownUs: cpuUs(from) / lines.length };
  } finally {
    world.close();
  }
}

/** Looks of the three in turn, so that each has its part of what else the processor does. */
function looked(ten: FleetWorld, many: FleetWorld): { local: number; ten: number; many: number } {
  const rounds = Array.from({ length: ROUNDS }, () => ({
    local: lookUs(many.local),
    ten: lookUs(ten.pairings),
    many: lookUs(many.pairings),
  }));
  return {
    local: median(rounds.map(({ local }) => local)),
    ten: median(rounds.map((one) => one.ten)),
    many: median(rounds.map((one) => one.many)),
  };
}

/** A book of as long as one may be, of lines that look like records, and are by nobody who is known. */
async function longBook(world: FleetWorld): Promise<{ turnMs: number; mib: number }> {
  const strange = recordLine('alice', ada.publicKey, mallory);
  const made = openSync(world.bookPath, 'w');
  const most = MAX_BOOK_BYTES / (strange.length + 1) - 1000;
  for (let at = 0; at < most; at += 1000) writeSync(made, `${strange}\n`.repeat(1000));
  closeSync(made);
  const before = process.memoryUsage().rss;
  let rss = before;
  let turnMs = 0;
  let last = now();
  const look = setInterval(() => {
    const at = now();
    turnMs = Math.max(turnMs, at.wallMs - last.wallMs - (at.queuedMs - last.queuedMs));
    last = at;
    rss = Math.max(rss, process.memoryUsage().rss);
  }, 1);
  await world.fleet.refresh();
  clearInterval(look);
  return { turnMs, mib: (rss - before) / 1024 / 1024 };
}

export async function fleetFigures(): Promise<Figure[]> {
  const lines = Array.from({ length: RECORDS }, (_, index) =>
    recordLine(`user${index}`, ada.publicKey, olga, { number: 1000 + index }),
  );
  // The first time is the compiler's.
  bareUs();
  await takenOnce(lines);
  const taken: Taken[] = [];
  for (let time = 0; time < IMPORTS; time += 1) taken.push(await takenOnce(lines));
  const newUs = median(taken.map((one) => one.newUs));
  const [few, world] = [new FleetWorld(), new FleetWorld()];
  try {
    for (const one of [few, world]) {
      await one.carry(...GOOD);
      one.stepMs = 0;
    }
    for (const some of rows(10)) few.table.keepRecords(some.slice(0, 10));
    collect();
    const before = process.memoryUsage().rss;
    for (const some of rows(MANY)) world.table.keepRecords(some);
    // What was made for the rows here is the bench's own.
    collect();
    // A book that is read again, with the rows there: which of them it still has is looked up for each.
    await world.carry(...GOOD);
    const memory = (process.memoryUsage().rss - before) / 1024 / 1024;
    await world.carry(...GOOD);
    const looks = looked(few, world);
    const long = await longBook(few);
    return [
      figure('fleet-verify-record (5,000 a second: 200)', newUs, 'µs', 200),
      figure('fleet-verify-record, to a bare verification', median(taken.map((one) => one.toBare)), 'ratio'),
      figure('fleet-known-record', median(taken.map((one) => one.knownUs)), 'µs'),
      figure('fleet-login-overhead-ms', (3 * (looks.many - looks.local)) / 1000, 'ms', 0.1),
      figure('fleet-look, 100,000 records to 10', looks.many / looks.ten, 'ratio', 1.2),
      figure('fleet-memory, 100,000 records', memory, 'MiB', 50),
      figure('fleet-hostile-book, 160 MiB: longest turn', long.turnMs, 'ms', 50),
      figure('fleet-hostile-book, 160 MiB: memory', long.mib, 'MiB', 100),
    ];
  } finally {
    few.close();
    world.close();
  }
}
