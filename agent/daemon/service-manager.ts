// Tells systemd (or whoever started us so) that scauthd is ready and still turns. Nothing happens without
// NOTIFY_SOCKET. sd_notify(3): datagrams of KEY=VALUE lines; Node has no Unix datagrams, so libc sends them.

import koffi from 'koffi';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0o2000002;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(sun_path), unix(7). */
const PATH_BYTES = 108;

/** struct sockaddr_un; a leading @ stands for the NUL of an abstract name. Null: no address that fits. */
function addressOf(path: string): Buffer | null {
  if (!/^[/@]./.test(path)) return null;
  const name = Buffer.from(path);
  if (name.length >= PATH_BYTES) return null;
  if (name[0] === 0x40) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}

/** @returns a function that sends one state; it never throws, and does nothing when there is no manager */
function sender(path: string | undefined): (state: string) => void {
  const address = path === undefined ? null : addressOf(path);
  if (address === null) return () => undefined;
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func(
    'long sendto(int fd, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)',
  );
  const fd = Number(socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0));
  if (fd < 0) return () => undefined;
  return (state) => {
    const bytes = Buffer.from(state);
    sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
  };
}

/** Half of what the manager waits, in milliseconds; null when it does not watch this process. */
function beatMs(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const limitUs = Number(env['WATCHDOG_USEC']);
  const meant = env['WATCHDOG_PID'];
  if (!Number.isInteger(limitUs) || limitUs <= 0) return null;
  return meant === undefined || Number(meant) === pid ? limitUs / 2000 : null;
}

/**
 * Says that scauthd is ready, and from then on that its event loop turns.
 * @returns what says that it stops
 */
export function reportReady(
  env: Readonly<Record<string, string | undefined>> = process.env,
  pid: number = process.pid,
): () => void {
  const send = sender(env['NOTIFY_SOCKET']);
  const everyMs = beatMs(env, pid);
  const beat = everyMs === null ? null : setInterval(send, everyMs, 'WATCHDOG=1').unref();
  send('READY=1');
  return () => {
    if (beat !== null) clearInterval(beat);
    send('STOPPING=1');
  };
}
