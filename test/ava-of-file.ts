// ava for one of many test files in a process (together.ts): the file's name is part of each title, its tests run one after
// the other, its hooks are its own, and what all of it costs is noted.

import ava, { type ExecutionContext, type TestFn } from 'ava';
import { costing } from './together.ts';

type Body = (t: ExecutionContext, ...more: unknown[]) => unknown;
type Declare = (title: string, body: Body) => void;
type Moment = 'before' | 'beforeEach' | 'afterEach' | 'after';

const MOMENTS: readonly string[] = ['before', 'beforeEach', 'afterEach', 'after'] satisfies Moment[];
const KINDS: readonly string[] = ['skip', 'only'];

const file = new URL(import.meta.url).searchParams.get('file') ?? '';
/** As ava itself calls a file. */
const prefix = file
  .replace(/^test\//, '')
  .replace(/\.test\.ts$/, '')
  .replaceAll('/', ' › ');

const hooks: Record<Moment, Body[]> = { before: [], beforeEach: [], afterEach: [], after: [] };
let begun = false;
let left = 0;

async function run(moment: Moment, t: ExecutionContext): Promise<void> {
  for (const hook of hooks[moment]) await hook(t);
}

/** A test between the hooks. Those of the end run whatever came before them. */
async function whole(t: ExecutionContext, body: () => unknown): Promise<void> {
  try {
    if (!begun) {
      begun = true;
      await run('before', t);
    }
    await run('beforeEach', t);
    await body();
  } finally {
    await run('afterEach', t);
    if (--left === 0) await run('after', t);
  }
}

/** @throws Error where a file asks for what is not its own here */
function unfit(what: string): never {
  throw new Error(`${file}: ${what} needs a process of its own (test/together.ts)`);
}

function hook(moment: Moment): unknown {
  const add = (...args: unknown[]): void => {
    const body = args.at(-1);
    hooks[moment].push(typeof body === 'function' ? (body as Body) : unfit(moment));
  };
  return Object.assign(add, { always: add });
}

/** `test`, `test.skip` and the like. */
function ofFile(declare: Declare): unknown {
  return new Proxy(declare, {
    apply(_target, _this, [title, body, ...more]: unknown[]) {
      if (typeof title !== 'string' || typeof body !== 'function') return unfit('a test that is no function');
      left++;
      declare(`${prefix} › ${title}`, (t) => costing(file, () => whole(t, () => (body as Body)(t, ...more))));
    },
    get(_target, name) {
      const word = String(name);
      if (word === 'serial') return ofFile(declare);
      if (MOMENTS.includes(word)) return hook(word as Moment);
      return KINDS.includes(word) ? ofFile(Reflect.get(declare, name) as Declare) : unfit(`test.${word}`);
    },
  });
}

export default ofFile(ava.serial) as TestFn;
