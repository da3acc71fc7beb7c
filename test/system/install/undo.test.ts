// install/undo on copies of PAM files: takes pam_scauth.so out, keeps everything else, and mends the jumps over it.
// What libpam then does with the files is seen in test/package.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';

const test = anyTest as TestFn<{ root: string }>;
const undo = join(import.meta.dirname, '../../../install/undo');

test.beforeEach((t) => {
  const root = mkdtempSync(join(tmpdir(), 'scauth-undo-'));
  mkdirSync(join(root, 'etc/pam.d'), { recursive: true });
  mkdirSync(join(root, 'var/lib/scauth/pam'), { recursive: true });
  mkdirSync(join(root, 'var/lib/pam'), { recursive: true });
  t.context.root = root;
});
test.afterEach.always((t) => {
  rmSync(t.context.root, { recursive: true, force: true });
});

function run(root: string): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync('dash', [undo, '--root', root], { encoding: 'utf8' });
  return { status, stdout };
}

/** What becomes of a PAM file. */
function after(root: string, text: string): string {
  const file = join(root, 'etc/pam.d/x');
  writeFileSync(file, text);
  run(root);
  return readFileSync(file, 'utf8');
}

const cases: readonly (readonly [title: string, before: string, after: string])[] = [
  [
    'one line goes',
    'auth sufficient pam_scauth.so\nauth required pam_unix.so\n',
    'auth required pam_unix.so\n',
  ],
  ['with a path, arguments and a dash', '-auth sufficient /lib/security/pam_scauth.so debug\n#\n', '#\n'],
  [
    'each type',
    'account required pam_scauth.so\nsession optional pam_scauth.so\npassword optional pam_scauth.so\n# end\n',
    '# end\n',
  ],
  [
    'a jump over it becomes shorter',
    'auth [success=3 default=ignore] a.so\nauth [success=2 default=ignore] pam_scauth.so\nauth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n',
    'auth [success=2 default=ignore] a.so\nauth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n',
  ],
  [
    'a jump that ends before it stays',
    'auth [success=1 default=ignore] a.so\nauth optional b.so\nauth sufficient pam_scauth.so\n',
    'auth [success=1 default=ignore] a.so\nauth optional b.so\n',
  ],
  [
    'a jump over it alone is none',
    'auth [success=1 default=ignore] a.so\nauth sufficient pam_scauth.so\nauth required b.so\n',
    'auth [success=ignore default=ignore] a.so\nauth required b.so\n',
  ],
  [
    'a jump over two of them',
    'auth [success=3 user_unknown=1] a.so\nauth sufficient pam_scauth.so\nauth sufficient pam_scauth.so debug\nauth required b.so\n',
    'auth [success=1 user_unknown=ignore] a.so\nauth required b.so\n',
  ],
  [
    'lines of another type do not count',
    'auth [success=2] a.so\naccount sufficient pam_scauth.so\nauth required b.so\nauth required c.so\n',
    'auth [success=2] a.so\nauth required b.so\nauth required c.so\n',
  ],
  ['a long line', 'auth sufficient \\\n  pam_scauth.so debug\nauth required b.so\n', 'auth required b.so\n'],
  [
    'comments and others stay as they are',
    '# pam_scauth.so was here\nauth required b.so # not pam_scauth.so\n@include common-auth\nauth required my_pam_scauth.so.old\n',
    '# pam_scauth.so was here\nauth required b.so # not pam_scauth.so\n@include common-auth\nauth required my_pam_scauth.so.old\n',
  ],
];

for (const [title, before, expected] of cases) {
  test(`undo: ${title}`, (t) => {
    t.is(after(t.context.root, before), expected);
    t.is(after(t.context.root, expected), expected);
    t.deepEqual(readdirSync(join(t.context.root, 'etc/pam.d')), ['x']);
  });
}

/** A record as scauth-pam leaves it. */
function record(root: string, name: string, before: string, changed: string): void {
  for (const [part, text] of [
    ['before', before],
    ['after', changed],
  ] as const) {
    const folder = join(root, 'var/lib/scauth/pam', name, part, 'etc/pam.d');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'common-auth'), text);
  }
  writeFileSync(join(root, 'var/lib/scauth/pam', name, 'complete'), '');
}

test('undo: a record gives back the bytes from before, the newest first', (t) => {
  const { root } = t.context;
  record(root, '20260101T000000.1', 'one\n', 'two pam_scauth.so\n');
  record(root, '20260102T000000.1', 'two pam_scauth.so\n', 'three pam_scauth.so\n');
  writeFileSync(join(root, 'etc/pam.d/common-auth'), 'three pam_scauth.so\n');
  t.is(run(root).status, 0);
  t.is(readFileSync(join(root, 'etc/pam.d/common-auth'), 'utf8'), 'one\n');
  t.deepEqual(readdirSync(join(root, 'var/lib/scauth/pam')), []);
});

test('undo: what somebody changed since is kept, and only our line goes', (t) => {
  const { root } = t.context;
  record(
    root,
    '20260101T000000.1',
    'auth required b.so\n',
    'auth sufficient pam_scauth.so\nauth required b.so\n',
  );
  const file = join(root, 'etc/pam.d/common-auth');
  writeFileSync(file, 'auth sufficient pam_scauth.so\nauth required b.so\nauth optional mine.so\n');
  t.is(run(root).status, 0);
  t.is(readFileSync(file, 'utf8'), 'auth required b.so\nauth optional mine.so\n');
});

test('undo: a record that was not finished is no record', (t) => {
  const { root } = t.context;
  record(root, '20260101T000000.1', 'auth required b.so\n', 'auth required c.so\n');
  rmSync(join(root, 'var/lib/scauth/pam/20260101T000000.1/complete'));
  const file = join(root, 'etc/pam.d/common-auth');
  writeFileSync(file, 'auth required c.so\n');
  t.is(run(root).status, 0);
  t.is(readFileSync(file, 'utf8'), 'auth required c.so\n');
});
