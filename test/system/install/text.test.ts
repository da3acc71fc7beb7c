// What the package is made of besides programs, judged by the programs that read it: units, AppArmor profile, man
// pages, completions, the sample settings. Slow things (a real installation) are in test/package.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test from 'ava';
import { loadPolicy } from '../../../config/load.ts';
import { parseHelp, readCommands } from '../../../install/man/command-help.ts';
import { writeCompletions } from '../../../install/man/completions.ts';
import { writeManPages } from '../../../install/man/pages.ts';
import { sampleToml, settingLines } from '../../../install/man/settings-text.ts';
import { launchersOf } from '../../../install/package/entries.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { systemCalls } from './unit.ts';

const root = join(import.meta.dirname, '../../..');
let folder: string;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'scauth-install-'));
});
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('scauthd.service is exposed at most 2.0', (t) => {
  const unit = join(root, 'install/systemd/scauthd.service');
  const argv = ['security', '--offline=true', '--no-pager', '--threshold=20', unit];
  const { status, stdout, stderr } = spawnSync('systemd-analyze', argv, { encoding: 'utf8' });
  t.is(status, 0, `${stdout}${stderr}`);
  t.regex(stdout, /Overall exposure level for scauthd\.service: ([01]\.\d|2\.0)/);
});

test('systemd takes the units without a word', (t) => {
  for (const [manager, ...names] of [
    ['--system', 'scauthd.service'],
    ['--user', 'scauth-session.service', 'scauth-session.path'],
  ] as const) {
    const files = names.map((name) => {
      const text = readFileSync(join(root, 'install/systemd', name), 'utf8');
      // It looks whether the program is there, and nothing is installed here.
      const file = join(folder, name);
      writeFileSync(file, text.replace(/^(Exec\w+=)\/usr\/s?bin\/scauth\S*/gm, '$1/bin/true'));
      return file;
    });
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', manager, ...files], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: folder },
    });
    t.is(status, 0, stderr);
    t.is(stderr, '');
  }
});

test('the unit lets scauthd have what it needs', (t) => {
  const unit = readFileSync(join(root, 'install/systemd/scauthd.service'), 'utf8');
  // Locked memory for the secret block, sockets, and the compiler of V8.
  t.regex(unit, /^LimitMEMLOCK=[1-9]/m);
  t.regex(unit, /^RestrictAddressFamilies=AF_UNIX AF_NETLINK$/m);
  t.notRegex(unit, /^MemoryDenyWriteExecute=(yes|true)/m);
  const allowed = systemCalls(unit);
  for (const call of [
    'mlock',
    'madvise',
    'prctl',
    'setrlimit',
    'prlimit64',
    'setresuid',
    'setgroups',
    'clone3',
    'execve',
  ])
    t.true(allowed.has(call), call);
  for (const call of ['mount', 'ptrace', 'init_module', 'reboot', 'swapon']) t.false(allowed.has(call), call);
});

test('systemd finds nothing wrong with the units of a user’s session', (t) => {
  const files = ['scauth-session.path', 'scauth-session.service'].map((name) => {
    const text = readFileSync(join(root, 'install/systemd', name), 'utf8');
    const file = join(folder, name);
    // Where it is before it is installed.
    writeFileSync(file, text.replace('/usr/bin/', `${root}/install/bin/`));
    return file;
  });
  const argv = ['--user', '--man=no', '--no-pager', 'verify', ...files];
  const env = { ...process.env, XDG_RUNTIME_DIR: folder };
  const { status, stderr } = spawnSync('systemd-analyze', argv, { encoding: 'utf8', env });
  t.is(stderr, '');
  t.is(status, 0);
});

test('the profile and the unit let scauthd tell logind, and let others see that a card has come', (t) => {
  const profile = readFileSync(join(root, 'install/apparmor/scauthd'), 'utf8');
  // LockSession and TerminateSession are calls to logind like those that ask for a session; it takes them from uid 0
  // whatever its capabilities are (sd_bus_query_sender_privilege: dbus-daemon does not tell them).
  t.regex(profile, /^ {2}@\{run\}\/dbus\/system_bus_socket rw,$/m);
  t.regex(
    profile,
    /^ {2}dbus \(send\) bus=system path=\/org\/freedesktop\/login1\{,\/\*\*\} peer=\(name=org\.freedesktop\.login1\),$/m,
  );
  t.regex(profile, /^ {2}owner @\{run\}\/scauth\/\{,\*\*\} rwk,$/m);
  const unit = readFileSync(join(root, 'install/systemd/scauthd.service'), 'utf8');
  t.regex(unit, /^RuntimeDirectoryMode=0755$/m);
  t.true(systemCalls(unit).has('fchmod'));
});

test('apparmor_parser reads the profile', (t) => {
  const { status, stderr } = spawnSync('apparmor_parser', ['-Q', join(root, 'install/apparmor/scauthd')], {
    encoding: 'utf8',
  });
  t.is(status, 0, stderr);
});

test('mandoc finds nothing wrong with the man pages', async (t) => {
  const pages = await writeManPages(root);
  const names = pages.map(({ name, section }) => `${name}.${section}`);
  for (const name of ['sc_auth.1', 'scauth.toml.5', 'scauthd.8', 'pam_scauth.8', 'scauth-pam.8'])
    t.true(names.includes(name));
  for (const { name, section, text } of pages) {
    const file = join(folder, `${name}.${section}`);
    writeFileSync(file, text);
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', file], { encoding: 'utf8' });
    t.is(stdout, '', name);
  }
});

