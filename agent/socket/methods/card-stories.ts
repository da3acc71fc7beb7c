// The upgraded calls: parameters in, story out, its result as JSON.

import { fromHex } from '../../base/bytes.ts';
import { asAgentError } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import { enableKeyring } from '../../stories/keyring/enable-keyring.ts';
import { pairOwnCard } from '../../stories/pair/pair.ts';
import { renewCard } from '../../stories/pair/renew.ts';
import { answerChallenge } from '../../stories/pin/answer-challenge.ts';
import { changeCardPin } from '../../stories/pin/change-pin.ts';
import { unblockCardPin } from '../../stories/pin/unblock-pin.ts';
import { verifyCardPin } from '../../stories/pin/verify-pin.ts';
import type { KeyringWish } from '../../stories/card/rider.ts';
import { signAnchor } from '../../stories/card/sign-anchor.ts';
import { rehearseLogin } from '../../stories/explain/rehearse.ts';
import { parsePkhh } from '../../model/key/key.ts';
import { listed } from '../../model/pairing.ts';
import { parseUsername } from '../../model/request.ts';
import { failureText } from '../../words/failures.ts';
import type { WireStep, Given } from '../../protocol/io-scauth.ts';
import { InvalidParameter } from '../../protocol/varlink.ts';
import { callerAccount, tokenIdOf, userInScope } from './caller.ts';
import { mayServe } from './inventory-methods.ts';
import type { StoryOf } from './method-parts.ts';
import { wirePairing } from './wire.ts';

export function failureOf(error: unknown): { code: string; message: string; triesLeft: number | null } {
  const failure = asAgentError(error);
  return { code: failure.code, message: failureText(failure), triesLeft: failure.triesLeft ?? null };
}

/** @throws InvalidParameter */
export function keyringWish({ keyring }: Pick<Given<'Pair'>, 'keyring'>): KeyringWish {
  if (keyring === null) return 'ask';
  if (keyring !== 'ask' && keyring !== 'yes' && keyring !== 'no') throw new InvalidParameter('keyring');
  return keyring;
}

export const pairStory: StoryOf<'Pair'> = async (given, peer, parts) => {
  const pkhh = parsePkhh(given.hash);
  const wish = keyringWish(given);
  const account = await callerAccount(peer, parts.accounts);
  return async (person) => ({
    pairing: wirePairing(listed(await pairOwnCard(account, pkhh, { peer, person, parts }, wish))),
  });
};

export const renewStory: StoryOf<'Renew'> = async ({ hash, old, keep }, peer, parts) => {
  const account = await callerAccount(peer, parts.accounts);
  const wish = {
    account,
    pkhh: parsePkhh(hash),
    old: old === null ? null : parsePkhh(old),
    keep: keep === true,
  };
  return async (person) => {
    const { paired, removed } = await renewCard(wish, { peer, person, parts });
    return {
      pairing: wirePairing(listed(paired)),
      removed: removed === null ? null : wirePairing(listed(removed)),
    };
  };
};

export const verifyPinStory: StoryOf<'VerifyPin'> = (given, peer, parts) => {
  const id = tokenIdOf(given);
  return async (person) => ({ token: (await verifyCardPin(id, { peer, person, parts })).id });
};

export const changePinStory: StoryOf<'ChangePin'> = async (given, peer, parts) => {
  const id = tokenIdOf(given);
  const user = given.user === null ? null : await userInScope(peer, given.user, parts.accounts);
  return async (person) => ({ token: (await changeCardPin({ id, user }, { peer, person, parts })).id });
};

export const unblockPinStory: StoryOf<'UnblockPin'> = (given, peer, parts) => {
  const wanted = { id: tokenIdOf(given), user: null };
  return async (person) => ({
    token: (await unblockCardPin(wanted, { peer, person, parts }, given.helpDesk === true)).id,
  });
};

/** A seal to RSA-4096 and a challenge are shorter. */
const MAX_PART = 2000;
const MAX_CHALLENGE = 20;

export const answerChallengeStory: StoryOf<'AnswerChallenge'> = async (
  { challenge, host, user, hash, recipient, sealed },
  peer,
  parts,
) => {
  const account = await callerAccount(peer, parts.accounts);
  if (sealed.length > MAX_PART) throw new InvalidParameter('sealed');
  if (challenge.length > MAX_CHALLENGE) throw new InvalidParameter('challenge');
  const part = {
    hostId: fromHex(host),
    user: parseUsername(user),
    pkhh: parsePkhh(hash),
    recipient: parsePkhh(recipient),
    sealed: Buffer.from(sealed, 'base64'),
  };
  return async (person) => {
    const typed = new Pin(Buffer.from(challenge));
    return { shown: await answerChallenge(account, part, typed, { peer, person, parts }) };
  };
};

export const enableKeyringStory: StoryOf<'EnableKeyring'> = async (given, peer, parts) => {
  const hash = given.hash === null ? null : parsePkhh(given.hash);
  const account = await callerAccount(peer, parts.accounts);
  return async (person) => ({ hash: (await enableKeyring(account, hash, { peer, person, parts })).pkhh });
};

export const rehearseStory: StoryOf<'Rehearse'> = async ({ service }, peer, parts) => {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(service)) throw new InvalidParameter('service');
  const account = await callerAccount(peer, parts.accounts);
  return async (person) => {
    const { steps, token, hash, failure } = await rehearseLogin(account, service, peer, person, {
      ...parts,
      mayDriverServe: mayServe(parts),
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
};

export const signAnchorStory: StoryOf<'SignAnchor'> = (given, peer, parts) => {
  const user = parseUsername(given.user);
  return async (person) => {
    const { text, card } = await signAnchor(user, { peer, person, parts });
    return { anchor: text, user, hash: card.pairing.pkhh };
  };
};
