// Changes as OCSF: of an account's pairings (Account Change, 3001), and of what is no account: settings, drivers, the
// sealed secret of a keyring (Entity Management, 3004).

import { assertNever } from '../../base/assert.ts';
import type { AuditEvent } from '../../model/sealed-log/audit-event.ts';
import { because, entityOf, FAILURE, SUCCESS, type Mapped } from './mapped.ts';
import { actorOf, certificateAttribute, cut, keyOf, userOf, type Requester } from './objects.ts';

export function pairingOf(
  event: Extract<AuditEvent, { kind: 'pairing-added' | 'pairing-removed' | 'pairing-refused' }>,
  requester: Requester | null,
): Mapped {
  const key = 'key' in event ? event.key : null;
  const removed = event.kind === 'pairing-removed';
  return {
    class_uid: 3001,
    activity_id: removed ? 11 : 10,
    activity_name: removed ? 'MFA Factor Disable' : 'MFA Factor Enable',
    severity_id: event.kind === 'pairing-refused' ? 3 : 1,
    rest: {
      ...(event.kind === 'pairing-refused' ? { ...FAILURE, ...because(event.detail) } : SUCCESS),
      user: userOf(event.user),
      actor: actorOf(event.actor, requester),
    },
    // The class has no attribute for a certificate.
    unmapped: { ...keyOf(key), ...certificateAttribute(key) },
  };
}

const DRIVER_ACTIVITIES = {
  added: [1, 'Create'],
  removed: [4, 'Delete'],
  enabled: [8, 'Enable'],
  disabled: [9, 'Disable'],
} as const;

const KEYRING_ACTIVITIES = {
  enabled: [8, 'Enable'],
  disabled: [9, 'Disable'],
  resealed: [3, 'Update'],
  released: [2, 'Read'],
  failed: [2, 'Read'],
} as const;

type ChangeEvent = Extract<
  AuditEvent,
  { kind: 'prompt-state' | 'policy-changed' | 'driver-changed' | 'keyring' }
>;

/** The pairing prompt as a managed entity: which level was set, and whose it is (the machine's is everybody's). */
function promptEntity({ enabled, scope }: Extract<ChangeEvent, { kind: 'prompt-state' }>): {
  readonly name: string;
  readonly type: string;
  readonly data: object;
} {
  const data = {
    enabled,
    level: scope.level,
    ...(scope.level === 'machine' ? {} : { user: userOf(scope.user) }),
    ...(scope.level === 'card' ? { token: cut(scope.tokenId) } : {}),
  };
  return { name: 'pairing prompt', type: 'setting', data };
}

export function changeOf(event: ChangeEvent, requester: Requester | null): Mapped {
  switch (event.kind) {
    case 'prompt-state':
      return entityOf([3, 'Update'], promptEntity(event), {
        rest: { actor: actorOf(event.actor, requester) },
      });
    case 'policy-changed': {
      const changes = event.changes.slice(0, 20).map(({ setting, from, to }) => ({
        setting: cut(setting),
        from: cut(from).slice(0, 100),
        to: cut(to).slice(0, 100),
      }));
      return entityOf(
        [3, 'Update'],
        { name: 'policy', type: 'policy', data: { changes, more: event.changes.length - changes.length } },
        { severity: 2, rest: { actor: actorOf(event.actor, requester) } },
      );
    }
    case 'driver-changed':
      return entityOf(
        DRIVER_ACTIVITIES[event.action],
        {
          name: event.driver,
          type: 'driver',
          data: { version: event.version === null ? null : cut(event.version) },
        },
        { severity: 2, rest: { actor: actorOf(event.actor, requester) } },
      );
    case 'keyring':
      return entityOf(
        KEYRING_ACTIVITIES[event.action],
        {
          name: `login keyring of ${event.user}`,
          type: 'sealed secret',
          data: {
            action: event.action,
            ...keyOf(event.key),
            detail: event.detail === null ? null : cut(event.detail),
          },
        },
        {
          status: event.action === 'failed' ? FAILURE : SUCCESS,
          severity: event.action === 'failed' ? 2 : 1,
          rest: { actor: actorOf(event.actor, requester) },
        },
      );
    default:
      return assertNever(event);
  }
}
