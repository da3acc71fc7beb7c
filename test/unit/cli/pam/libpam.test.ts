// The reader and the walk against the real libpam: random stacks of pam_debug.so, which says what its arguments tell it.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CODES, codeOf, type CodeName } from '../../../../agent/cli/pam/control.ts';
import { readStack, type Phase, type StackLine } from '../../../../agent/cli/pam/stack.ts';
import { findWay, run } from '../../../../agent/cli/pam/walk.ts';
import { rootTest, temporaryFolder } from '../../base/folders.ts';
import { random } from './random.ts';
import { outcomesOf } from './real-outcomes.ts';

const STACKS = 600;
type Random = ReturnType<typeof random>;

const WORDS = ['required', 'requisite', 'sufficient', 'optional', 'Required', '[optional]'];
const ACTIONS = ['ok', 'done', 'bad', 'die', 'ignore', 'reset', '1', '2', '3', '7'];
const ANSWERS: readonly CodeName[] = [
  'success',
  'success',
  'new_authtok_reqd',
  'perm_denied',
  'auth_err',
  'ignore',
  'user_unknown',
  'acct_expired',
];

function control(of: Random): string {
  if (of.below(3) > 0) return of.pick(WORDS);
  const names: readonly string[] = [...ANSWERS, 'default', 'default'];
  const parts = Array.from({ length: 1 + of.below(3) }, () => `${of.pick(names)}=${of.pick(ACTIONS)}`);
  return of.pick([`[${parts.join(' ')}]`, `[ ${parts.join('  ')} ]`, `[${parts.join(' ')} nonsense]`]);
}

/** One line of a file; `deep` files may lead to further ones. */
function line(of: Random, phase: Phase, deep: readonly string[]): string {
  const type = of.pick([phase, phase, phase, phase, phase.toUpperCase(), `-${phase}`]);
  const other = phase === 'auth' ? 'account' : 'auth';
  switch (of.below(deep.length > 0 ? 16 : 11)) {
    case 0:
      return `# ${type} required pam_deny.so \\`;
    case 1:
      return of.pick(['', `${other} required pam_permit.so`, 'session optional pam_permit.so']);
    case 2:
      return `${type} ${control(of)} pam_${of.pick(['deny', 'permit', 'nowhere'])}.so`;
    case 3:
      return of.pick([
        `nonsense ${control(of)} pam_permit.so`,
        `${type} ${control(of)}`,
        type,
        `${type} include nowhere`,
      ]);
    case 11:
    case 12:
      return `${type} include ${of.pick(deep)}`;
    case 13:
    case 14:
      return `${type} substack ${of.pick(deep)}`;
    case 15:
      return `@include ${of.pick(deep)}`;
    default: {
      const answer = of.pick(ANSWERS);
      const debug = `pam_debug.so auth=${answer} acct=${answer}`;
      const words = `${type} ${control(of)} ${debug}`;
      return of.pick([words, words, `${words} # says so`, words.replaceAll(' pam', ' \\\n\t pam')]);
    }
  }
}

function answerOf({ module, args }: StackLine, phase: Phase): number {
  if (module === 'pam_permit.so') return 0;
  if (module === 'pam_deny.so') return codeOf('auth_err');
  if (module === 'pam_nowhere.so') return codeOf('module_unknown');
  const name = args.find((arg) => arg.startsWith(phase === 'auth' ? 'auth=' : 'acct='))?.split('=')[1];
  return CODES.findIndex((code) => code === name);
}

/** Files by name, for the machine's folder and the vendor's. */
type Files = Map<string, readonly string[]>;

function write(folder: string, files: Files): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, lines] of files) writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
}

