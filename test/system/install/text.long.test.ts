// What the package is made of besides programs, judged by the programs that read it: units, AppArmor profile, man
// pages, completions, the sample settings. Slow things (a real installation) are in test/package.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test from 'ava';
import { loadPolicy } from '../../../config/parse-settings.ts';
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

for (const name of ['scauthd', 'scauth-fleet'])
  test(`${name}.service is exposed at most 2.0`, (t) => {
    const unit = join(root, `install/systemd/${name}.service`);
    const argv = ['security', '--offline=true', '--no-pager', '--threshold=20', unit];
    const { status, stdout, stderr } = spawnSync('systemd-analyze', argv, { encoding: 'utf8' });
    t.is(status, 0, `${stdout}${stderr}`);
    t.regex(stdout, /Overall exposure level for scauth\S+\.service: ([01]\.\d|2\.0)/);
  });

test('scauth-fleet.service has a network, one folder and nothing of scauthd', (t) => {
  const unit = readFileSync(join(root, 'install/systemd/scauth-fleet.service'), 'utf8');
  for (const line of [
    'User=scauth-fleet',
    'CapabilityBoundingSet=',
    'PrivateDevices=yes',
    'ProtectSystem=strict',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
    'InaccessiblePaths=-/var/lib/scauth -/var/log/scauth -/run/pcscd',
    'StateDirectory=scauth-fleet',
  ])
    t.true(unit.split('\n').includes(line), line);
  t.notRegex(unit, /^(ReadWritePaths|RuntimeDirectory|AmbientCapabilities)=./m);
  // scauthd reads the book without the right to pass over modes, and has no network itself.
  t.regex(unit, /^StateDirectoryMode=0755$/m);
  const daemon = readFileSync(join(root, 'install/systemd/scauthd.service'), 'utf8');
  t.regex(daemon, /^PrivateNetwork=yes$/m);
  t.regex(
    readFileSync(join(root, 'install/apparmor/scauthd'), 'utf8'),
    /^ {2}\/var\/lib\/scauth-fleet\/\{,book\} r,$/m,
  );
  const allowed = systemCalls(unit);
  for (const call of ['socket', 'connect', 'inotify_add_watch', 'fsync', 'rename', 'epoll_wait', 'execve'])
    t.true(allowed.has(call), call);
  for (const call of ['setuid', 'mount', 'ptrace', 'chroot', 'keyctl']) t.false(allowed.has(call), call);
});

