// The C code of the frames against the shared vectors, and against what grows out of them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import test from 'ava';

import { buildPam, program, SANITIZER_ENVIRONMENT, vectorFiles } from './build.ts';

function vectorCount(file: string): number {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')).length;
}

test.before(buildPam);

for (const file of vectorFiles()) {
  test(`L13: the vectors of ${basename(file)} hold in C`, (t) => {
    const run = spawnSync(program('vectors', 'sanitized'), [file], {
      encoding: 'utf8',
      env: SANITIZER_ENVIRONMENT,
    });
    t.is(run.stdout, `${file} ${vectorCount(file)}\n`, run.stderr);
    t.is(run.status, 0, run.stderr);
    t.true(vectorCount(file) > 30);
  });
}

test('the vectors cover all frames of this socket', (t) => {
  const names = vectorFiles().map((file) => basename(file, '.tsv'));
  t.deepEqual(names, [
    'answer',
    'ask',
    'begin',
    'happened',
    'hold',
    'measure',
    'measured',
    'recall',
    'skip',
    'take',
    'tell',
    'token',
    'verdict',
    'wait',
  ]);
});

test('a vector that does not hold is found', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-vectors-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const wrong = join(folder, 'wrong.tsv');
  const lines = [
    ['taken-as-valid', 'valid', 'agent', '5343010500000000', '{"type":"wait"}'],
    ['taken-as-invalid', 'invalid', 'agent', '5343010400000000', '-'],
    ['another-text', 'valid', 'agent', '534301030000000400000161', '{"type":"tell","kind":0,"text":"b"}'],
    [
      'another-secret',
      'valid',
      'relay',
      '534301050000000400000131',
      '{"type":"answer","status":0,"secret":"32"}',
    ],
  ];
  writeFileSync(wrong, lines.map((line) => line.join('\t') + '\n').join(''));
  const run = spawnSync(program('vectors', 'sanitized'), [wrong], {
    encoding: 'utf8',
    env: SANITIZER_ENVIRONMENT,
  });
  for (const [name = ''] of lines) t.regex(run.stdout, new RegExp(`FAILED ${name}`));
  t.is(run.status, 1);
});

test('L13: two million mutated frames break no rule and no memory', (t) => {
  const output = execFileSync(
    program('fuzz_frames', 'sanitized'),
    ['2000000', '20240607', ...vectorFiles()],
    {
      encoding: 'utf8',
      env: SANITIZER_ENVIRONMENT,
    },
  );
  const [, seeds = '0', rounds, accepted = '0'] =
    /seeds=(\d+) rounds=(\d+) accepted=(\d+)/.exec(output) ?? [];
  t.is(rounds, '2000000');
  t.true(Number(seeds) > 500);
  t.true(Number(accepted) > 10000, 'the mutants reach the body');
});
