// Who is at the other end of a Unix socket: SO_PEERCRED and SO_PEERPIDFD (unix(7), pidfd_open(2)), so the kernel's word
// and never the peer's. Node has no call for it; libc is bound by koffi.

import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import koffi from 'koffi';
import { AgentError } from '../../base/errors.ts';
import { readProcFile } from '../../base/proc-file.ts';
import { startTicksOf } from '../../base/process-facts.ts';
import type { PeerCredentials, PeerProcess } from '../../model/request.ts';

// <asm-generic/socket.h>, <fcntl.h>
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** Linux 6.5 and later. */
const SO_PEERPIDFD = 77;
const F_DUPFD_CLOEXEC = 1030;

const libc = koffi.load('libc.so.6');
const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
);
const fcntl = libc.func('int fcntl(int fd, int command, int argument)');

/** The descriptor of a connected socket; Node keeps it on the handle. */
function descriptorOf(socket: Socket): number {
  const { fd } = (socket as unknown as { _handle: { fd?: number } | null })._handle ?? {};
  if (fd === undefined || fd < 0)
    throw new AgentError('internal', { detail: 'the socket has no descriptor' });
  return fd;
}

/** @throws AgentError `internal` when the kernel does not say */
export function peerOf(socket: Socket): PeerCredentials {
  const value = Buffer.alloc(12); // struct ucred: pid, uid, gid
  const length = [value.length];
  const status = getsockopt(descriptorOf(socket), SOL_SOCKET, SO_PEERCRED, value, length) as number;
  if (status !== 0 || length[0] !== value.length)
    throw new AgentError('internal', { detail: 'SO_PEERCRED failed' });
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) };
}

export interface HeldProcess extends PeerProcess {
  release(): void;
}

/** Linux before 6.5: the number and when the process began; who takes the number over began later. */
function heldByStart(pid: number): HeldProcess {
  let since = startTicksOf(pid);
  return {
    runs: () => since !== null && startTicksOf(pid) === since,
    release: () => {
      since = null;
    },
  };
}

/**
 * The process that connected, so that its number cannot come to mean another one unnoticed. The caller releases it.
 * @param pid of peerOf
 */
export function holdPeer(socket: Socket, pid: number, withPidfd = true): HeldProcess {
  const value = Buffer.alloc(4);
  const length = [value.length];
  const status = getsockopt(descriptorOf(socket), SOL_SOCKET, SO_PEERPIDFD, value, length) as number;
  const fd = value.readInt32LE(0);
  if (!withPidfd || status !== 0 || length[0] !== value.length || fd < 0) return heldByStart(pid);
  let held = true;
  return {
    runs: () => {
      if (!held) return false;
      // proc_pid_fdinfo(5): -1 when it is gone.
      return /^Pid:\s+(-?\d+)$/m.exec(readProcFile('self', `fdinfo/${fd}`) ?? '')?.[1] === String(pid);
    },
    release: () => {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

/** A second descriptor of the same socket, close-on-exec; the caller owns it. @throws AgentError `internal` */
export function duplicateDescriptor(socket: Socket): number {
  const fd = fcntl(descriptorOf(socket), F_DUPFD_CLOEXEC, 3) as number;
  if (fd < 0) throw new AgentError('internal', { detail: 'the socket descriptor cannot be duplicated' });
  return fd;
}