test('systemd takes the units without a word', (t) => {
  for (const [manager, ...names] of [
    ['--system', 'scauthd.service', 'scauth-fleet.service'],
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
  // U: `systemctl reload scauthd`, which the documents name.
  t.regex(unit, /^ExecReload=\+\/bin\/kill -HUP \$MAINPID$/m);
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

test('apparmor_parser reads the profiles', (t) => {
  for (const name of ['scauthd', 'scauth-fleet']) {
    const argv = ['-Q', join(root, 'install/apparmor', name)];
    const { status, stderr } = spawnSync('apparmor_parser', argv, { encoding: 'utf8' });
    t.is(status, 0, stderr);
  }
});

test('mandoc finds nothing wrong with the man pages', async (t) => {
  const pages = await writeManPages(root);
  const names = pages.map(({ name, section }) => `${name}.${section}`);
  for (const name of [
    'sc_auth.1',
    'scauth.toml.5',
    'scauthd.8',
    'pam_scauth.8',
    'scauth-pam.8',
    'scauth-fleet.8',
  ])
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
  const commands = readCommands(root);
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
    { term: '-v, --verbose', flags: ['-v', '--verbose'], value: null, meaning: 'says more' },
    { term: '--of FILE', flags: ['--of'], value: 'FILE', meaning: 'reads' },
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

/** A folder with a sc_auth that has a card in and a pairing. */
function withCard(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const said = `case $1 in
    list) echo 'Hash: ${HASH}' ;;
    list-smartcards) printf 'org.scauth.piv:1234\norg.scauth.piv:$(touch ${bin}/ran)\n' ;;
    drivers) echo '     org.scauth.piv(1.0)' ;;
  esac`;
  writeFileSync(join(bin, 'sc_auth'), `#!/bin/sh\n${said}\n`, { mode: 0o755 });
  return bin;
}

const HASH = '0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8';

/** What each is completed to, at least; the last word is the one that is typed. */
const COMPLETED: readonly (readonly [line: string, to: readonly string[]])[] = [
  ['sc_auth pa', ['pair', 'pairing_ui']],
  ['sc_auth help pai', ['pair', 'pairing_ui']],
  ['sc_auth audit se', ['search']],
  ['sc_auth enforce ex', ['exempt']],
  ['sc_auth enforce exempt roo', ['root']],
  ['sc_auth keyring ', ['status', 'enable', 'disable']],
  ['sc_auth pair --pi', ['--pin-fd']],
  ['sc_auth pair -u roo', ['root']],
  ['sc_auth pair --keyring ', ['yes', 'no']],
  ['sc_auth unpair -h 0B', [HASH]],
  ['sc_auth explain -s sud', ['sudo']],
  ['sc_auth pairing_ui -s ena', ['enable']],
  ['sc_auth audit search --outcome gr', ['granted']],
  ['sc_auth audit search --kind pin-b', ['pin-blocked']],
  ['sc_auth enable-for-login org', ['org.scauth.piv']],
  ['sc_auth config check --folder /et', ['/etc']],
];

test('U: bash, zsh and fish complete second words and values, and run nothing that a card is called', async (t) => {
  const bin = withCard();
  for (const { path, text } of await writeCompletions(root))
    writeFileSync(join(folder, basename(path)), text);
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, TERM: 'dumb' };
  const run = (shell: string, ...args: string[]): string[] =>
    execFileSync(shell, args, { env, encoding: 'utf8', timeout: 60_000 }).trim().split(/\s*\n/);
  const fish = (line: string): string[] =>
    run(
      ...(['fish', '--no-config', '-c'] as const),
      `source ${folder}/sc_auth.fish; complete -C ${JSON.stringify(line)}`,
    ).map((found) => found.replace(/\t.*/, '').replace(/\/$/, ''));
  const bash = (line: string): string[] => {
    const cut = `${folder}/sc_auth; COMP_WORDBREAKS=$' \t\n:' COMP_WORDS=(${line.replaceAll(':', ' : ')}${line.endsWith(' ') ? "''" : ''})`;
    return run(
      'bash',
      '-c',
      `. ${cut}; COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _sc_auth; printf '%s\n' "\${COMPREPLY[@]}"`,
    );
  };
  for (const [line, to] of COMPLETED)
    for (const [shell, found] of [
      ['bash', bash(line)],
      ['fish', fish(line)],
    ] as const)
      t.deepEqual(
        to.filter((word) => !found.includes(word)),
        [],
        `${shell}: ${line}: ${found.join(' ')}`,
      );
  t.true(bash('sc_auth pair -t org.scauth.piv:12').length <= 1);
  t.deepEqual(bash('sc_auth verifypin -t org.scauth.piv:12'), ['1234']);
  t.true(fish('sc_auth verifypin -t org').includes('org.scauth.piv:1234'));
  t.false(existsSync(join(bin, 'ran')));
  // zsh: on a terminal of its own (zpty), as somebody who presses Tab.
  const zsh = join(folder, 'tab.zsh');
  writeFileSync(zsh, TAB);
  for (const [line, to] of COMPLETED.filter(([, words]) => words.length === 1)) {
    const found = run('zsh', '-f', zsh, folder, line).join('\n');
    t.true(found.includes(to[0] ?? ''), `zsh: ${line}: ${found}`);
  }
  t.false(existsSync(join(bin, 'ran')));
});

/** Completes a line in an interactive zsh and prints the line as it then stands. */
const TAB = `zmodload zsh/zpty
zpty z zsh -fi
zpty -w z "PS1= RPS1=; fpath=($1 \\$fpath); autoload -U compinit; compinit -u -d $1/zcompdump; show() { print -r -- \\"<<\\$BUFFER>>\\"; BUFFER=; zle accept-line }; zle -N show; bindkey '^X' show; bindkey '^I' complete-word; print ready-\\$((1))"
zpty -r -m z line '*ready-1*'
zpty -w -n z "$2"$'\\t\\x18'
zpty -r -m z line '*<<*>>*'
print -r -- \${\${line##*<<}%%>>*}
zpty -d z
`;

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
