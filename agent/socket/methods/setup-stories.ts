// The upgraded calls that change what is on a card: parameters in, story out.

import { toHex } from '../../base/bytes.ts';
import { importCertificate } from '../../stories/setup/import-certificate.ts';
import { takeOwnSecrets } from '../../stories/setup/own-secrets.ts';
import { setUpCard, type SetupWish } from '../../stories/setup/set-up-card.ts';
import type { KeyAlgorithm } from '../../model/key/key.ts';
import { parsePkhh } from '../../model/key/key.ts';
import { listed } from '../../model/pairing.ts';
import type { TouchPolicy } from '../../model/card/token.ts';
import { InvalidParameter, PermissionDenied } from '../../protocol/varlink.ts';
import type { Given } from '../../protocol/io-scauth.ts';
import { accountNamed, callerAccount, tokenIdOf } from './caller.ts';
import { keyringWish } from './card-stories.ts';
import type { StoryOf } from './method-parts.ts';
import { certificateOf } from './pairing-methods.ts';
import { wirePairing } from './wire.ts';

const ALGORITHMS: readonly KeyAlgorithm[] = ['p256', 'p384', 'rsa2048', 'rsa3072', 'rsa4096', 'ed25519'];
const TOUCH: readonly TouchPolicy[] = ['never', 'always', 'cached'];
const PIN_POLICIES = ['once', 'always'] as const;

/** @throws InvalidParameter; the first of `words` where none was given */
function wordOf<W extends string>(
  name: string,
  given: string | null,
  words: readonly [W, ...W[]] | readonly W[],
): W {
  const word = given === null ? words[0] : words.find((one) => one === given);
  if (word === undefined) throw new InvalidParameter(name);
  return word;
}

function wishOf(given: Given<'SetUp'>): SetupWish {
  return {
    token: tokenIdOf(given),
    reader: given.reader,
    key: {
      algorithm: wordOf('algorithm', given.algorithm, ALGORITHMS),
      pinPolicy: wordOf('pinPolicy', given.pinPolicy, PIN_POLICIES),
      touchPolicy: wordOf('touchPolicy', given.touchPolicy, TOUCH),
    },
    holder: given.holder === null || given.holder.trim() === '' ? null : given.holder.trim(),
    wantsRequest: given.request === true,
    keyring: keyringWish(given),
    officer: given.officer === null ? null : certificateOf(given.officer).publicKey,
  };
}

export const setUpStory: StoryOf<'SetUp'> = async (given, peer, parts) => {
  const wish = wishOf(given);
  if (given.user !== null && peer.uid !== 0) throw new PermissionDenied('own account only');
  const account =
    given.user === null
      ? await callerAccount(peer, parts.accounts)
      : await accountNamed(given.user, parts.accounts);
  return async (person) => {
    const atWork = (reader: string) => parts.sessionCards.atWork(reader);
    const { issued, pairing, deskPart } = await setUpCard(account, wish, {
      peer,
      person,
      parts: { ...parts, atWork },
    });
    return {
      hash: issued.publicKey.pkhh,
      request: issued.request === null ? null : issued.request.toString('base64'),
      pairing: pairing === null ? null : wirePairing(listed(pairing)),
      desk:
        deskPart === null
          ? null
          : {
              host: toHex(parts.pairings.hostId()),
              user: account.name,
              hash: issued.publicKey.pkhh,
              recipient: wish.officer?.pkhh,
              sealed: deskPart.toString('base64'),
            },
    };
  };
};

export const ownSecretsStory: StoryOf<'TakeOwnSecrets'> = (given, peer, parts) => {
  const pkhh = given.hash === null ? null : parsePkhh(given.hash);
  return async (person) => ({ token: (await takeOwnSecrets(pkhh, { peer, person, parts })).id });
};

export const importCertificateStory: StoryOf<'ImportCertificate'> = (given, peer, parts) => {
  const id = tokenIdOf(given);
  const certificate = certificateOf(given.certificate);
  return async (person) => {
    const { token, identity } = await importCertificate(certificate, id, { peer, person, parts });
    return { token: token.id, hash: identity.publicKey.pkhh };
  };
};
