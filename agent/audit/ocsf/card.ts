// What happens to cards as OCSF: in and out (Base Event, 0), PINs (Authentication's Preauth, 3002, and Entity Management,
// 3004), a suspect card (Detection Finding, 2004), a session that was locked after one.

import { assertNever } from '../../base/assert.ts';
import type { AuditedKey, AuditEvent } from '../../model/sealed-log/audit-event.ts';
import { because, entityOf, FAILURE, SUCCESS, type Mapped } from './mapped.ts';
import { actorOf, causeOf, certificateAttribute, cut, keyOf, userOf, type Requester } from './objects.ts';

type CardEvent = Extract<
  AuditEvent,
  {
    kind:
      | 'pin-checked'
      | 'pin-changed'
      | 'pin-blocked'
      | 'card-in'
      | 'card-out'
      | 'card-suspect'
      | 'card-lost'
      | 'card-found'
      | 'session-locked';
  }
>;

/** The classes for entities have no place for a key and its certificate. */
function ofCard(key: AuditedKey | null, tokenId: string): Record<string, unknown> {
  return { ...keyOf(key), ...certificateAttribute(key), token: cut(tokenId) };
}

/** Nor have they one for whose they are. */
function ofUser(user: string | null): { user: object | null } {
  return { user: user === null ? null : userOf(user) };
}

export function cardOf(event: CardEvent, requester: Requester | null): Mapped {
  switch (event.kind) {
    case 'pin-checked':
      return {
        class_uid: 3002,
        activity_id: 6,
        activity_name: 'Preauth',
        severity_id: event.good ? 1 : 2,
        rest: {
          ...(event.good ? SUCCESS : FAILURE),
          user: event.user === null ? { uid: String(event.actor.uid) } : userOf(event.user),
          service: { name: 'sc_auth' },
          actor: actorOf(event.actor, requester),
          ...certificateAttribute(event.key),
        },
        unmapped: { ...keyOf(event.key), token: cut(event.tokenId) },
      };
    case 'pin-changed':
      return {
        ...entityOf(
          [3, 'Update'],
          { name: event.tokenId, type: 'smart card PIN', data: { how: event.how, ...ofUser(event.user) } },
          {
            status: event.good ? SUCCESS : FAILURE,
            severity: event.good ? 1 : 2,
            rest: { actor: actorOf(event.actor, requester) },
          },
        ),
        unmapped: ofCard(event.key, event.tokenId),
      };
    case 'pin-blocked':
      return {
        ...entityOf(
          [12, 'Suspend'],
          {
            name: event.tokenId,
            type: 'smart card PIN',
            data: ofUser(event.user),
          },
          { severity: 3, rest: { actor: actorOf(event.actor, requester) } },
        ),
        unmapped: { ...ofCard(event.key ?? null, event.tokenId), ...causeOf(event.request) },
      };
    case 'card-in':
    case 'card-out':
      return {
        class_uid: 0,
        activity_id: 99,
        activity_name: event.kind === 'card-in' ? 'Card in' : 'Card out',
        severity_id: 1,
        rest: { ...SUCCESS },
        unmapped: { token: cut(event.tokenId), driver: cut(event.driver), reader: cut(event.reader) },
      };
    case 'card-suspect': {
      return {
        class_uid: 2004,
        activity_id: 1,
        activity_name: 'Create',
        severity_id: 4,
        rest: {
          status_id: 1,
          status: 'New',
          is_alert: true,
          finding_info: {
            uid: `${event.check}:${cut(event.tokenId)}`,
            title: 'A card could not prove the key that it shows',
            desc: cut(event.detail ?? ''),
          },
          // Where the class has no place for a user or a certificate, evidence has.
          evidences: [
            {
              user: userOf(event.user),
              data: {
                check: event.check,
                ...certificateAttribute(event.key),
                ...(event.actor === undefined ? {} : { actor: actorOf(event.actor, requester) }),
              },
            },
          ],
        },
        unmapped: { ...keyOf(event.key), ...causeOf(event.request), token: cut(event.tokenId) },
      };
    }
    case 'card-lost':
    case 'card-found': {
      const { key, serial, user, actor } = event;
      const lost = event.kind === 'card-lost';
      return {
        ...entityOf(
          lost ? [9, 'Disable'] : [8, 'Enable'],
          {
            name: key?.pkhh ?? serial ?? '',
            type: key === null ? 'smart card' : 'smart card key',
            data: ofUser(user),
          },
          { severity: lost ? 3 : 2, rest: { actor: actorOf(actor, requester) } },
        ),
        unmapped: {
          ...keyOf(key),
          ...certificateAttribute(key),
          serial: serial === null ? null : cut(serial),
        },
      };
    }
    case 'session-locked':
      return {
        class_uid: 3002,
        activity_id: 99,
        activity_name: 'Session locked',
        severity_id: 1,
        rest: {
          ...SUCCESS,
          ...because(event.cause),
          user: userOf(event.user),
          service: { name: 'scauth-session' },
          ...(event.session === null ? {} : { session: { uid: cut(event.session) } }),
        },
        unmapped: { token: event.tokenId === null ? null : cut(event.tokenId) },
      };
    default:
      return assertNever(event);
  }
}
