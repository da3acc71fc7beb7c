// scauth.toml and its drop-ins from real files: defaults, order, trust, and errors that name file, line and key.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'smol-toml';
import * as v from 'valibot';
import { AgentError } from '../../../agent/base/errors.ts';
import { loadPolicy } from '../../../config/parse-settings.ts';
import { nearestWord } from '../../../config/nearest-word.ts';
import type { Setting } from '../../../policy/settings/setting.ts';
import { configSchema, settings } from '../../../policy/settings/settings.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { asNobody, NOBODY, rootTest, temporaryFolder } from '../base/folders.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

/** A configuration folder; names with a slash go below it. */
function configuration(t: ExecutionContext, files: Record<string, string | Buffer>): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'scauth.d'), { mode: 0o755 });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), content, { mode: 0o644 });
  return folder;
}

/** The detail of the refusal. */
function refusal(t: ExecutionContext, folder: string): string {
  const error = t.throws(() => loadPolicy(folder), { instanceOf: AgentError, code: 'config-invalid' });
  return (error as AgentError | undefined)?.detail ?? '';
}

test.serial('no folder, no file, empty file: the defaults, frozen', (t) => {
  const folder = configuration(t, {});
  t.deepEqual(loadPolicy(folder), defaultPolicy);
  t.deepEqual(loadPolicy(join(folder, 'absent')), defaultPolicy);
  writeFileSync(join(folder, 'scauth.toml'), '# nothing\n');
  const policy = loadPolicy(folder);
  t.deepEqual(policy, defaultPolicy);
  t.true(Object.isFrozen(policy) && Object.isFrozen(policy.login.services));
});

test.serial('each key reaches the policy', (t) => {
  const folder = configuration(t, {
    'scauth.toml':
      '[login]\ncards_allowed = false\nservices = ["sudo", "polkit-1"]\nremote = true\ntry_reserve = 2\npin_attempts = 3\nprompt_only_services = ["slock"]\n[pairing]\nusers_may_pair = false\n[reader]\ncontactless = true\npinpad_deny = ["08e6:34c0", "Acme"]\n[audit]\nno_record_no_grant = false\n',
  });
  t.deepEqual(
    loadPolicy(folder),
    policyWith({
      login: {
        cardsAllowed: false,
        services: ['sudo', 'polkit-1'],
        remote: true,
        tryReserve: 2,
        pinAttempts: 3,
        promptOnlyServices: ['slock'],
      },
      pairing: { usersMayPair: false },
      audit: { noRecordNoGrant: false },
      reader: { contactless: true, pinpadDeny: ['08e6:34c0', 'Acme'] },
    }),
  );
});

test.serial('drop-ins replace single keys, in the order of their names; other files are left alone', (t) => {
  const folder = configuration(t, {
    'scauth.toml': '[login]\ntry_reserve = 2\npin_attempts = 2\nremote = true\n',
    'scauth.d/20-b.toml': '[login]\npin_attempts = 3\n',
    'scauth.d/10-a.toml': '[login]\npin_attempts = 1\nservices = []\n[pairing]\nusers_may_pair = false\n',
    'scauth.d/.hidden.toml': 'nonsense',
    'scauth.d/30-c.toml~': 'nonsense',
    'scauth.d/README': 'nonsense',
  });
  t.deepEqual(
    loadPolicy(folder),
    policyWith({
      login: { tryReserve: 2, remote: true, pinAttempts: 3, services: [] },
      pairing: { usersMayPair: false },
    }),
  );
});

test.serial('one bad drop-in refuses the whole', (t) => {
  const folder = configuration(t, {
    'scauth.d/10-a.toml': '[login]\nremote = true\n',
    'scauth.d/20-b.toml': '[login',
  });
  t.true(refusal(t, folder).startsWith(`${folder}/scauth.d/20-b.toml:1: `));
});

const mistakes: readonly (readonly [name: string, text: string, place: string, says: RegExp])[] = [
  [
    'a key that is nearly right',
    '[login]\n\ntry_reserv = 1\n',
    ':3',
    /login\.try_reserv is not a setting; did you mean try_reserve\?/,
  ],
  [
    'a key that is nothing',
    '[login]\nzzzzzzzzzz = 1\n',
    ':2',
    /login\.zzzzzzzzzz is not a setting; known: cards_allowed, /,
  ],
  [
    'a table that is nearly right',
    '[logn]\nremote = true\n',
    ':1',
    /logn is not a setting; did you mean login\?/,
  ],
  ['a table that is nothing', '# x\n[network]\n', ':2', /network is not a setting; known: login, pairing/],
  ['a key outside its table', 'remote = true\n', ':1', /remote is not a setting/],
  [
    'proof of possession cannot be named, so not turned off',
    '[login]\nverify_signature = false\n',
    ':2',
    /is not a setting/,
  ],
  ['text for a switch', '[login]\nremote = "yes"\n', ':2', /login\.remote must be true or false/],
  ['a number for a switch', '[login]\nremote = 0\n', ':2', /login\.remote must be true or false/],
  ['text for a number', '[login]\ntry_reserve = "1"\n', ':2', /login\.try_reserve must be a number/],
  ['a fraction', '[login]\ntry_reserve = 0.5\n', ':2', /login\.try_reserve must be a whole number/],
  ['not a number', '[login]\ntry_reserve = nan\n', ':2', /login\.try_reserve must be/],
  ['too many', '[login]\npin_attempts = 4\n', ':2', /login\.pin_attempts must be at most 3/],
  ['too few', '[login]\npin_attempts = 0\n', ':2', /login\.pin_attempts must be at least 1/],
  ['negative', '[login]\ntry_reserve = -1\n', ':2', /login\.try_reserve must be at least 0/],
  ['one service not in a list', '[login]\nservices = "sudo"\n', ':2', /login\.services must be a list/],
  ['a number among the services', '[login]\nservices = ["sudo", 1]\n', ':2', /must be text/],
  ['a path as service', '[login]\nservices = ["../sudo"]\n', ':2', /must be a PAM service name/],
  ['a star among others', '[login]\nservices = ["*", "sudo"]\n', ':2', /"\*" stands alone/],
  ['a value for a table', 'login = 3\n', ':1', /login/],
  ['a list of tables', '[[login]]\nremote = true\n', '', /login/],
  ['the same key twice', '[login]\nremote = true\nremote = false\n', ':3', /./],
  ['the same table twice', '[login]\n[pairing]\n[login]\n', ':3', /./],
  ['an open string', '[login]\nservices = ["sudo]\n', ':2', /./],
  ['not TOML', 'remote: true\n', ':1', /./],
  ['__proto__ as a key', '[login]\n__proto__ = 1\n', ':2', /__proto__ is not a setting/],
  ['__proto__ as a table', '[__proto__]\nremote = true\n', ':1', /__proto__ is not a setting/],
  ['constructor as a table', '[constructor]\nprototype = 1\n', ':1', /constructor is not a setting/],
];

