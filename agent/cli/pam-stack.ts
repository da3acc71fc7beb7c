// Reads the auth stack of a PAM service as libpam would: @include, include, substack, continued lines, [controls].
// It judges nothing; that is pam-line.ts. Specification: pam.conf(5); folders as in pam(8).

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** One module of a stack, in the order of its use. */
export interface StackLine {
  /** Path below the root, e.g. `/etc/pam.d/common-auth`. */
  readonly file: string;
  /** Of the file, from 1. */
  readonly line: number;
  /** In lower case; the text in the brackets with them. */
  readonly control: string;
  readonly module: string;
  readonly args: readonly string[];
  /** Lines of one substack share it; jumps and `sufficient` end there. */
  readonly frame: number;
}

export type StackFault = { readonly file: string; readonly line: number | null; readonly what: string };

export interface Stack {
  /** The file that libpam takes for the service: its own, or `other`. null: neither is there. */
  readonly file: string | null;
  readonly lines: readonly StackLine[];
  /** Why libpam would give up; null when it would not. */
  readonly fault: StackFault | null;
}

/** libpam gives up there too (PAM_SUBSTACK_MAX_LEVEL is 32 for substacks). */
const MAX_DEPTH = 32;
const MAX_FILE_BYTES = 256 * 1024;
const FOLDERS = ['/etc/pam.d', '/usr/lib/pam.d', '/usr/etc/pam.d'];
const TYPES = ['auth', 'account', 'session', 'password'];

/** null: not there. @throws the file system's own error, also for what is no file */
function readText(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    if (!fstatSync(fd).isFile() || size > MAX_FILE_BYTES) throw new Error('is no file, or too long');
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}

/** Lines without comments, the continued ones joined, with the number of their first. */
function* logicalLines(text: string): Generator<{ line: number; text: string }> {
  let held = '';
  let from = 1;
  for (const [index, raw] of text.split('\n').entries()) {
    if (held === '') from = index + 1;
    const bare = raw.replace(/#.*$/, '');
    if (bare === raw && raw.endsWith('\\')) {
      held += `${raw.slice(0, -1)} `;
      continue;
    }
    const whole = (held + bare).trim();
    held = '';
    if (whole !== '') yield { line: from, text: whole };
  }
  if (held.trim() !== '') yield { line: from, text: held.trim() };
}

/** Words; one in brackets is one word and keeps them. */
function words(text: string): string[] {
  return text.match(/\[[^\]]*\]|\S+/g) ?? [];
}

class Reader {
  readonly lines: StackLine[] = [];
  fault: StackFault | null = null;
  readonly #root: string;
  #frames = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** Which file it is, with its text; null when no folder has it. */
  find(name: string): { file: string; text: string } | null {
    if (!/^[A-Za-z0-9._@+-]+$/.test(name) && !name.startsWith('/')) return null;
    const candidates = name.startsWith('/') ? [name] : FOLDERS.map((folder) => `${folder}/${name}`);
    for (const file of candidates) {
      try {
        const text = readText(join(this.#root, file));
        if (text !== null) return { file, text };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        this.fault ??= { file, line: null, what: `cannot be read (${code ?? message})` };
        return null;
      }
    }
    return null;
  }

  #fail(file: string, line: number, what: string): void {
    this.fault ??= { file, line, what };
  }

  read(file: string, text: string, depth: number, frame: number): void {
    for (const { line, text: whole } of logicalLines(text)) {
      if (this.fault !== null) return;
      const [first = '', second = '', third = '', ...args] = words(whole);
      if (first === '@include') {
        this.#include(second, file, line, depth, frame);
        continue;
      }
      const type = first.replace(/^-/, '').toLowerCase();
      if (!TYPES.includes(type)) {
        this.#fail(file, line, `has no type that PAM knows ('${first}')`);
        return;
      }
      if (type !== 'auth') continue;
      const control = second.toLowerCase();
      if (control === 'include') this.#include(third, file, line, depth, frame);
      else if (control === 'substack') this.#include(third, file, line, depth, ++this.#frames);
      else if (third === '') this.#fail(file, line, 'names no module');
      else this.lines.push({ file, line, control, module: third, args, frame });
    }
  }

  #include(name: string, file: string, line: number, depth: number, frame: number): void {
    if (depth >= MAX_DEPTH) {
      this.#fail(file, line, 'includes files too deeply, or itself');
      return;
    }
    const found = this.find(name);
    if (found === null) this.#fail(file, line, `includes ${name}, which is not there`);
    else this.read(found.file, found.text, depth + 1, frame);
  }
}

/** The auth stack of `service`. @param root where `/` is found; other than `/` in tests */
export function readAuthStack(service: string, root = '/'): Stack {
  const reader = new Reader(root);
  const found = reader.find(service) ?? (reader.fault === null ? reader.find('other') : null);
  if (found !== null) reader.read(found.file, found.text, 0, 0);
  return { file: found?.file ?? null, lines: reader.lines, fault: reader.fault };
}
