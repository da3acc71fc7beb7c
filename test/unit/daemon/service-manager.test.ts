// What scauthd tells systemd, seen from the other end of a datagram socket (sd_notify(3)).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import koffi from 'koffi';
import { reportReady } from '../../../agent/daemon/service-manager.ts';

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)');
const recv = libc.func('long recv(int fd, void *bytes, size_t length, int flags)');
const close = libc.func('int close(int fd)');
const MSG_DONTWAIT = 0x40;

/** A manager's socket; `next` is what came, null when nothing is there yet. */
function manager(name: string) {
  const fd = Number(socket(1, 2, 0));
  const path = Buffer.from(name.replace(/^@/, '\0'));
  const address = Buffer.concat([Buffer.from([1, 0]), path]);
  if (bind(fd, address, address.length) !== 0) throw new Error('bind');
  return {
    next(): string | null {
      const bytes = Buffer.from(new ArrayBuffer(4096));
      const length = Number(recv(fd, bytes, bytes.length, MSG_DONTWAIT));
      return length < 0 ? null : bytes.toString('utf8', 0, length);
    },
    close: () => void close(fd),
  };
}

test('ready, alive, stopping: at a path and at an abstract name', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-notify-'));
  for (const name of [join(folder, 'notify'), `@scauth-test-${process.pid}`]) {
    const systemd = manager(name);
    const stopping = reportReady({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '20000', WATCHDOG_PID: '7' }, 7);
    t.is(systemd.next(), 'READY=1');
    let beat: string | null = null;
    while (beat === null) {
      await pause(5);
      beat = systemd.next();
    }
    t.is(beat, 'WATCHDOG=1');
    stopping();
    let last: string | null = null;
    for (let said = systemd.next(); said !== null; said = systemd.next()) last = said;
    t.is(last, 'STOPPING=1');
    systemd.close();
  }
  rmSync(folder, { recursive: true });
});

test('without a manager, with a bad name, with a dead one: nothing happens', (t) => {
  for (const NOTIFY_SOCKET of [undefined, '', 'relative', `/${'x'.repeat(200)}`, '/nowhere/notify']) {
    t.notThrows(() => {
      reportReady({ NOTIFY_SOCKET, WATCHDOG_USEC: 'x' })();
    });
  }
});

test('a beat is for the process that is watched', (t) => {
  const name = `@scauth-test-other-${process.pid}`;
  const systemd = manager(name);
  const stopping = reportReady({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' }, 7);
  stopping();
  t.deepEqual([systemd.next(), systemd.next(), systemd.next()], ['READY=1', 'STOPPING=1', null]);
  systemd.close();
});