test('the pages have every command with its options, and every setting', async (t) => {
  const pages = await writeManPages(root);
  const textOf = (name: string): string => pages.find((page) => page.name === name)?.text ?? '';
  const { commands } = readCommands(root);
  t.true(commands.length >= 7);
  for (const { name, options, synopsis } of commands) {
    t.true(textOf('sc_auth').includes(`.Ss sc_auth ${name.replaceAll('-', '\\-')}:`), name);
    t.true(options.length > 0 && synopsis.length > 0, name);
  }
  for (const { key } of settingLines()) t.true(textOf('scauth.toml').includes(`.It Sy ${key}`), key);
});

test('a --help text is read in its parts', (t) => {
  const help = parseHelp(
    'x',
    'does x',
    'sc_auth x [-v]\n  [--long]\n\nDoes x.\n\n  -v, --verbose   says\n                  more\n  --of FILE       reads\n\nExample:\n  sc_auth x\n',
  );
  t.deepEqual(help.synopsis, ['sc_auth x [-v] [--long]']);
  t.deepEqual(help.options, [
    { term: '-v, --verbose', flags: ['-v', '--verbose'], takesValue: false, meaning: 'says more' },
    { term: '--of FILE', flags: ['--of'], takesValue: true, meaning: 'reads' },
  ]);
  t.deepEqual(help.paragraphs, [['Does x.'], ['Example:', '  sc_auth x']]);
});

test('bash, zsh and fish read their completions, and bash completes', async (t) => {
  for (const { path, text } of await writeCompletions(root)) {
    const shell = /bash|zsh|fish/.exec(path)?.[0] ?? '';
    const file = join(folder, `completion.${shell}`);
    writeFileSync(file, text);
    const { status, stderr } = spawnSync(shell, ['-n', file], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: folder },
    });
    t.is(status, 0, `${shell}: ${stderr}`);
  }
  const script = `. ${join(folder, 'completion.bash')}
    COMP_WORDS=(sc_auth pa) COMP_CWORD=1; _sc_auth; echo "\${COMPREPLY[*]}"
    COMP_WORDS=(sc_auth pair --pin) COMP_CWORD=2; _sc_auth; echo "\${COMPREPLY[*]}"
    COMP_WORDS=(sc_auth pair -u roo) COMP_CWORD=3; _sc_auth; echo "\${COMPREPLY[*]}"`;
  const said = execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n');
  t.regex(said[0] ?? '', /\bpair\b.*\bpairing_ui\b/);
  t.is(said[1], '--pin-fd');
  t.is(said[2], 'root');
});

test('zsh and fish complete', async (t) => {
  const files = await writeCompletions(root);
  for (const { path, text } of files) writeFileSync(join(folder, basename(path)), text);
  const env = { PATH: '/usr/bin:/bin', HOME: folder, TERM: 'dumb' };
  const fish = (line: string): string =>
    execFileSync(
      'fish',
      ['--no-config', '-c', `source ${folder}/sc_auth.fish; complete -C ${JSON.stringify(line)}`],
      {
        env,
        encoding: 'utf8',
      },
    );
  t.regex(fish('sc_auth pa'), /^pair\t.+\npairing_ui\t/);
  t.regex(fish('sc_auth pair --pi'), /^--pin-fd\t/);
  t.regex(fish('sc_auth pair -u roo'), /^root\t/);
  // zsh: what the function hands to zsh's own completion, which is played here.
  const zsh = (...words: string[]): string =>
    execFileSync(
      'zsh',
      [
        '-fc',
        '_describe() { print -rl -- ${(P)2} }; _arguments() { print -rl -- "$@" }; f=$1; shift; words=("$@"); CURRENT=$#; . $f',
        'zsh',
        join(folder, '_sc_auth'),
        ...words,
      ],
      { env, encoding: 'utf8', timeout: 60_000 },
    );
  t.regex(zsh('sc_auth', 'pa'), /^pair:[^]*^pairing_ui:/m);
  t.regex(zsh('sc_auth', 'pair', '-'), /^--pin-fd\[.+\]:value:/m);
  t.regex(zsh('sc_auth', 'pair', '-'), /:value:_users$/m);
});

test('the sample settings are valid and mean the defaults, with and without their comment signs', (t) => {
  const file = join(folder, 'scauth.toml');
  writeFileSync(file, sampleToml(), { mode: 0o600 });
  t.deepEqual(loadPolicy(folder), defaultPolicy);
  writeFileSync(file, sampleToml().replace(/^#(\w+ = )/gm, '$1'), { mode: 0o600 });
  t.deepEqual(loadPolicy(folder), defaultPolicy);
  rmSync(file);
});

test('each launcher starts a program, and the scripts are good shell', (t) => {
  t.deepEqual(
    launchersOf(root)
      .map(({ name }) => name)
      .filter((name) => ['sc_auth', 'scauthd'].includes(name)),
    ['sc_auth', 'scauthd'],
  );
  const scripts = [
    'undo',
    'pam/scauth-pam',
    'authselect/make-profile',
    'tarball/install.sh',
    'tarball/uninstall.sh',
  ];
  const maintainer = ['config', 'postinst', 'prerm', 'postrm'].map((name) => `package/debian/${name}`);
  for (const script of [...scripts, ...maintainer]) {
    const { status, stderr } = spawnSync('dash', ['-n', join(root, 'install', script)], { encoding: 'utf8' });
    t.is(status, 0, `${script}: ${stderr}`);
  }
});
