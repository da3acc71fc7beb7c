// The rows of the benchmark and how they are printed. No measuring here.
// The bars are those of the benchmark's requirements: a row without a bar only informs.
import { writeFileSync } from 'node:fs';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'APDUs' | 'requests' | 'µs' | 'ms' | 's' | 'KiB' | 'MiB' | 'MB' | 'ratio';
  /** The most that `value` may be; null where nothing was promised. */
  readonly bar: number | null;
  /** null without a bar. */
  readonly holds: boolean | null;
}

function isCount(unit: Figure['unit']): boolean {
  return unit === 'APDUs' || unit === 'requests';
}

/** @param bar the most that `value` may be, in the same unit */
export function figure(name: string, value: number, unit: Figure['unit'], bar: number | null = null): Figure {
  // Compared as printed: nobody can check digits that are not shown.
  const shown = Number(value.toFixed(isCount(unit) ? 0 : 2));
  return { name, value: shown, unit, bar, holds: bar === null ? null : shown <= bar };
}

/** The middle of the sorted values; the mean of the two middle ones where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new Error('No value was measured.');
  return (low + high) / 2;
}

/** Aligned columns, and a last line that says whether every bar holds. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, bar, holds }) => [
    name,
    isCount(unit) ? String(value) : value.toFixed(2),
    unit,
    bar === null ? '' : `≤ ${bar}`,
    holds === null ? '' : holds ? 'holds' : 'MISSED',
  ]);
  const all = [['name', 'value', 'unit', 'bar', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) =>
        column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const missed = figures.filter(({ holds }) => holds === false).map(({ name }) => name);
  lines.push('', missed.length === 0 ? 'Every bar holds.' : `Missed: ${missed.join(', ')}.`);
  return lines.join('\n');
}

/** For a document. */
export function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, bar, holds }) => {
    const said = bar === null ? '' : `≤ ${bar}${holds === false ? ', **missed**' : ''}`;
    return `| ${name} | ${value} ${unit} | ${said} |`;
  });
  return ['| figure | value | bar |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Writes an array of {name, value, unit, bar, holds}. */
export function writeJson(file: string, figures: readonly Figure[]): void {
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
}
