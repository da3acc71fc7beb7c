// SCAUTH_DEBUG: which words it knows, and that what is told of an APDU is its header and length, never what follows.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { commandWords, parseDebug, responseWords } from '../../../agent/base/debug.ts';

const root = join(import.meta.dirname, '../../..');
const SCRIPT = `import { debug } from './agent/base/debug.ts'; debug('pcsc', () => 'one\\x1b[31m'); debug('login', () => 'two');`;

test('categories are named, several by commas, all by all', (t) => {
  t.deepEqual([...parseDebug(undefined).wanted], []);
  t.deepEqual([...parseDebug('login, pcsc').wanted], ['pcsc', 'login']);
  t.deepEqual([...parseDebug('all').wanted], ['pcsc', 'token', 'login', 'socket', 'policy']);
  t.deepEqual(parseDebug('pcsc,pscs,').unknown, ['pscs']);
});

test('an APDU is told by its header and length alone', (t) => {
  const verify = Buffer.from('0020008008313233343536ffff', 'hex');
  t.is(commandWords(verify), '00200080 (13 bytes)');
  t.is(responseWords(Buffer.from('aabb9000', 'hex')), '9000 (4 bytes)');
  t.is(responseWords(Buffer.alloc(0)), ' (0 bytes)');
});

test('only what is wanted is told, without control characters; an unknown word is said', (t) => {
  const tell = (value: string): string =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, SCAUTH_DEBUG: value },
    }).stderr;
  t.is(tell('pcsc'), 'debug pcsc: one?[31m\n');
  t.is(tell(''), '');
  t.regex(tell('pin'), /^SCAUTH_DEBUG: unknown: pin \(known: pcsc, token, login, socket, policy, all\)\n$/);
});
