// Reads the auth or the account stack of a PAM service as libpam would: include, substack, @include, continued lines,
// `other`, the vendor's folders. It judges nothing; walk.ts goes through the stack. Where releases of libpam read a file
// differently, or a file cannot be read to its end, there is a fault instead of a guess.
// Specification: pam.conf(5), pam(8); pam_handlers.c of Linux-PAM 1.5 and 1.7, with Debian's @include.

import { constants, existsSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { closing, readAtMost } from '../../base/open-file.ts';
import { fault as say } from '../../words/pam-files.ts';
import { ALL_BAD, controlOf, type Control } from './control.ts';

export type Phase = 'auth' | 'account';

/** One handler of a stack, in the order of its use. */
export interface StackLine {
  /** Path below the root, e.g. `/etc/pam.d/common-auth`. */
  readonly file: string;
  /** Of the file, from 1. */
  readonly line: number;
  /** `substack` does nothing itself; jumps count it, with all that is in it, as one. `faulty` always fails. */
  readonly kind: 'module' | 'substack' | 'faulty';
  /** As it stands there, for people. */
  readonly word: string;
  readonly control: Control;
  readonly module: string;
  readonly args: readonly string[];
  /** How many substacks it is in; jumps and `done` end at the end of theirs. */
  readonly level: number;
}

export type StackFault = { readonly file: string; readonly line: number | null; readonly what: string };

export interface Stack {
  /** The file that libpam takes for the service: its own, or `other`. null: neither is there. */
  readonly file: string | null;
  readonly lines: readonly StackLine[];
  /** The first thing that is wrong in the files. */
  readonly fault: StackFault | null;
  /** libpam reads no further, and every login fails; or what it does is not known. */
  readonly unusable: boolean;
}

/** PAM_SUBSTACK_MAX_LEVEL */
const MAX_DEPTH = 32;
const MAX_FILE_BYTES = 256 * 1024;
/** Linux-PAM 1.5 cuts longer ones. */
const MAX_LINE = 1000;
export const FOLDERS: readonly string[] = ['/etc/pam.d', '/usr/lib/pam.d', '/usr/etc/pam.d'];
const TYPES: readonly string[] = ['auth', 'account', 'session', 'password'];
/** Where it is, libpam looks for what a file includes in the first folder alone. */
const DEBIAN = '/etc/debian_version';

/** The reading has come to an end. */
class Unusable extends Error {}

/** null: not there. @throws the file system's own error, also for what is no file, or is too long */
export function readText(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  const bytes = closing(fd, () => (fstatSync(fd).isFile() ? readAtMost(fd, MAX_FILE_BYTES) : null));
  if (bytes === null) throw new Error(say.noFile);
  return bytes.toString();
}

interface LogicalLine {
  readonly line: number;
  readonly text: string;
  readonly fault: string | null;
}

/** Lines without comments, the continued ones joined, with the number of their first. */
function* logicalLines(text: string): Generator<LogicalLine> {
  let held = '';
  let from = 0;
  const whole = (rest: string, fault: string | null = null): LogicalLine => {
    const joined = held + rest;
    const bad = /\0/.test(joined) ? say.nul : joined.length > MAX_LINE ? say.tooLong : fault;
    held = '';
    return { line: from, text: joined, fault: bad };
  };
  for (const [index, raw] of text.split('\n').entries()) {
    if (held === '') from = index + 1;
    const bare = raw.replace(/#.*$/s, '');
    if (bare === raw && /\\[ \t]*$/.test(raw)) {
      held += raw.replace(/\\[ \t]*$/, ' ');
      continue;
    }
    if (/[^ \t]/.test(bare)) yield whole(bare);
    // Linux-PAM 1.5 goes on behind the empty line, 1.7 ends the line here.
    else if (held !== '' && index < text.split('\n').length - 1) yield whole('', say.emptyContinuation);
  }
  if (held !== '') yield whole('', say.endlessContinuation);
}

/** Words; brackets around one are not part of it, and `\]` does not end it. */
function wordsOf(text: string): string[] {
  const found = text.matchAll(/\[((?:\\\]|[^\]])*)\]?|[^ \t]+/g);
  return [...found].map(([word, inner]) => inner?.replaceAll('\\]', ']') ?? word);
}

class Reader {
  readonly lines: StackLine[] = [];
  fault: StackFault | null = null;
  readonly #root: string;
  readonly #phase: Phase;
  readonly #included: readonly string[];

