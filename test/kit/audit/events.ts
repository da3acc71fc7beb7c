// One example of each kind of audit event, and texts that want to be something else.

import type { AuditedKey, AuditEvent, LoginOutcome } from '../../../agent/model/sealed-log/audit-event.ts';
import { parsePkhh } from '../../../agent/model/key/key.ts';
import type { PromptScope } from '../../../agent/model/pairing-prompt.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { parseTokenId } from '../../../agent/model/card/token.ts';

export const actor = { pid: process.pid, uid: 1000, gid: 1000 };
export const key: AuditedKey = {
  pkhh: parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8'),
  tokenId: 'org.scauth.piv:01',
  certificateSerial: '13C81A',
  certificateIssuer: 'CN=CA',
};
export const bareKey: AuditedKey = { ...key, certificateSerial: null, certificateIssuer: null };

const request = {
  requestId: 'r1',
  user: 'alice',
  service: 'sudo',
  tty: '/dev/pts/1',
  rhost: null,
  peer: actor,
  rule: 'login.services',
  detail: null,
};

const cause = { requestId: 'r1', service: 'sudo', tty: '/dev/pts/1', rhost: null };

export function login(outcome: LoginOutcome, more: object = {}): AuditEvent {
  return { kind: 'login', outcome, key, ...request, ...more };
}

export const granted = login({ kind: 'granted' });

export interface Example {
  readonly event: AuditEvent;
  /** What OCSF has for it. */
  readonly classUid: number;
  readonly activity: number;
  readonly status: number;
  readonly severity: number;
}

function example(
  event: AuditEvent,
  classUid: number,
  activity: number,
  status: number,
  severity: number,
): Example {
  return { event, classUid, activity, status, severity };
}

const tokenId = 'org.scauth.piv:01';
const card = { tokenId, driver: 'org.scauth.piv', reader: 'Virtual PCD 00 00' };

const ada = parseUsername('ada');
export const promptScopes: readonly PromptScope[] = [
  { level: 'machine' },
  { level: 'user', user: ada },
  { level: 'card', user: ada, tokenId: parseTokenId(tokenId) },
];

export const examples: readonly Example[] = [
  example(granted, 3002, 7, 1, 1),
  example(login({ kind: 'granted' }, { service: 'gdm-password' }), 3002, 1, 1, 1),
  example(login({ kind: 'granted' }, { service: 'swaylock', key: bareKey }), 3002, 1, 1, 1),
  example(login({ kind: 'denied', reason: 'bad-proof' }), 3002, 7, 2, 3),
  example(login({ kind: 'denied', reason: 'remote-not-allowed' }, { rhost: 'far.example' }), 3002, 7, 2, 3),
  example(login({ kind: 'unavailable', reason: 'no-card' }), 3002, 7, 99, 1),
  example(login({ kind: 'cancelled' }, { user: null, key: null, tty: null }), 3002, 7, 99, 1),
  example({ kind: 'exemption-used', ...request }, 3002, 99, 1, 2),
  example({ kind: 'break-glass-used', ...request, detail: 'card lost' }, 3002, 99, 1, 4),
  example({ kind: 'pairing-added', user: 'alice', actor, key }, 3001, 10, 1, 1),
  example({ kind: 'pairing-removed', user: 'alice', actor, key: bareKey }, 3001, 11, 1, 1),
  example({ kind: 'pairing-refused', user: 'alice', actor, detail: 'wrong-password' }, 3001, 10, 2, 3),
  ...promptScopes.map((scope) =>
    example({ kind: 'prompt-state', enabled: false, scope, actor }, 3004, 3, 1, 1),
  ),
  example(
    { kind: 'policy-changed', actor: null, changes: [{ setting: 'login.try_reserve', from: '1', to: '2' }] },
    3004,
    3,
    1,
    2,
  ),
  example(
    { kind: 'driver-changed', action: 'added', driver: 'org.example', version: '1', actor },
    3004,
    1,
    1,
    2,
  ),
  example(
    { kind: 'driver-changed', action: 'disabled', driver: 'org.example', version: null, actor },
    3004,
    9,
    1,
    2,
  ),
  example({ kind: 'pin-checked', good: true, tokenId, user: 'alice', key, actor }, 3002, 6, 1, 1),
  example({ kind: 'pin-checked', good: false, tokenId, user: null, key: null, actor }, 3002, 6, 2, 2),
  example(
    { kind: 'pin-changed', how: 'changed', good: true, tokenId, user: 'alice', key, actor },
    3004,
    3,
    1,
    1,
  ),
  example(
    { kind: 'pin-changed', how: 'unblocked', good: false, tokenId, user: null, key: null, actor },
    3004,
    3,
    2,
    2,
  ),
  example({ kind: 'pin-blocked', user: 'alice', tokenId, actor }, 3004, 12, 1, 3),
  example({ kind: 'pin-blocked', user: 'alice', tokenId, actor, key, request: cause }, 3004, 12, 1, 3),
  example({ kind: 'card-lost', user: 'alice', actor, key, serial: '01' }, 3004, 9, 1, 3),
  example({ kind: 'card-lost', user: null, actor, key: null, serial: '01' }, 3004, 9, 1, 3),
  example({ kind: 'card-found', user: 'alice', actor, key, serial: null }, 3004, 8, 1, 2),
  example({ kind: 'card-in', ...card }, 0, 99, 1, 1),
  example({ kind: 'card-out', ...card }, 0, 99, 1, 1),
  example(
    {
      kind: 'card-suspect',
      check: 'login-proof',
      tokenId,
      user: 'alice',
      key,
      detail: 'no signature',
      actor,
      request: cause,
    },
    2004,
    1,
    1,
    4,
  ),
  example(
    { kind: 'card-suspect', check: 'card-authentication', tokenId, user: null, key: null, detail: null },
    2004,
    1,
    1,
    4,
  ),
  example(
    { kind: 'session-locked', user: 'alice', session: '3', tokenId, cause: 'card-removed' },
    3002,
    99,
    1,
    1,
  ),
  example({ kind: 'keyring', action: 'enabled', user: 'alice', actor, key, detail: null }, 3004, 8, 1, 1),
  example({ kind: 'keyring', action: 'failed', user: 'alice', actor, key, detail: 'gone' }, 3004, 2, 2, 2),
  example(
    { kind: 'records-left-out', of: 'prompt-state', owner: 'uid 1000', count: 9, fromMs: 3, toMs: 5 },
    1008,
    99,
    1,
    3,
  ),
  example({ kind: 'gap', reason: 'clock-set-back', count: null, fromMs: 5, toMs: 3 }, 1008, 99, 2, 3),
  example({ kind: 'gap', reason: 'records-missing', count: 2, fromMs: 5, toMs: null }, 1008, 99, 2, 4),
];