for (const [name, text, place, says] of mistakes) {
  test.serial(`an error names file, line and key: ${name}`, (t) => {
    const folder = configuration(t, { 'scauth.toml': text });
    const detail = refusal(t, folder);
    t.true(detail.startsWith(`${folder}/scauth.toml${place}: `), detail);
    t.regex(detail, says);
  });
}

test.serial('bytes that are no UTF-8, and a file above the cap', (t) => {
  const folder = configuration(t, { 'scauth.toml': Buffer.from('[login] # J\xfcrgen\n', 'latin1') });
  t.is(refusal(t, folder), `${folder}/scauth.toml: is not UTF-8`);
  writeFileSync(join(folder, 'scauth.toml'), '#'.repeat(256 * 1024 + 1));
  t.regex(refusal(t, folder), /scauth\.toml is longer than 262144 bytes/);
  writeFileSync(join(folder, 'scauth.toml'), '#'.repeat(256 * 1024));
  t.notThrows(() => loadPolicy(folder));
});

for (const name of ['scauth.toml', 'scauth.d/10-a.toml']) {
  test.serial(`L15: ${name} as link, FIFO, folder, hard link or writable by others is refused`, (t) => {
    const folder = configuration(t, { good: '[login]\nremote = true\n' });
    const good = join(folder, 'good');
    const file = join(folder, name);
    const put = (make: () => void, says: RegExp): void => {
      make();
      t.regex(refusal(t, folder), says);
      execFileSync('rm', ['-r', file]);
    };
    put(() => {
      symlinkSync(good, file);
    }, /is a symbolic link/);
    put(() => {
      symlinkSync(join(folder, 'nowhere'), file);
    }, /is a symbolic link/);
    put(() => {
      execFileSync('mkfifo', [file]);
    }, /is not a regular file/);
    put(() => {
      mkdirSync(file);
    }, /is not a regular file/);
    put(() => {
      linkSync(good, file);
    }, /more than one name/);
    put(() => {
      writeFileSync(file, '');
      chmodSync(file, 0o664);
    }, /written by others/);
    put(() => {
      writeFileSync(file, '');
      chmodSync(file, 0o666);
    }, /can be written by others \(chmod go-w\)/);
    renameSync(good, file);
    t.true(loadPolicy(folder).login.remote);
  });
}

rootTest("L15: another user's file is refused", (t) => {
  const folder = configuration(t, { 'scauth.toml': '' });
  chownSync(join(folder, 'scauth.toml'), NOBODY, NOBODY);
  t.regex(refusal(t, folder), /owned by uid 65534/);
});

rootTest('L16: a file or folder that may not be read is an error, not "no file"', (t) => {
  const folder = configuration(t, { 'scauth.toml': '' });
  chmodSync(join(folder, 'scauth.toml'), 0o600);
  asNobody(() => t.regex(refusal(t, folder), /EACCES|permission denied/));
  chmodSync(join(folder, 'scauth.toml'), 0o644);
  chmodSync(join(folder, 'scauth.d'), 0o700);
  asNobody(() => t.regex(refusal(t, folder), /scauth\.d cannot be read/));
});

test.serial('L16: a file where the folder of drop-ins should be is an error', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'scauth.d'), '');
  t.regex(refusal(t, folder), /scauth\.d must be a folder/);
});

test.serial(`L15: a folder that others can write is refused, the drop-ins and the whole`, (t) => {
  for (const name of ['scauth.d', '.']) {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, name), { recursive: true });
    chmodSync(join(folder, name), 0o775);
    t.regex(refusal(t, folder), /must be a folder that only root can write/);
  }
});

test('the defaults of the table of settings are valid and are the policy', (t) => {
  for (const [table, keys] of Object.entries(settings)) {
    for (const [key, setting] of Object.entries<Setting>(keys)) {
      t.true(v.is(setting.schema, setting.default), `${table}.${key}`);
      t.true(setting.meaning.length > 20 && setting.meaning.endsWith('.'));
    }
  }
  t.deepEqual(v.parse(configSchema, parse('')), v.parse(configSchema, { login: {}, pairing: {}, trust: {} }));
});

test('the nearest word', (t) => {
  const known = ['cards_allowed', 'services', 'remote'];
  t.is(nearestWord('service', known), 'services');
  t.is(nearestWord('cards-allowed', known), 'cards_allowed');
  t.is(nearestWord('remte', known), 'remote');
  t.is(nearestWord('zzzzzz', known), null);
  t.is(nearestWord('x'.repeat(1_000_000), known), null);
  t.is(nearestWord('x', []), null);
});
