// Makes a large audit log for the benchmark, with scauthd's own records and seals, many at a time: a record a write
// would take an hour for a million. Its key and its state lie beside it as scauthd leaves them. It measures nothing.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { toOcsf } from '../../agent/audit/ocsf/record.ts';
import type { AuditEvent, LoginOutcome } from '../../agent/model/sealed-log/audit-event.ts';
import { parsePkhh } from '../../agent/model/key/key.ts';
import { encodeSlot, keyPath, sealPath, SLOTS } from '../../agent/model/sealed-log/seal-state.ts';
import { chainName, sealLine, type ChainPosition } from '../../agent/model/sealed-log/sealed-line.ts';

const START_MS = Date.UTC(2025, 0, 1);
const USERS = 200;
const SERVICES = ['sudo', 'gdm-password', 'swaylock', 'login', 'polkit-1'];
const WRITE_BYTES = 1 << 22;
const REQUESTER = { name: 'sudo', path: '/usr/bin/sudo', session: '17', loginUid: 1000, terminal: 'pts/3' };

/** An account that has one login in two hundred. */
export const SOMEBODY = 'user17';

/** Mostly grants, as in a company; each ninth login ends otherwise, and cards come and go. */
export function eventOf(index: number): AuditEvent {
  const user = `user${(index * 7919 + Math.trunc(index / USERS)) % USERS}`;
  const tokenId = `org.scauth.piv:${String(index % USERS).padStart(32, '0')}`;
  const peer = { pid: 1000 + (index % 30_000), uid: 1000 + (index % USERS), gid: 1000 };
  if (index % 10 === 3) return { kind: 'card-in', tokenId, driver: 'org.scauth.piv', reader: 'Reader 00 00' };
  const outcome: LoginOutcome =
    index % 9 > 0
      ? { kind: 'granted' }
      : index % 2 === 0
        ? { kind: 'denied', reason: 'bad-proof' }
        : { kind: 'cancelled' };
  return {
    kind: 'login',
    outcome,
    requestId: index.toString(16).padStart(16, '0'),
    user,
    service: SERVICES[index % SERVICES.length] ?? 'sudo',
    tty: `/dev/pts/${index % 40}`,
    rhost: null,
    peer,
    rule: 'login.services',
    detail: null,
    key: {
      pkhh: parsePkhh((index % USERS).toString(16).padStart(40, '0')),
      tokenId,
      certificateSerial: (index % USERS).toString(16).toUpperCase(),
      certificateIssuer: 'CN=Employees CA 3,O=Example',
    },
  };
}

/** Writes `count` records to `path`, which is not there yet, half a minute apart. */
export function makeLog(path: string, count: number): void {
  const key = randomBytes(32);
  let position: ChainPosition = { sequence: 0, key, prev: chainName(key) };
  writeFileSync(keyPath(path), `${key.toString('base64url')}\n`, { mode: 0o600 });
  const fd = openSync(path, 'wx', 0o600);
  let lines: Buffer[] = [];
  let bytes = 0;
  for (let index = 0; index < count; index += 1) {
    const record = toOcsf(eventOf(index), START_MS + index * 30_000, REQUESTER);
    const { line, seal, next } = sealLine(record, position);
    position = { sequence: index + 1, key: next, prev: seal };
    lines.push(line);
    bytes += line.length;
    if (bytes < WRITE_BYTES && index < count - 1) continue;
    for (const block of lines) writeSync(fd, block);
    lines = [];
    bytes = 0;
  }
  closeSync(fd);
  const state = Buffer.alloc(SLOTS[1] + 512);
  const slot = encodeSlot({ ...position, lastMs: START_MS + count * 30_000 });
  for (const at of SLOTS) slot.copy(state, at);
  writeFileSync(sealPath(path), state, { mode: 0o600 });
}