  constructor(root: string, phase: Phase) {
    this.#root = root;
    this.#phase = phase;
    this.#included = existsSync(join(root, DEBIAN)) ? FOLDERS.slice(0, 1) : FOLDERS;
  }

  /** Which file it is, with its text; null when no folder has it. @throws Unusable */
  #find(name: string, folders: readonly string[]): { file: string; text: string } | null {
    const candidates = name.startsWith('/') ? [name] : folders.map((folder) => `${folder}/${name}`);
    for (const file of candidates) {
      try {
        const text = readText(join(this.#root, file));
        if (text !== null) return { file, text };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        this.#stop(file, null, say.unreadable(code ?? message));
      }
    }
    return null;
  }

  #note(file: string, line: number | null, what: string): void {
    this.fault ??= { file, line, what };
  }

  #stop(file: string, line: number | null, what: string): never {
    this.#note(file, line, what);
    throw new Unusable();
  }

  /** @param type of an include, to which the file is limited; null at the top @throws Unusable */
  read(file: string, text: string, type: Phase | null, depth = 0, level = 0): void {
    for (const { line, text: whole, fault } of logicalLines(text)) {
      if (fault !== null) this.#stop(file, line, fault);
      this.#readLine({ file, line, level }, wordsOf(whole), type, depth);
    }
  }

  #readLine(
    at: { readonly file: string; readonly line: number; readonly level: number },
    words: readonly string[],
    type: Phase | null,
    depth: number,
  ): void {
    const { file, line, level } = at;
    const [first = '', word = '', module = '', ...args] = words;
    if (first.toLowerCase() === '@include') {
      if (this.#include(word, at, type, depth, level)) return;
      if (type === null) throw new Unusable();
      this.lines.push({ ...at, kind: 'faulty', word: first, control: ALL_BAD, module: '', args: [] });
      return;
    }
    const named = first.replace(/^-/, '').toLowerCase();
    const isKnown = TYPES.includes(named);
    if ((isKnown ? named : (type ?? 'auth')) !== this.#phase) return;
    const lower = word.toLowerCase();
    if (lower === 'include' || lower === 'substack') {
      const inner = level + (lower === 'substack' ? 1 : 0);
      const control = ALL_BAD;
      if (inner > level) this.lines.push({ ...at, kind: 'substack', word, control, module, args: [] });
      if (!this.#include(module, at, this.#phase, depth, inner))
        this.lines.push({ ...at, kind: 'faulty', word, control, module, args: [] });
      return;
    }
    if (!isKnown) this.#note(file, line, say.noType(first));
    else if (module === '') this.#note(file, line, say.noModule);
    const kind = isKnown && module !== '' ? 'module' : 'faulty';
    const control = word === '' ? ALL_BAD : controlOf(word);
    this.lines.push({ ...at, kind, word, control, module, args });
  }

  /** @returns false: libpam puts a line there that fails @throws Unusable */
  #include(
    name: string,
    { file, line }: { readonly file: string; readonly line: number },
    type: Phase | null,
    depth: number,
    level: number,
  ): boolean {
    // Here Linux-PAM 1.5 goes on, without an end for a file that includes itself.
    if (depth + 1 >= MAX_DEPTH) this.#stop(file, line, say.tooDeep);
    const found = name === '' ? null : this.#find(name, this.#included);
    if (found === null) {
      this.#note(file, line, say.missingInclude(name));
      return false;
    }
    this.read(found.file, found.text, type, depth + 1, level);
    return true;
  }

  /** The service's own lines, else those of `other`. @returns the file that counts @throws Unusable */
  service(name: string): string | null {
    const own = /^[A-Za-z0-9._@+-]+$/.test(name) ? this.#find(name, FOLDERS) : null;
    if (own !== null) this.read(own.file, own.text, null);
    const other = this.#find('other', FOLDERS);
    if (other === null) return own?.file ?? null;
    const { fault } = this;
    const count = this.lines.length;
    // It is read whether or not it is used: one that cannot be read ends every login.
    this.read(other.file, other.text, null);
    if (count === 0) return own === null || this.lines.length > 0 ? other.file : own.file;
    this.lines.length = count;
    this.fault = fault;
    return own?.file ?? null;
  }
}

/** One stack of `service`. @param root where `/` is found; other than `/` in tests */
export function readStack(service: string, phase: Phase, root = '/'): Stack {
  const reader = new Reader(root, phase);
  let file: string | null = null;
  let unusable = false;
  try {
    // pam_start(3) takes it so.
    file = reader.service(service.toLowerCase());
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    unusable = true;
  }
  return { file, lines: reader.lines, fault: reader.fault, unusable };
}
