// The upgraded calls about keys on the machine's own chip: parameters in, story out.

import {
  createMachineKey,
  deleteMachineKeys,
  requestForMachineKey,
  type MachineKeyWish,
} from '../../stories/setup/machine-keys.ts';
import type { Account } from '../../model/account.ts';
import { parsePkhh } from '../../model/key/key.ts';
import type { Subject } from '../../model/key/unsigned-document.ts';
import { InvalidParameter, PermissionDenied } from '../../protocol/varlink.ts';
import type { Given } from '../../protocol/io-scauth.ts';
import { callerAccount } from './caller.ts';
import type { StoryOf } from './method-parts.ts';

/** CK_TOKEN_INFO. */
const MAX_LABEL_BYTES = 32;
/** RFC 5280, appendix A, of the shortest; longer ones would be cut. */
const MAX_NAME = 64;
const MAX_EMAIL = 64;
const ALGORITHMS = ['p256', 'p384'] as const;

/** Letters, marks and the like, no control or direction characters. */
const TEXT = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]+$/u;
/** IA5String. */
const EMAIL = /^[!-~]+$/;
const COUNTRY = /^[A-Z]{2}$/;

const NAMES = ['commonName', 'unit', 'organisation', 'locality', 'state'] as const;
type SubjectGiven = Pick<Given<'RequestCertificate'>, (typeof NAMES)[number] | 'email' | 'country'>;

/** @throws InvalidParameter */
function checked(name: string, value: string | null, form: RegExp, most: number): string | undefined {
  if (value === null) return undefined;
  if (!form.test(value) || Array.from(value).length > most) throw new InvalidParameter(name);
  return value;
}

function subjectOf(given: SubjectGiven, account: Account): Subject {
  const [commonName, unit, organisation, locality, state] = NAMES.map((name) =>
    checked(name, given[name], TEXT, MAX_NAME),
  );
  const email = checked('email', given.email, EMAIL, MAX_EMAIL);
  const country = checked('country', given.country, COUNTRY, 2);
  return {
    commonName: commonName ?? account.fullName ?? account.name,
    ...(email !== undefined && { email }),
    ...(unit !== undefined && { unit }),
    ...(organisation !== undefined && { organisation }),
    ...(locality !== undefined && { locality }),
    ...(state !== undefined && { state }),
    ...(country !== undefined && { country }),
  };
}

function wishOf(given: Given<'CreateKey'>, account: Account): MachineKeyWish {
  const algorithm = ALGORITHMS.find((one) => one === given.algorithm);
  if (algorithm === undefined) throw new InvalidParameter('algorithm');
  const { label, token } = given;
  if (!TEXT.test(label) || Buffer.byteLength(label) > MAX_LABEL_BYTES) throw new InvalidParameter('label');
  return { token, newToken: given.newToken === true, label, algorithm, subject: subjectOf(given, account) };
}

export const createKeyStory: StoryOf<'CreateKey'> = async (given, peer, parts) => {
  const account = await callerAccount(peer, parts.accounts);
  const wish = wishOf(given, account);
  // The chip is the machine's, and has room for so many.
  if (wish.newToken && peer.uid !== 0) throw new PermissionDenied('a new token');
  return async (person) => {
    const { token, key } = await createMachineKey(account, wish, { peer, person, parts });
    return { hash: key.publicKey.pkhh, token: token.id };
  };
};

export const requestStory: StoryOf<'RequestCertificate'> = async (given, peer, parts) => {
  const pkhh = parsePkhh(given.hash);
  const subject = subjectOf(given, await callerAccount(peer, parts.accounts));
  return async (person) => {
    const request = await requestForMachineKey(pkhh, subject, { peer, person, parts });
    return { request: request.toString('base64') };
  };
};

export const deleteKeysStory: StoryOf<'DeleteKeys'> = ({ token, hash }, peer, parts) => {
  const pkhh = hash === null ? null : parsePkhh(hash);
  return async (person) => ({ deleted: await deleteMachineKeys(pkhh, token, { peer, person, parts }) });
};