for (const phase of ['auth', 'account'] as const) {
  rootTest(`S12: ${phase} stacks come out as with the real libpam`, (t) => {
    const root = temporaryFolder(t);
    const of = random(phase === 'auth' ? 1 : 2);
    const here: Files = new Map([['other', [`${phase} ${of.pick(['required', 'sufficient'])} pam_deny.so`]]]);
    const vendor: Files = new Map();
    const services = Array.from({ length: STACKS }, (_, index) => `random-${index}`);
    for (const [index, name] of services.entries()) {
      const lines = (most: number, ...deep: readonly string[]): string[] =>
        Array.from({ length: 1 + of.below(most) }, () => line(of, phase, deep));
      const [inner, middle] = [`inner-${index}`, `middle-${index}`];
      // A wrong type is taken for an auth line.
      const before = phase === 'account' ? ['auth sufficient pam_permit.so'] : [];
      (of.below(5) === 0 ? vendor : here).set(name, [...before, ...lines(6, inner, middle)]);
      if (of.below(20) > 0) (of.below(10) === 0 ? vendor : here).set(inner, lines(4));
      if (of.below(20) > 0) (of.below(10) === 0 ? vendor : here).set(middle, lines(4, inner));
      if (of.below(10) === 0) vendor.set(name, [...before, ...lines(2)]);
    }
    write(join(root, 'etc/pam.d'), here);
    write(join(root, 'usr/lib/pam.d'), vendor);
    if (existsSync('/etc/debian_version')) writeFileSync(join(root, 'etc/debian_version'), '');
    let opened = 0;
    const outcomes = outcomesOf(
      root,
      services.map((service) => ({ service, user: 'root' })),
    );
    for (const [index, name] of services.entries()) {
      const outcome = outcomes[index];
      const said = phase === 'auth' ? outcome?.authenticate : outcome?.account;
      const files = [name, `middle-${index}`, `inner-${index}`].flatMap((file) => [
        `--- ${file}`,
        ...(here.get(file) ?? vendor.get(file) ?? []),
      ]);
      const stack = readStack(name, phase, root);
      const answer = (one: StackLine): number => answerOf(one, phase);
      t.is(
        stack.unusable ? codeOf('abort') : run(stack.lines, answer),
        said ?? codeOf('abort'),
        files.join('\n'),
      );
      if (said === 0) opened += 1;
      const isOpen = said === 0 || said === codeOf('new_authtok_reqd');
      if (!stack.unusable)
        t.is(findWay(stack.lines, (one) => [answer(one)]) !== null, isOpen, files.join('\n'));
    }
    t.true(opened > STACKS / 20, `${opened} of ${STACKS}`);
  });
}

test('S12: a way in is found wherever some answers of the modules open, and nowhere else', (t) => {
  const of = random(3);
  const codes = [...new Set(ANSWERS)].map(codeOf);
  const refuses = ({ module }: StackLine): boolean => module === 'pam_refuses.so';
  let open = 0;
  for (let count = 0; count < 300; count += 1) {
    const root = temporaryFolder(t);
    const files: Files = new Map();
    const lines = (most: number, deep: readonly string[]): string[] =>
      Array.from({ length: 1 + of.below(most) }, () =>
        of.below(5) > 0 || deep.length === 0
          ? `account ${control(of)} pam_${of.pick(['x', 'x', 'refuses'])}.so`
          : `account ${of.pick(['include', 'substack'])} ${of.pick(deep)}`,
      );
    files.set('inner', lines(2, [])).set('random', lines(3, ['inner']));
    write(join(root, 'etc/pam.d'), files);
    const stack = readStack('random', 'account', root);
    // Each combination, by brute force; four modules have 2,401.
    const modules = stack.lines.filter(({ kind }) => kind === 'module');
    if (modules.length > 4) continue;
    const opens = Array.from({ length: codes.length ** modules.length }, (_, combination) =>
      run(stack.lines, (one) => {
        if (refuses(one)) return codeOf('perm_denied');
        const digit = Math.floor(combination / codes.length ** modules.indexOf(one)) % codes.length;
        return codes[digit] ?? 0;
      }),
    ).some((code) => code === codeOf('success') || code === codeOf('new_authtok_reqd'));
    const answers = (one: StackLine) => (refuses(one) ? [codeOf('perm_denied')] : codes);
    t.is(findWay(stack.lines, answers) !== null, opens, [...files.values()].flat().join('\n'));
    if (opens) open += 1;
  }
  t.true(open > 50 && open < 280, String(open));
});
