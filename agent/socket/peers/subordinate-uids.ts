// Whose a subordinate uid is (subuid(5)): by newuidmap one user may act under tens of thousands of uids, and they are one
// user for all that is shared out. It is about fairness alone; nobody gets a right by it.

import { readFileSync, statSync } from 'node:fs';

/** A longer file is not read: then each of its uids stands for itself. */
const MAX_FILE_BYTES = 1024 * 1024;
/** name:first:count; the name may be a uid. */
const LINE = /^([^:\s]{1,256}):(\d{1,10}):(\d{1,10})$/;

interface Range {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** Lines that are none are left out. Sorted by their beginnings. */
export function parseSubordinateUids(text: string): readonly Range[] {
  return text
    .split('\n')
    .map((line) => LINE.exec(line.trim()))
    .filter((match) => match !== null)
    .map(([, name = '', first, count]) => ({
      name,
      first: Number(first),
      last: Number(first) + Number(count) - 1,
    }))
    .filter(({ first, last }) => first > 0 && last >= first)
    .sort((a, b) => a.first - b.first);
}

export class SubordinateUids {
  readonly #path: string;
  #read = '';
  #ranges: readonly Range[] = [];

  constructor(path = '/etc/subuid') {
    this.#path = path;
  }

  /** The user whose subordinate uid it is, as the file names them; null: nobody's. */
  userOf(uid: number): string | null {
    this.#refresh();
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.first ?? Infinity) <= uid) low = middle + 1;
      else high = middle;
    }
    const range = this.#ranges[low - 1];
    return range !== undefined && uid <= range.last ? range.name : null;
  }

  #refresh(): void {
    try {
      const { mtimeMs, ctimeMs, size, ino } = statSync(this.#path);
      const now = [mtimeMs, ctimeMs, size, ino].join(' ');
      if (now === this.#read) return;
      this.#read = now;
      this.#ranges = size > MAX_FILE_BYTES ? [] : parseSubordinateUids(readFileSync(this.#path, 'latin1'));
    } catch {
      this.#read = '';
      this.#ranges = [];
    }
  }
}
