// What `sc_auth show` says of a card and its keys: a few words each, since they stand in a picture. What is wrong is a
// sentence with its next step.

import { triesLeftText } from './pin-tries.ts';

const USES: ReadonlyMap<string, string> = new Map([
  ['authentication', 'logging in'],
  ['signature', 'signing'],
  ['key-management', 'decrypting'],
  ['card-authentication', 'the card itself'],
  ['retired', 'decrypting what is old'],
]);

/** `P-256`, `RSA-2048`, `Ed25519`. */
function algorithmName(algorithm: string): string {
  if (algorithm === 'ed25519') return 'Ed25519';
  return algorithm.toUpperCase().replace(/^(P|RSA)(?=\d)/, '$1-');
}

function wants(what: string, policy: string | null): string[] {
  return policy === null ? [] : [`${what} ${policy}`];
}

export const card = {
  reader: (reader: string) => `in ${reader}`,
  tries: (left: number | null, total: number | null) => {
    if (left === null) return 'tries not known';
    return total === null ? triesLeftText(left) : `${left} of ${total} tries`;
  },
  noKey: 'no key',
  todo: 'What to do',
};

export const key = {
  slot: (slot: string, use: string) => `${slot} for ${USES.get(use) ?? use}`,
  kind: (algorithm: string, pin: string | null, touch: string | null) =>
    [algorithmName(algorithm), ...wants('PIN', pin), ...wants('touch', touch)].join(', '),
  noCertificate: 'without a certificate',
  issuedBy: (issuer: string) => `issued by ${issuer}`,
  /** Of an authority that is known here. */
  authority: (name: string, day: string) => `known here: ${name}, valid until ${day}`,
  paired: (users: readonly string[], you: boolean) => `paired with ${you ? 'you' : users.join(', ')}`,
  unpaired: (you: boolean) => `not paired with ${you ? 'you' : 'anybody'}`,
  unfit: (why: string) => `not for login: ${why}`,
  daysLeft: (days: number) => {
    if (days < 0) return 'has ended';
    if (days === 0) return 'ends today';
    return days === 1 ? '1 day left' : `${days} days left`;
  },
  notYet: 'not valid yet',
};

export const problem = {
  pinBlocked: 'The PIN is blocked. A new one, by the PUK: sc_auth unblock',
  lastTry: 'One PIN try is left. The right PIN gives all of them back: sc_auth verifypin',
  pukBlocked: 'The PUK is blocked: once the PIN is, nothing unblocks this card.',
  unpaired: (slot: string, asRoot: boolean) =>
    asRoot
      ? `${slot} is paired with nobody. To pair it: sc_auth pair -u USER`
      : `${slot} is not paired with you. To pair it: sc_auth pair`,
  ended: (slot: string, on: string) => `The certificate in ${slot} ended on ${on}. Get a new one.`,
  ends: (slot: string, on: string) => `The certificate in ${slot} ends on ${on}. Get a new one before that.`,
  notYet: (slot: string, from: string) =>
    `The certificate in ${slot} is valid from ${from} on. Look at the clock of this machine.`,
  notTrusted: (slot: string, why: string) => `The certificate in ${slot} is not trusted: ${why}`,
};