/** Texts that break out of a format where it does not quote; see also L26 and the list. */
export const hostileTexts: readonly string[] = [
  'a\nb',
  '","class_uid":1,"x":"',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u009b31m',
  '\u2028\u202egnp.exe',
  '\0',
  '\ud800',
  '\r\n{"time":0}\r\n',
  'CEF:0|a|b|c=d\\|e\\=f',
  '=HYPERLINK("http://evil.example","x")',
  '+1,2;"3"',
  '<script>alert(1)</script><img src=x onerror=alert(2)>',
  '\'"><svg/onload=alert(3)>&amp;',
  'MESSAGE=x\nPRIORITY=0\n_UID=0',
  '[scauth@32473 user="x"] ]\\"',
  '$(id) `id` %s %n',
  'ÄÖ 日本語 🂡',
  'x'.repeat(65_536),
];

/** An event of each kind that carries text from outside, with `text` in each place that takes one. */
export function eventsWith(text: string): AuditEvent[] {
  const texts = { user: text, service: text, tty: text, rhost: text, detail: text };
  const hostileKey = { ...key, tokenId: text, certificateSerial: text, certificateIssuer: text };
  return [
    login({ kind: 'denied', reason: 'bad-proof' }, { ...texts, key: hostileKey }),
    login({ kind: 'granted' }, { ...texts, key: hostileKey }),
    { kind: 'break-glass-used', ...request, ...texts },
    { kind: 'pairing-added', user: text, actor, key: hostileKey },
    { kind: 'pairing-refused', user: text, actor, detail: text },
    { kind: 'policy-changed', actor, changes: [{ setting: text, from: text, to: text }] },
    { kind: 'driver-changed', action: 'added', driver: text, version: 'x', actor },
    {
      kind: 'pin-blocked',
      tokenId: text,
      user: text,
      actor,
      request: { ...cause, service: text, tty: text, rhost: text },
    },
    { kind: 'card-lost', user: text, actor, key: hostileKey, serial: text },
    { kind: 'card-in', tokenId: text, driver: text, reader: text },
    { kind: 'card-suspect', check: 'login-proof', tokenId: text, user: text, key: hostileKey, detail: text },
    { kind: 'keyring', action: 'failed', user: text, actor, key: hostileKey, detail: text },
    { kind: 'session-locked', user: text, session: text, tokenId: text, cause: 'card-removed' },
  ];
}
