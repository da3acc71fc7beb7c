// Forwarding, read back by the real receivers: systemd's journal by journalctl, rsyslog's file, ausearch. Whatever text
// comes, it begins no field and no line; and a receiver that is gone or full holds nobody up.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Forwarder, type ForwardTo } from '../../../agent/audit/forward/forward.ts';
import { journalEntry } from '../../../agent/audit/forward/journal.ts';
import { auditText } from '../../../agent/audit/forward/linux-audit.ts';
import { MESSAGE_IDS } from '../../../agent/audit/forward/message-ids.ts';
import { summaryOf } from '../../../agent/audit/summary.ts';
import { anchorsIn } from '../../../agent/model/sealed-log/anchor.ts';
import { AUDIT_KINDS, type AuditEvent } from '../../../agent/model/sealed-log/audit-event.ts';
import { temporaryFolder } from '../../unit/base/folders.ts';
import {
  actor,
  eventsWith,
  examples,
  granted,
  hostileTexts,
  login,
  promptScopes,
} from '../../kit/audit/events.ts';

const events: readonly AuditEvent[] = [
  ...examples.map(({ event }) => event),
  ...hostileTexts.flatMap(eventsWith),
];

function pass(forwarder: Forwarder, all: readonly AuditEvent[]): void {
  all.forEach((event, sequence) => {
    forwarder.pass({
      event,
      timeMs: 1_768_000_000_000 + sequence,
      sequence,
      seal: 'A'.repeat(43),
      line: '{}',
    });
  });
}

function forwarderAt(socket: string, to: ForwardTo, log: string[], anchorEvery = 0): Forwarder {
  return new Forwarder({
    to: [to],
    anchorEvery,
    log: (line) => log.push(line),
    journalSocket: socket,
    syslogSocket: socket,
  });
}

test('each kind has a MESSAGE_ID of its own', (t) => {
  const ids = Object.values(MESSAGE_IDS);
  t.deepEqual(Object.keys(MESSAGE_IDS).sort(), [...AUDIT_KINDS, 'anchor'].sort());
  t.is(new Set(ids).size, ids.length);
  for (const id of ids) t.regex(id, /^[0-9a-f]{32}$/);
});

