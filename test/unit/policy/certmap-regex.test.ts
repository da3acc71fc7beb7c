// Expressions of matching rules mean what POSIX says: judged by grep -E, which has them from the C library as SSSD has.

import { spawnSync } from 'node:child_process';
import test from 'ava';
import { posixPattern } from '../../../policy/certmap/regex.ts';

/** ASCII: of what a class holds beyond it, each locale says something else. */
const TEXTS = [
  ...[
    '',
    'a',
    'b',
    'ab',
    'ba',
    'aa',
    'abc',
    'A',
    '^',
    '^a',
    'a^',
    '-',
    ']',
    ']a',
    'a]',
    '[',
    '[a',
    '\\',
    '\\d',
  ],
  ...['d', 'd5', '5', '55', '.', 'a.b', 'axb', '$', '$a', '{', 'a{2}', '/', 'a/b', '|', 'a|b', '(', '()'],
  ...[' ', 'a b', '_', 'CN=ada', 'CN=Ada Lovelace', 'ada@example.org', '*', 'a*', '?', '+'],
];

/** Which of the texts grep takes. */
function byGrep(pattern: string): string[] {
  const { stdout } = spawnSync('grep', ['-E', '-e', pattern], {
    input: TEXTS.map((text) => `${text}\n`).join(''),
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    encoding: 'utf8',
  });
  return stdout.split('\n').slice(0, -1);
}

for (const pattern of [
  ...[
    '^a$',
    '^[^a]$',
    '^[a^]$',
    '^[]a]$',
    '^[^]a]$',
    '^[a-c]+$',
    '^[-a]$',
    '^[a\\]$',
    '^[\\d]$',
    '[.]',
    '^[a.$]$',
  ],
  ...['^[[:digit:]]+$', '^[^[:alnum:]]$', '^[[:upper:][:space:]]$', '^[[:punct:]]$'],
  ...[
    '^\\.$',
    'a\\.b',
    '^\\\\$',
    '^\\^$',
    '^\\[$',
    '^\\]$',
    '^]$',
    '^\\$$',
    '^\\{$',
    '^\\/$',
    '^/$',
    '^\\|$',
  ],
  ...['^\\(\\)$', '^\\*$', '^\\?$', '^\\+$', '^(a|b)$', '^a{2}$', '^a?b$', '^\\w$', '^\\W$', 'a\\b', '^.$'],
])
  test(`${pattern} means what grep -E takes it for`, (t) => {
    const ours = posixPattern(pattern);
    t.deepEqual(
      TEXTS.filter((text) => ours.test(text)),
      byGrep(pattern),
    );
  });

test('one character is one, however many bytes it has', (t) => {
  t.true(posixPattern('^.$').test('é'));
  t.true(posixPattern('^[^a]$').test('🔑'));
});

test('a letter behind a backslash is that letter, and no class of JavaScript’s', (t) => {
  for (const letter of ['d', 'p', 'n', 't', 'u', 'x', 'c', 'k']) {
    t.true(posixPattern(`^\\${letter}$`).test(letter), letter);
    t.false(posixPattern(`^\\${letter}$`).test('5'), letter);
  }
});

test('what POSIX does not have, or we do not, is refused', (t) => {
  for (const pattern of [
    ...[
      '[a',
      '[',
      '[[:nothing:]]',
      '[[.a.]]',
      '[[=a=]]',
      'a\\',
      '(a)\\1',
      '(?=a)',
      '(?:a)',
      '(a',
      'a)',
      '*a',
    ],
  ])
    t.throws(() => posixPattern(pattern), { instanceOf: SyntaxError }, pattern);
});
