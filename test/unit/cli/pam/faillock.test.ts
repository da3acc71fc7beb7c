// Whether pam_faillock keeps somebody out, against the real one in the real libpam, on random records and options.

import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { codeOf } from '../../../../agent/cli/pam/control.ts';
import { lockOf } from '../../../../agent/cli/pam/faillock.ts';
import { readStack } from '../../../../agent/cli/pam/stack.ts';
import { rootTest, temporaryFolder } from '../../base/folders.ts';
import { random } from './random.ts';
import { outcomesOf } from './real-outcomes.ts';

const CASES = 400;
const NOBODY = 65_534;
type Random = ReturnType<typeof random>;

/** Seconds ago; none is near an end of a lock below, however slow the machine. */
const AGES = [0, 10, 20, 300, 310, 1000, 1200, 3000];
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  deny: ['0', '1', '2', '3', '4'],
  fail_interval: ['15', '300', '305', '900', '999999'],
  unlock_time: ['0', 'never', '120', '900', '999999'],
  root_unlock_time: ['never', '120', '900'],
};

interface Failure {
  readonly age: number;
  readonly valid: boolean;
}

function records(failures: readonly Failure[], now: number): Buffer {
  return Buffer.concat(
    failures.map(({ age, valid }) => {
      const record = Buffer.alloc(64);
      record.write('/dev/pts/1');
      record.writeUInt16LE(valid ? 1 : 0, 54);
      record.writeBigUInt64LE(BigInt(now - age), 56);
      return record;
    }),
  );
}

function someOptions(of: Random): string[] {
  const numbers = Object.entries(NUMBERS).flatMap(([name, values]) =>
    of.below(2) === 0 ? [] : [`${name}=${of.pick(values)}`],
  );
  return of.below(3) === 0 ? [...numbers, 'even_deny_root'] : numbers;
}

function someFailures(of: Random): Failure[] {
  return Array.from({ length: of.below(7) }, () => ({ age: of.pick(AGES), valid: of.below(4) > 0 }));
}

rootTest('who is kept out, and who is not, is what the real pam_faillock says', (t) => {
  const root = temporaryFolder(t);
  const of = random(11);
  const now = Math.floor(Date.now() / 1000);
  for (const folder of ['etc/pam.d', 'usr/lib/pam.d', 'usr/lib/security'])
    mkdirSync(join(root, folder), { recursive: true });
  const asked: { service: string; user: string }[] = [];
  const described: string[] = [];
  for (let index = 0; index < CASES; index += 1) {
    const user = of.below(4) === 0 ? 'root' : 'nobody';
    const folder = join(root, `records-${index}`);
    const settings = join(root, `settings-${index}`);
    const [ofFile, ofLine] = [someOptions(of), someOptions(of)];
    const failures = someFailures(of);
    mkdirSync(folder);
    writeFileSync(join(folder, user), records(failures, now), { mode: 0o600 });
    if (user === 'nobody') chownSync(join(folder, user), NOBODY, -1);
    writeFileSync(settings, ofFile.map((one) => ` ${one.replace('=', ' = ')} # so\n`).join(''));
    const faillock = `pam_faillock.so preauth silent nodelay dir=${folder} conf=${settings} ${ofLine.join(' ')}`;
    // In place of pam_scauth.so stands what says yes as it would.
    const text = (ours: string): string =>
      `auth ${of.pick(['required', 'requisite'])} ${faillock}\nauth sufficient ${ours}\n`;
    writeFileSync(join(root, 'etc/pam.d', `random-${index}`), text('pam_permit.so'));
    writeFileSync(join(root, 'etc/pam.d', `ours-${index}`), text('pam_scauth.so'));
    asked.push({ service: `random-${index}`, user });
    described.push(JSON.stringify({ user, ofFile, ofLine, failures }));
  }
  writeFileSync(join(root, 'etc/pam.d/other'), 'auth required pam_deny.so\n');
  const outcomes = outcomesOf(root, asked);
  let kept = 0;
  for (const [index, { user }] of asked.entries()) {
    const real = outcomes[index]?.authenticate ?? -1;
    const lock = lockOf(readStack(`ours-${index}`, 'auth', root).lines, user);
    t.is(lock === null ? codeOf('success') : codeOf('auth_err'), real, described[index]);
    if (lock !== null) kept += 1;
  }
  t.true(kept > CASES / 8 && kept < CASES / 2, String(kept));
});

const FAILED: readonly Failure[] = [10, 20, 30].map((age) => ({ age, valid: true }));

/** A machine on which these were the failures of ada. */
function stackOf(t: Parameters<typeof temporaryFolder>[0], text: string, name = 'ada') {
  const root = temporaryFolder(t);
  for (const folder of ['etc/pam.d', 'var/run/faillock']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/pam.d/sudo'), `${text}\n`);
  const file = join(root, 'var/run/faillock', name);
  writeFileSync(file, records(FAILED, Math.floor(Date.now() / 1000)));
  if (process.getuid?.() === 0) chownSync(file, NOBODY, -1);
  return { lines: readStack('sudo', 'auth', root).lines, root };
}

const OURS = 'auth sufficient pam_scauth.so\nauth required pam_unix.so';

test('what is said of it: which line, how often, and how long', (t) => {
  const { lines, root } = stackOf(
    t,
    `auth required pam_env.so\nauth required pam_faillock.so preauth\n${OURS}`,
  );
  const lock = lockOf(lines, 'ada', root);
  t.like(lock, { failures: 3, folder: '/var/run/faillock', line: { file: '/etc/pam.d/sudo', line: 2 } });
  t.true((lock?.secondsLeft ?? 0) > 400 && (lock?.secondsLeft ?? 0) <= 590);
  t.is(lockOf(lines, 'bob', root), null);
  t.is(lockOf(lines, '../faillock/ada', root), null);
  const never = stackOf(t, `auth requisite pam_faillock.so preauth unlock_time=0\n${OURS}`);
  t.like(lockOf(never.lines, 'ada', never.root), { failures: 3, secondsLeft: null });
});

for (const [title, text] of [
  ['a refusal that the stack ignores', `auth optional pam_faillock.so preauth\n${OURS}`],
  ['behind our line', `auth sufficient pam_scauth.so\nauth required pam_faillock.so preauth`],
  ['that only counts failures', `auth required pam_faillock.so authfail\n${OURS}`],
  ['in a stack without us', 'auth required pam_faillock.so preauth\nauth required pam_unix.so'],
  [
    'whose group of administrators may be theirs',
    `auth required pam_faillock.so preauth admin_group=staff\n${OURS}`,
  ],
] as const)
  test(`a pam_faillock keeps nobody out for certain: ${title}`, (t) => {
    const { lines, root } = stackOf(t, text);
    t.is(lockOf(lines, 'ada', root), null);
  });
