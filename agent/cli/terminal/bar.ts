// A bar on standard error that shows how far long work has come, if that is a terminal.

import type { Surroundings } from '../context.ts';

const AFTER_MS = 700;
const EVERY_MS = 100;
/** With its number it fits a terminal of 40 columns. */
const CELLS = 30;

export class Bar {
  readonly #context: Pick<Surroundings, 'errIsTerminal' | 'writeErr'>;
  readonly #total: number;
  readonly #nowMs: () => number;
  readonly #sinceMs: number;
  #shownMs = 0;
  #text = '';

  constructor(
    context: Pick<Surroundings, 'errIsTerminal' | 'writeErr'>,
    total: number,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#context = context;
    this.#total = total;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  show(done: number): void {
    const now = this.#nowMs();
    if (this.#context.errIsTerminal !== true || this.#total === 0) return;
    if (now - this.#sinceMs < AFTER_MS || now - this.#shownMs < EVERY_MS) return;
    this.#shownMs = now;
    const part = Math.min(1, done / this.#total);
    const cells = Math.round(part * CELLS);
    const bar = '█'.repeat(cells) + '░'.repeat(CELLS - cells);
    this.#text = `\r${bar} ${String(Math.floor(part * 100)).padStart(3)} %`;
    this.#context.writeErr(this.#text);
  }

  /** Writes lines where the bar was, and the bar below them. */
  above(write: () => void): void {
    this.clear();
    write();
    if (this.#text !== '') this.#context.writeErr(this.#text);
  }

  clear(): void {
    if (this.#shownMs > 0) this.#context.writeErr(`\r${' '.repeat(CELLS + 8)}\r`);
  }
}
