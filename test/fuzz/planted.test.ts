// The agent's fuzzer finds what it is there for: a mistake behind several guards of a real parser, which inputs that
// follow no coverage do not come to. In a process by itself: globalThis has the counters.

import test from 'ava';
import { hits, linesReached, startCounting } from './instrument.ts';

startCounting();
const { Fuzzer } = await import('./engine.ts');
const { readPinReference } = await import('../../agent/token/piv/discovery.ts');

const FILES = [['agent/token/piv/discovery.ts', 'readRetiredCount']] as const;
const SEED = Buffer.from('7E0603020101' + '0500', 'hex');

/** Breaks at a PIN usage policy that can be read, which the seed has none of: a tag of two bytes, its length and those around it. */
function planted(input: Buffer): void {
  let reference: number;
  try {
    reference = readPinReference(input);
  } catch {
    return;
  }
  throw new Error(`PIN ${reference}`);
}

test('a planted mistake is found, and the input that found it is kept', async (t) => {
  const fuzzer = new Fuzzer({ name: 'planted', files: FILES, seeds: [SEED], run: planted }, 1);
  const { finding, runs } = await fuzzer.run((done) => done < 200_000);
  t.log(`${runs} runs`);
  t.regex(String(finding?.error), /^Error: PIN (0|128)$/);
  t.throws(() => {
    planted(finding?.input ?? Buffer.alloc(0));
  });
});

test('lines are counted: all of a function that was left, and those of one that refused at its first guard', async (t) => {
  const run = (input: Buffer): void => {
    t.throws(() => readPinReference(input));
  };
  const { passed } = await new Fuzzer({ name: 'one', files: FILES, seeds: [], run }, 1).run(() => false);
  const { lines, missed } = linesReached('agent/token/piv/discovery.ts', ['readRetiredCount'], passed);
  t.is(lines, 5);
  t.is(missed.length, 4, 'only the line that calls the parser of TLV');
  t.is(hits.length, passed.length);
});

test('an input that takes too long is a finding', async (t) => {
  const run = (): void => {
    const untilMs = performance.now() + 30;
    while (performance.now() < untilMs);
  };
  const { finding } = await new Fuzzer({ name: 'slow', files: FILES, seeds: [], run, mostMs: 20 }, 1).run(
    () => false,
  );
  t.regex(String(finding?.error), /took \d+ ms/);
});
