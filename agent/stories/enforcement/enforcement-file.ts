// What the PAM module must know of enforcement while scauthd does not answer: a small file beside the sockets. It says
// whether a card is required, until when, in which services, and what a scauthd that is gone means; nothing of people.
// Read by pam/module/enforcement.c. Specification: PROTOCOL.md, section 1.6.
// Why: DECISIONS.md D121.

import { AgentError } from '../../base/errors.ts';
import { replaceFile } from '../../base/replace-file.ts';
import type { EnforcementState } from '../../model/enforcement.ts';
import type { Policy } from '../../../policy/policy.ts';
import { coveredServices } from '../../../policy/permit-without-card.ts';

/** The module reads no more than 4096 bytes. A longer list says "all": it is the stricter word. */
const MAX_SERVICES_CHARACTERS = 3000;

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** The whole file. All lines are always there, in this order. */
export function enforcementText(state: EnforcementState, policy: Policy): string {
  const services = coveredServices(policy).join(' ');
  const { agentAbsent, remote } = policy.enforcement;
  return [
    'scauth-enforcement 1',
    `state ${state.kind}`,
    `since ${state.kind === 'off' ? 0 : seconds(state.sinceMs)}`,
    // Rounded up: a trial ends in the module no earlier than here.
    `until ${state.kind === 'trial' ? seconds(state.untilMs + 999) : 0}`,
    `agent_absent ${agentAbsent}`,
    `remote ${remote ? 'yes' : 'no'}`,
    `services ${services.length > MAX_SERVICES_CHARACTERS ? '*' : services}`,
    '',
  ].join('\n');
}

/**
 * Writes it whole or not at all; everybody may read it.
 * @throws AgentError `internal` when it cannot be written; what was there stays
 */
export function writeEnforcementFile(path: string, text: string): void {
  try {
    replaceFile(path, text, 0o644, 'ignored');
  } catch (cause) {
    throw new AgentError('internal', { detail: `${path} cannot be written`, cause });
  }
}
