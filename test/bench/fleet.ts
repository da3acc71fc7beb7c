// A fleet's pairing book: what it costs to take a record that was never seen, and one that was; and what a login's look at
// the pairings costs beside that of a machine without a fleet, with 10 records and with 100,000. By processor time.

import { createHash } from 'node:crypto';
import type { BookRecord } from '../../agent/model/book/book-state.ts';
import { parsePkhh } from '../../agent/model/key/key.ts';
import { parseUsername } from '../../agent/model/request.ts';
import { ada, alice, FleetWorld, GOOD, olga } from '../kit/book/fleet-world.ts';
import { NOW_S, recordLine } from '../kit/book/make-book.ts';
import { figure, median, type Figure } from './figures.ts';

const RECORDS = 5000;
const MANY = 100_000;
const LOOKS = 2000;
const ROUNDS = 11;

function cpuMs(from: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
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

/** Microseconds of a look, with the book and without. */
function lookUs(world: FleetWorld): { book: number; local: number } {
  const [book, local] = [world.pairings, world.local].map((table) =>
    median(
      Array.from({ length: ROUNDS }, () => {
        const from = process.cpuUsage();
        for (let done = 0; done < LOOKS; done += 1) table.forUser(alice);
        return (cpuMs(from) * 1000) / LOOKS;
      }),
    ),
  );
  return { book: book ?? NaN, local: local ?? NaN };
}

export async function fleetFigures(): Promise<Figure[]> {
  const world = new FleetWorld();
  try {
    const lines = Array.from({ length: RECORDS }, (_, index) =>
      recordLine(`user${index}`, ada.publicKey, olga, { number: 1000 + index }),
    );
    await world.carry(...GOOD);
    let from = process.cpuUsage();
    await world.carry(...GOOD, ...lines);
    const newUs = (cpuMs(from) * 1000) / RECORDS;
    from = process.cpuUsage();
    await world.carry(...GOOD, ...lines, recordLine('bob', ada.publicKey, olga, { number: 9 }));
    const knownUs = (cpuMs(from) * 1000) / RECORDS;
    const few = new FleetWorld();
    await few.carry(...GOOD);
    few.stepMs = world.stepMs = 0;
    const ten = lookUs(few);
    few.close();
    const before = process.memoryUsage().rss;
    for (const some of rows(MANY)) world.table.keepRecords(some);
    const many = lookUs(world);
    const memory = (process.memoryUsage().rss - before) / 1024 / 1024;
    return [
      figure('fleet-verify-record (5,000 a second: 200)', newUs, 'µs', 200),
      figure('fleet-known-record', knownUs, 'µs'),
      figure('fleet-login-overhead-ms', (3 * (many.book - many.local)) / 1000, 'ms', 0.1),
      figure('fleet-look, 100,000 records to 10', many.book / ten.book, 'ratio', 1.2),
      figure('fleet-memory, 100,000 records', memory, 'MiB', 50),
    ];
  } finally {
    world.close();
  }
}
