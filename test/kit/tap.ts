// Reads what ava prints with --tap, line by line, and counts. It runs nothing and prints nothing.
// Subset of TAP 13 (testanything.org): plan, `ok`, `not ok`, SKIP and TODO, YAML blocks and comments as opaque lines.

import { withoutProcess } from '../together.ts';

export interface TapResult {
  /** The file as ava shortens it, `card › pin`; empty when ava ran only one. */
  readonly file: string;
  readonly title: string;
  readonly passed: boolean;
}

export interface TapFailure {
  readonly title: string;
  /** The YAML block and the comments below the line. */
  readonly detail: readonly string[];
}

export class TapReader {
  readonly results: TapResult[] = [];
  readonly failures: TapFailure[] = [];
  skipped = 0;
  /** Whether the plan came: without it ava died before its end. */
  planned = false;
  #detail: string[] | null = null;

  /** @param line one line of output, without its end */
  read(line: string): void {
    const match = /^(not )?ok \d+(?: - (.*))?$/.exec(line);
    if (match === null) {
      if (/^\d+\.\.\d+$/.test(line)) this.planned = true;
      // A file whose process ended early: ava says it in a comment, and only its exit code calls it a failure.
      else if (/^# \d+ tests? remaining in /.test(line))
        this.failures.push({ title: line.slice(2), detail: [] });
      else if (/^( {2}|# {3})/.test(line)) this.#detail?.push(line);
      return;
    }
    this.#detail = null;
    const words = withoutProcess(match[2] ?? '');
    if (/ # (SKIP|TODO)\b/.test(words)) {
      this.skipped++;
      return;
    }
    const passed = match[1] === undefined;
    const at = words.lastIndexOf(' › ');
    const file = at === -1 ? '' : words.slice(0, at);
    this.results.push({ file, title: at === -1 ? words : words.slice(at + 3), passed });
    if (!passed) {
      this.#detail = [];
      this.failures.push({ title: words, detail: this.#detail });
    }
  }

  get passed(): number {
    return this.results.filter((result) => result.passed).length;
  }

  get failed(): number {
    return this.failures.length;
  }

  /** @returns for each file: its name, tests passed, tests in all */
  files(): { file: string; passed: number; total: number }[] {
    const files = new Map<string, { file: string; passed: number; total: number }>();
    for (const { file, passed } of this.results) {
      const entry = files.get(file) ?? { file, passed: 0, total: 0 };
      entry.total++;
      if (passed) entry.passed++;
      files.set(file, entry);
    }
    return [...files.values()].sort((a, b) => a.file.localeCompare(b.file));
  }
}
