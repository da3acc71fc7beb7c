// Logins, and what stands in for one, as OCSF Authentication (3002).

import { isIP } from 'node:net';
import { assertNever } from '../../base/assert.ts';
import type { AuditEvent, LoginOutcome } from '../../model/sealed-log/audit-event.ts';
import { isRemoteHost } from '../../model/request.ts';
import { isService } from '../../../policy/services.ts';
import { because, FAILURE, SUCCESS, type Mapped } from './mapped.ts';
import { actorOf, certificateAttribute, cut, keyOf, userOf, type Requester } from './objects.ts';

/** OCSF auth_factor: 6 hardware token; the PIN has no number of its own. */
const FACTORS = [{ factor_type_id: 6 }, { factor_type_id: 99, factor_type: 'PIN' }];

function statusOf(outcome: LoginOutcome): object {
  switch (outcome.kind) {
    case 'granted':
      return SUCCESS;
    case 'denied':
      return { ...FAILURE, ...because(outcome.reason) };
    case 'unavailable':
      return { status_id: 99, status: 'Unavailable', ...because(outcome.reason) };
    case 'cancelled':
      return { status_id: 99, status: 'Cancelled' };
    default:
      return assertNever(outcome);
  }
}

const SUBSTITUTED = { account_switch_type_id: 1, account_switch_type: 'Substitute User' };

/** Activity 7, Account Switch, for programs that change the user within a session. */
function activityOf(service: string): { activity_id: number; activity_name: string } {
  return isService(service, 'switches')
    ? { activity_id: 7, activity_name: 'Account Switch' }
    : { activity_id: 1, activity_name: 'Logon' };
}

function logonTypeOf(service: string, rhost: string | null): { logon_type_id: number; logon_type: string } {
  if (isRemoteHost(rhost)) return { logon_type_id: 10, logon_type: 'Remote Interactive' };
  return isService(service, 'unlocks')
    ? { logon_type_id: 7, logon_type: 'Unlock' }
    : { logon_type_id: 2, logon_type: 'Interactive' };
}

/** PAM_RHOST is an address or a name, as the program has it. */
function endpointOf(rhost: string): object {
  return isIP(rhost) === 0 ? { hostname: cut(rhost) } : { ip: rhost };
}

type RequestEvent = Extract<AuditEvent, { kind: 'login' | 'exemption-used' | 'break-glass-used' }>;

function requestOf(event: RequestEvent, requester: Requester | null): Pick<Mapped, 'rest' | 'unmapped'> {
  const { requestId, user, service, tty, rhost, peer, rule, detail } = event;
  return {
    rest: {
      user: userOf(user),
      service: { name: cut(service) },
      actor: actorOf(peer, requester),
      is_remote: isRemoteHost(rhost),
      ...logonTypeOf(service, rhost),
      ...(tty === null ? {} : { session: { terminal: cut(tty) } }),
      ...(rhost === null || rhost === '' ? {} : { src_endpoint: endpointOf(rhost) }),
    },
    unmapped: {
      request_id: requestId,
      tty: tty === null ? null : cut(tty),
      rhost: rhost === null ? null : cut(rhost),
      rule,
      detail: detail === null ? null : cut(detail),
    },
  };
}

export function loginOf(event: Extract<AuditEvent, { kind: 'login' }>, requester: Requester | null): Mapped {
  const { rest, unmapped } = requestOf(event, requester);
  const granted = event.outcome.kind === 'granted';
  return {
    class_uid: 3002,
    ...activityOf(event.service),
    severity_id: event.outcome.kind === 'denied' ? 3 : 1,
    rest: {
      ...statusOf(event.outcome),
      ...rest,
      ...(isService(event.service, 'switches') ? SUBSTITUTED : {}),
      auth_protocol_id: 99,
      auth_protocol: 'PIV',
      is_mfa: granted,
      ...(granted ? { auth_factors: FACTORS } : {}),
      ...certificateAttribute(event.key),
    },
    unmapped: { ...keyOf(event.key), ...unmapped },
  };
}

export function withoutCardOf(
  event: Extract<AuditEvent, { kind: 'exemption-used' | 'break-glass-used' }>,
  requester: Requester | null,
): Mapped {
  const exemption = event.kind === 'exemption-used';
  const { rest, unmapped } = requestOf(event, requester);
  return {
    class_uid: 3002,
    activity_id: 99,
    activity_name: exemption ? 'Exemption used' : 'Break-glass used',
    severity_id: exemption ? 2 : 4,
    rest: { ...SUCCESS, ...rest, is_mfa: false },
    unmapped,
  };
}
