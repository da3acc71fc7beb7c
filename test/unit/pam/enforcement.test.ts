// What the module makes of the file of enforcement: the texts that scauthd writes, and that whatever is odd counts as
// required. And which device is the console that PAM_TTY names.
import { spawnSync } from 'node:child_process';

import test from 'ava';

import { enforcementText } from '../../../agent/stories/enforcement/enforcement-file.ts';
import { isThatConsole } from '../../../agent/base/process-identity.ts';
import { defaultPolicy, type EnforcementPolicy } from '../../../policy/policy.ts';
import { buildPam, program, SANITIZER_ENVIRONMENT } from './build.ts';

const IN_DOUBT = '1 1 1';
const on = { kind: 'on', sinceMs: 1000_000, by: 'root' } as const;

function read(text: string | Buffer, service = 'sudo', now = 2000): string {
  const run = spawnSync(program('enforcement_table', 'sanitized'), [service, String(now)], {
    input: text,
    encoding: 'utf8',
    env: SANITIZER_ENVIRONMENT,
  });
  return run.stdout.trim() + run.stderr;
}

function text(
  more: Partial<EnforcementPolicy> = {},
  state: Parameters<typeof enforcementText>[0] = on,
): string {
  return enforcementText(state, { ...defaultPolicy, enforcement: { ...defaultPolicy.enforcement, ...more } });
}

test.before(buildPam);

test('S1: the module reads what scauthd writes', (t) => {
  t.is(read(text()), '1 0 0');
  t.is(read(text({ agentAbsent: 'closed', remote: true })), '1 1 1');
  t.is(read(text({}, { kind: 'off' })), '0 0 0');
  t.is(read(text({ services: ['login', 'sudo'] })), '1 0 0');
  t.is(read(text({ services: ['sudo-i', 'login'] })), '0 0 0');
  t.is(read(text({ services: ['login'] }), '-'), '1 0 0', 'a service that cannot be read');
  t.is(read(text({ services: [] })), '0 0 0');
  const many = Array.from({ length: 60 }, (_, n) => `${'s'.repeat(60)}${n}`);
  t.is(read(text({ services: many })), '1 0 0', 'what is too long to be read covers all');
});

test('S1: a trial runs out by the wall clock, also where scauthd has died', (t) => {
  const trial = text({}, { ...on, kind: 'trial', untilMs: 2_800_000 });
  t.is(read(trial, 'sudo', 2799), '1 0 0');
  t.is(read(trial, 'sudo', 2800), '0 0 0');
  t.is(read(trial, 'sudo', 999), '0 0 0', 'before its own beginning');
  t.is(read(trial, 'sudo', -1), '1 0 0', 'no clock');
});

test('S1: any other text is in force and closed', (t) => {
  const whole = text();
  for (let length = 0; length < whole.length; length += 1) t.is(read(whole.slice(0, length)), IN_DOUBT);
  const lines = whole.split('\n');
  for (const wrong of [
    '',
    `${whole}\n`,
    `${whole}more x\n`,
    whole.replace('enforcement 1', 'enforcement 2'),
    whole.replace('state on', 'state On'),
    whole.replace('state on', 'state'),
    whole.replace('since 1000', 'since -1'),
    whole.replace('since 1000', 'since '),
    whole.replace('since 1000', `since ${'9'.repeat(13)}`),
    whole.replace('open', 'opens'),
    whole.replace('remote no', 'remote n'),
    whole.replace('services *', 'service *'),
    whole.replaceAll('\n', '\r\n'),
    whole.replace('services *', 'services \0'),
    [lines[0], lines[2], lines[1], ...lines.slice(3)].join('\n'),
  ])
    t.is(read(wrong), IN_DOUBT, wrong);
  t.is(read(Buffer.alloc(4096, 0xff)), IN_DOUBT);
});

test('S6: module and agent agree which device is the console that PAM_TTY names', (t) => {
  const names = [
    'tty1',
    '/dev/tty1',
    'tty0',
    'tty63',
    'tty64',
    'tty01',
    'tty',
    'tty1x',
    'ttyS0',
    'ttyS191',
    'ttyAMA0',
  ];
  names.push(
    'hvc0',
    'console',
    '/dev/console',
    'pts/1',
    ':0',
    '',
    '/dev//tty1',
    'ttyS1000',
    '/dev/tty1/../pts/1',
  );
  const devices = [
    0, 0x400, 0x401, 0x43f, 0x440, 0x4ff, 0x501, 0x502, 0x8801, 0xcc40, 0xcc3f, 0xe500, 0x100401,
  ];
  const pairs = names.flatMap((name) => devices.map((device) => [name, device] as const));
  const run = spawnSync(
    program('console_table', 'sanitized'),
    pairs.flatMap(([name, device]) => [name, String(device)]),
    { encoding: 'utf8', env: SANITIZER_ENVIRONMENT },
  );
  const said = run.stdout.trim().split('\n');
  t.is(said.length, pairs.length, run.stderr);
  for (const [n, [name, device]] of pairs.entries())
    t.is(said[n] === 'yes', isThatConsole(name, device), `${name} ${device.toString(16)}`);
  const yes = pairs
    .filter((_, n) => said[n] === 'yes')
    .map(([name, device]) => `${name} ${device.toString(16)}`);
  t.true(yes.includes('/dev/tty1 401'));
  t.true(yes.includes('console 440'));
  t.false(yes.includes('tty1 440'));
});
