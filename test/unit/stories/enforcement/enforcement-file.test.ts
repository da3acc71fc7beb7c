// The file that the PAM module goes by while scauthd does not answer: its text, and that it is there whole or not at all.

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  enforcementText,
  writeEnforcementFile,
} from '../../../../agent/stories/enforcement/enforcement-file.ts';
import { defaultPolicy, type Policy } from '../../../../policy/policy.ts';
import { coveredServices } from '../../../../policy/permit-without-card.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';

const { enforcement } = defaultPolicy;
const on = { kind: 'on', sinceMs: 1_790_000_000_999, by: 'root' } as const;

test('S1: the text says the state, its end, and what a scauthd that is gone means', (t) => {
  t.is(
    enforcementText(on, defaultPolicy),
    'scauth-enforcement 1\nstate on\nsince 1790000000\nuntil 0\nagent_absent open\nremote no\nservices *\n',
  );
  const strict: Policy = {
    ...defaultPolicy,
    enforcement: { ...enforcement, agentAbsent: 'closed', remote: true, services: ['sudo', 'login'] },
  };
  const trial = { ...on, kind: 'trial', untilMs: 1_790_001_800_001 } as const;
  t.is(
    enforcementText(trial, strict),
    'scauth-enforcement 1\nstate trial\nsince 1790000000\nuntil 1790001801\nagent_absent closed\nremote yes\nservices sudo login\n',
  );
  t.regex(enforcementText({ kind: 'off' }, defaultPolicy), /^state off\nsince 0\nuntil 0$/m);
});

test('a list of services that the module would not read whole says all', (t) => {
  const services = Array.from({ length: 60 }, (_, n) => `${'s'.repeat(60)}${n}`);
  const text = enforcementText(on, { ...defaultPolicy, enforcement: { ...enforcement, services } });
  t.regex(text, /^services \*$/m);
});

test('covered are the services in which a card may be used and is required', (t) => {
  const covered = (login: string[], enforced: string[], cardsAllowed = true): readonly string[] =>
    coveredServices(
      policyWith({
        login: { cardsAllowed, services: login },
        enforcement: { ...enforcement, services: enforced },
      }),
    );
  t.deepEqual(covered(['*'], ['*']), ['*']);
  t.deepEqual(covered(['*'], ['sudo']), ['sudo']);
  t.deepEqual(covered(['sudo', 'su'], ['*']), ['sudo', 'su']);
  t.deepEqual(covered(['sudo', 'su'], ['login', 'su']), ['su']);
  t.deepEqual(covered([], ['*']), []);
  t.deepEqual(covered(['*'], ['*'], false), []);
});

test('it is written whole, for everybody to read, whatever lies there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-enforcement-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'enforcement');
  symlinkSync('/etc/passwd', path);
  writeFileSync(`${path}.new`, 'left by one that died');
  const umask = process.umask(0o077);
  try {
    writeEnforcementFile(path, 'text\n');
  } finally {
    process.umask(umask);
  }
  t.is(readFileSync(path, 'utf8'), 'text\n');
  t.is(statSync(path).mode & 0o7777, 0o644);
  t.deepEqual(readdirSync(folder), ['enforcement']);
  t.throws(
    () => {
      writeEnforcementFile(join(folder, 'not-there', 'enforcement'), 'text\n');
    },
    { code: 'internal' },
  );
});