/** The journal's own file format, written by systemd-journal-remote from what we send and read by journalctl. */
test('journal: journalctl reads back each field; no text becomes a field', (t) => {
  const folder = temporaryFolder(t);
  const entries = events.map((event, index) => {
    const entry = journalEntry(summaryOf(event), { SCAUTH_SEQUENCE: String(index), SCAUTH_RECORD: '{}' });
    // The export format is the native one with a time in front and an empty line behind each entry.
    const time = 1_768_000_000_000_000 + index;
    return Buffer.concat([
      Buffer.from(
        `__REALTIME_TIMESTAMP=${time}\n__MONOTONIC_TIMESTAMP=${index + 1}\n_BOOT_ID=${'1'.repeat(32)}\n`,
      ),
      entry,
      Buffer.from('\n'),
    ]);
  });
  const [input, journal] = [join(folder, 'entries'), join(folder, 'audit.journal')];
  writeFileSync(input, Buffer.concat(entries));
  execFileSync('/lib/systemd/systemd-journal-remote', ['-o', journal, input], { stdio: 'pipe' });
  const lines = execFileSync('journalctl', ['--file', journal, '-o', 'json', '--all', '--no-pager'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const read = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.is(read.length, events.length);
  const allowed =
    /^(MESSAGE|MESSAGE_ID|PRIORITY|SYSLOG_(FACILITY|IDENTIFIER)|SCAUTH_[A-Z_]+|__[A-Z_]+|_BOOT_ID)$/;
  read.forEach((entry, index) => {
    const event = events[index] ?? granted;
    t.is(entry['MESSAGE_ID'], MESSAGE_IDS[event.kind]);
    t.is(entry['SCAUTH_SEQUENCE'], String(index));
    t.deepEqual(
      Object.keys(entry).filter((name) => !allowed.test(name)),
      [],
    );
  });
  const found = execFileSync(
    'journalctl',
    ['--file', journal, `MESSAGE_ID=${MESSAGE_IDS['pin-blocked']}`, '-o', 'cat'],
    {
      encoding: 'utf8',
    },
  );
  t.regex(found, /^pin-blocked success user=alice/);
});

/** rsyslog as a process of its own, with one socket and one file. */
async function rsyslog(t: ExecutionContext): Promise<{ socket: string; file: string }> {
  const folder = temporaryFolder(t);
  const [socket, file] = [join(folder, 'log'), join(folder, 'out')];
  mkdirSync(join(folder, 'work'));
  const config = join(folder, 'rsyslog.conf');
  writeFileSync(
    config,
    `global(workDirectory="${folder}/work" maxMessageSize="64k")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${socket}" UseSpecialParser="off" ParseHostname="on" RateLimit.Interval="0")
template(name="fields" type="string" string="%syslogfacility-text% %syslogseverity% %app-name% %msgid% %structured-data% :: %msg%\\n")
*.* action(type="omfile" file="${file}" template="fields")
`,
  );
  const daemon = spawn('rsyslogd', ['-n', '-f', config, '-i', join(folder, 'pid')], { stdio: 'ignore' });
  t.teardown(() => daemon.kill('SIGKILL'));
  for (let turn = 0; turn < 200 && !existsSync(socket); turn += 1) await wait(25);
  return { socket, file };
}

async function linesIn(file: string, wanted: number): Promise<string[]> {
  for (let turn = 0; ; turn += 1) {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
    if (lines.length >= wanted || turn > 200) return lines;
    await wait(25);
  }
}

test('syslog: rsyslog reads RFC 5424 back, a line a message, with anchors for verify', async (t) => {
  const { socket, file } = await rsyslog(t);
  const log: string[] = [];
  const forwarder = forwarderAt(socket, 'syslog', log, 50);
  // A socket takes only so many before its reader comes: a burst is not what a machine's logins are.
  for (const [index, event] of events.entries()) {
    pass(forwarder, [event]);
    if (index % 5 === 4) await linesIn(file, index + 1);
  }
  const anchors = Math.ceil(events.length / 50);
  const lines = await linesIn(file, events.length + anchors);
  forwarder.close();
  t.is(lines.length, events.length + anchors, log.join());
  t.is(anchorsIn(lines.join('\n')).length, anchors);
  for (const line of lines)
    t.regex(line, /^authpriv [456] scauthd [a-z-]+ \[scauth@32473( [a-z_]+="(\\["\\\]]|[^"\\\]])*")+\] :: /);
  t.regex(lines[0] ?? '', /^authpriv 5 scauthd login \[scauth@32473 outcome="granted" user="alice"/);
});

test('the sentence for the journal says whose prompt was switched', (t) => {
  const sentences = promptScopes.map(
    (scope) => summaryOf({ kind: 'prompt-state', enabled: false, scope, actor }).message,
  );
  t.deepEqual(sentences, [
    'prompt-state success actor_uid=1000 detail=disabled for machine',
    'prompt-state success user=ada actor_uid=1000 detail=disabled for user',
    'prompt-state success user=ada card=org.scauth.piv:01 actor_uid=1000 detail=disabled for card',
  ]);
});

test('Linux audit: ausearch reads account, key hash and result back', (t) => {
  const file = join(temporaryFolder(t), 'audit.log');
  const users = ['alice', 'a b', `o'neil" res=success`, 'ÄÖ', 'x\ny'];
  const lines = users.map((user, index) => {
    const text = auditText(summaryOf(login({ kind: 'granted' }, { user })));
    // What the kernel and libaudit put around it.
    return `type=USER_AUTH msg=audit(1768496473.000:${index + 1}): pid=7 uid=0 auid=4294967295 ses=4294967295 msg='${text} exe="/usr/lib/scauth/node" hostname=? addr=? terminal=? res=failed'`;
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  const read = (...args: string[]): string =>
    execFileSync('ausearch', ['-if', file, '-m', 'USER_AUTH', ...args], { encoding: 'utf8' });
  const all = read('-i');
  t.is(all.match(/acct=/g)?.length, users.length);
  t.is(all.match(/res=failed/g)?.length, users.length);
  t.is(all.match(/key_hash="?0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8/g)?.length, users.length);
  t.is(read('--success', 'no').match(/^type=/gm)?.length, users.length);
  t.true(all.includes(`acct=o'neil" res=success`));
});

test('a receiver that is gone, full or not there holds nobody up, and is told once', async (t) => {
  const folder = temporaryFolder(t);
  const log: string[] = [];
  const absent = forwarderAt(join(folder, 'absent'), 'journal', log);
  pass(absent, events);
  absent.close();
  t.is(log.length, 1);
  t.regex(log[0] ?? '', /were not taken/);
  // A socket that nobody reads is full after a few datagrams; the rest must not wait.
  const socket = join(folder, 'full');
  const holder = spawn('python3', [
    '-c',
    `import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('ready', flush=True); sys.stdin.read()`,
    socket,
  ]);
  t.teardown(() => holder.kill('SIGKILL'));
  await new Promise((ready) => holder.stdout.once('data', ready));
  for (const to of ['journal', 'syslog'] as const) {
    const full = forwarderAt(socket, to, log);
    pass(full, [...events, ...events]);
    full.close();
  }
  t.is(log.length, 3);
  const both = new Forwarder({ to: ['linux-audit'], anchorEvery: 0, log: (line) => log.push(line) });
  pass(both, [granted]);
  both.close();
  t.pass();
});
