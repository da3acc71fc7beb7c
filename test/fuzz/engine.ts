// A fuzzer that follows coverage, as libFuzzer does: an input that passes a counter as no input before did is kept, and
// what is kept is changed further. It runs in the process of the parser: what a parser may throw is said by its target.

import { counters, hits, words } from './instrument.ts';
import { Dice, lexiconOf, mutate } from './mutate.ts';

/** Longer than any input of this size may take, on a machine with other work too. */
const MOST_MS = 5000;

export interface Target {
  readonly name: string;
  /** The parsers' own files, each with its functions that parse nothing: what is reported of them. */
  readonly files: readonly (readonly [file: string, ...without: string[]])[];
  readonly seeds: readonly Buffer[];
  /** Throws what breaks a promise; what the parser may throw it keeps to itself. */
  readonly run: (input: Buffer) => void | Promise<void>;
  readonly mostMs?: number;
}

export interface Finding {
  readonly target: string;
  readonly input: Buffer;
  readonly error: unknown;
}

export interface Outcome {
  readonly runs: number;
  readonly kept: number;
  readonly finding: Finding | null;
  /** By counter: whether any input passed it. */
  readonly passed: Uint8Array;
}

/** How often, in the steps that libFuzzer takes: 1, 2, 3, 4–7, 8–15, 16–31, 32–127, more. */
const STEP = Uint8Array.from({ length: 256 }, (_, n) =>
  n === 0 ? 0 : n < 4 ? 1 << (n - 1) : n < 8 ? 8 : n < 16 ? 16 : n < 32 ? 32 : n < 128 ? 64 : 128,
);

export class Fuzzer {
  readonly #target: Target;
  readonly #dice: Dice;
  readonly #lexicon = lexiconOf([...words]);
  readonly #corpus: Buffer[] = [];
  readonly #seen = new Uint8Array(hits.length);
  #runs = 0;
  #finding: Finding | null = null;

  constructor(target: Target, seed: number) {
    this.#target = target;
    this.#dice = new Dice(seed);
  }

  /** @param more whether to go on, asked before each input but the seeds */
  async run(more: (runs: number) => boolean): Promise<Outcome> {
    for (const seed of [Buffer.alloc(0), ...this.#target.seeds])
      if (this.#finding === null) await this.#try(seed);
    while (this.#finding === null && more(this.#runs)) {
      const dice = this.#dice;
      // What was kept last has more to show.
      const recent = Math.min(this.#corpus.length, dice.roll(2) === 0 ? 4 : Infinity);
      const base = this.#corpus.at(-1 - dice.roll(recent)) ?? Buffer.alloc(0);
      await this.#try(mutate(base, dice, dice.of(this.#corpus), this.#lexicon));
    }
    return { runs: this.#runs, kept: this.#corpus.length, finding: this.#finding, passed: this.#seen };
  }

  async #try(input: Buffer): Promise<void> {
    const many = counters();
    hits.fill(0, 0, many);
    this.#runs++;
    const startMs = performance.now();
    try {
      const done = this.#target.run(Buffer.from(input));
      if (done instanceof Promise) await done;
      const ms = performance.now() - startMs;
      if (ms > (this.#target.mostMs ?? MOST_MS)) throw new Error(`took ${Math.round(ms)} ms`);
    } catch (error) {
      this.#finding = { target: this.#target.name, input, error };
    }
    let isNew = this.#corpus.length === 0;
    for (let at = 0; at < many; at++) {
      const step = STEP[hits[at] ?? 0] ?? 0;
      if ((step & ~(this.#seen[at] ?? 0)) === 0) continue;
      this.#seen[at] = (this.#seen[at] ?? 0) | step;
      isNew = true;
    }
    if (isNew) this.#corpus.push(input);
  }
}
