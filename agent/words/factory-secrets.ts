// What is said of a card whose PIN, PUK or management key is the factory's, with what to do about each.

import { opensToFinder, type FactorySecrets } from '../model/card/factory-secrets.ts';

/** `the PIN and the PUK`; empty where none is. */
function named({ pin, puk }: FactorySecrets): string {
  return [...(pin === true ? ['the PIN'] : []), ...(puk === true ? ['the PUK'] : [])].join(' and ');
}

/** null: there is nothing to say. */
export function factorySecretsText(secrets: FactorySecrets): string | null {
  if (!opensToFinder(secrets)) return null;
  const names = named(secrets);
  const isAre = names.includes(' and ') ? 'are' : 'is';
  return `${names[0]?.toUpperCase() ?? ''}${names.slice(1)} of this card ${isAre} still the factory's: whoever finds it can log in with it. Change: sc_auth changepin --factory`;
}

const IF_UNCHANGED =
  "If nobody has changed it, whoever finds the card can set a new PIN: change it with the program of the card's maker";

/** At pairing, of a card with a PUK. */
export const PUK_NOT_TOLD = `This card does not tell whether its PUK is still the factory's. ${IF_UNCHANGED}.`;

/**
 * One line each, for lists of what is on a card.
 * @param hasPuk as far as is known
 */
export function factorySecretsNotes({ pin, puk, managementKey }: FactorySecrets, hasPuk: boolean): string[] {
  return [
    ...(puk === null && hasPuk
      ? [`the card does not tell whether its PUK is the factory's. ${IF_UNCHANGED}`]
      : []),
    ...(pin === true
      ? ["the PIN is the factory's (123456): change it with sc_auth changepin --factory"]
      : []),
    ...(puk === true
      ? [
          "the PUK is the factory's (12345678), so whoever finds the card can set a new PIN: change it with sc_auth changepin --factory",
        ]
      : []),
    ...(managementKey === true
      ? [
          "the management key is the factory's: whoever has the card can put other keys on it (yubico-piv-tool -a set-mgm-key)",
        ]
      : []),
  ];
}
