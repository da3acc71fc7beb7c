// What hardenProcess says it did, the kernel says too. In a child: it cannot be undone.

import { execFileSync } from 'node:child_process';
import test from 'ava';

const child = `
  import { readFileSync } from 'node:fs';
  import koffi from 'koffi';
  import { hardenProcess } from './agent/daemon/harden.ts';
  import { secretBlock } from './agent/base/secret.ts';
  const failed = hardenProcess();
  const middle = koffi.address(secretBlock()) + BigInt(secretBlock().length / 2);
  const dumpable = koffi.load('libc.so.6').func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')(3, 0, 0, 0, 0);
  let flags = '', inside = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    if (range) inside = middle >= BigInt('0x' + range[1]) && middle < BigInt('0x' + range[2]);
    if (inside && line.startsWith('VmFlags:')) flags = line;
  }
  const core = /Max core file size +(\\d+|unlimited) +(\\d+|unlimited)/.exec(readFileSync('/proc/self/limits', 'utf8')).slice(1);
  console.log(JSON.stringify({ failed, dumpable, flags, core }));
`;

test('no core dump, not dumpable, secrets locked and left out of dumps', (t) => {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', child], {
    cwd: `${import.meta.dirname}/../../..`,
    encoding: 'utf8',
  });
  const { failed, dumpable, flags, core } = JSON.parse(output) as {
    failed: string[];
    dumpable: number;
    flags: string;
    core: string[];
  };
  t.is(dumpable, 0);
  t.deepEqual(core, ['0', '0']);
  t.regex(flags, / dd( |$)/);
  // Locked memory has a limit that a container may set below the block: then it must be named.
  t.is(/ lo( |$)/.test(flags), !failed.includes('secrets not in swap (mlock)'));
  t.deepEqual(
    failed.filter((name) => !name.includes('mlock')),
    [],
  );
});
