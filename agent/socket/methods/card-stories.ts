// The upgraded calls about a card: ChangePin, UnblockPin, Rehearse, SignAnchor. Parameters in, story out, result as JSON.

import { asAgentError } from '../../base/errors.ts';
import { changeCardPin } from '../../stories/pin/change-pin.ts';
import type { Conversation } from '../../stories/card/conversation.ts';
import { enableKeyring } from '../../stories/keyring/enable-keyring.ts';
import { mayDriverServe } from '../../stories/card/driver-gate.ts';
import { rehearseLogin } from '../../stories/explain/rehearse.ts';
import { signAnchor } from '../../stories/card/sign-anchor.ts';
import { unblockCardPin } from '../../stories/pin/unblock-pin.ts';
import { parsePkhh } from '../../model/key.ts';
import { parseUsername, type PeerCredentials } from '../../model/request.ts';
import { callerAccount, requireRoot, userInScope, type AdminParts } from './admin-methods.ts';
import { failureText } from '../../words/failures.ts';
import { INTERFACE, type WireStep } from '../../protocol/io-scauth.ts';
import {
  InvalidParameter,
  onlyParameters,
  optionalText,
  optionalTokenId,
  requiredText,
} from './parameters.ts';

/** A conversation that ends in a JSON result. */
export type Story = (person: Conversation) => Promise<object>;

export function failureOf(error: unknown): { code: string; message: string; triesLeft: number | null } {
  const failure = asAgentError(error);
  return { code: failure.code, message: failureText(failure), triesLeft: failure.triesLeft ?? null };
}

/** A PAM service name. @throws InvalidParameter */
function serviceOf(parameters: Readonly<Record<string, unknown>>): string {
  const service = requiredText(parameters, 'service');
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(service)) throw new InvalidParameter('service');
  return service;
}

/**
 * The story of an upgraded call.
 * @returns null when the call is none of these
 * @throws InvalidParameter, PermissionDenied, AgentError: refusals before anything is asked
 */
export async function cardStory(
  method: string,
  parameters: Readonly<Record<string, unknown>>,
  peer: PeerCredentials,
  parts: AdminParts,
): Promise<Story | null> {
  switch (method) {
    case `${INTERFACE}.ChangePin`: {
      onlyParameters(parameters, ['token', 'user']);
      const id = optionalTokenId(parameters);
      const name = optionalText(parameters, 'user');
      const user = name === null ? null : await userInScope(peer, name, parts.accounts);
      return async (person) => ({ token: (await changeCardPin({ id, user }, peer, person, parts)).id });
    }
    case `${INTERFACE}.UnblockPin`: {
      onlyParameters(parameters, ['token']);
      const wanted = { id: optionalTokenId(parameters), user: null };
      return async (person) => ({ token: (await unblockCardPin(wanted, peer, person, parts)).id });
    }
    case `${INTERFACE}.EnableKeyring`: {
      onlyParameters(parameters, ['hash']);
      const text = optionalText(parameters, 'hash');
      const hash = text === null ? null : parsePkhh(text);
      const account = await callerAccount(peer, parts.accounts);
      return async (person) => ({ hash: (await enableKeyring(account, hash, peer, person, parts)).pkhh });
    }
    case `${INTERFACE}.Rehearse`: {
      onlyParameters(parameters, ['service']);
      const service = serviceOf(parameters);
      const account = await callerAccount(peer, parts.accounts);
      return async (person) => {
        const gate = { drivers: () => parts.inventory.drivers(), table: parts.loginDrivers };
        const { steps, token, hash, failure } = await rehearseLogin(account, service, peer, person, {
          ...parts,
          mayDriverServe: (driver, forService) => mayDriverServe(driver, forService, gate),
        });
        return {
          user: account.name,
          service,
          token,
          hash,
          granted: failure === null,
          steps: steps satisfies readonly WireStep[],
          failure: failure === null ? null : failureOf(failure),
        };
      };
    }
    case `${INTERFACE}.SignAnchor`: {
      requireRoot(peer);
      onlyParameters(parameters, ['user']);
      const user = parseUsername(requiredText(parameters, 'user'));
      return async (person) => {
        const { text, card } = await signAnchor(user, peer, person, parts);
        return { anchor: text, user, hash: card.pairing.pkhh };
      };
    }
    default:
      return null;
  }
}
