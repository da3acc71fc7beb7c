// All behaviours, in the order of the table.
import { hostile } from './hostile.ts';
import { login } from './login.ts';
import { nobody } from './nobody.ts';
import { others } from './others.ts';
import { pin } from './pin.ts';
import { proof } from './proof.ts';
import { terminal } from './terminal.ts';
import type { Behaviour } from '../behaviour.ts';

export const CHAPTERS: readonly (readonly [title: string, behaviours: readonly Behaviour[]])[] = [
  ['With the card', login],
  ['The PIN', pin],
  ['What the card must prove', proof],
  ['sudo, and what lies around', terminal],
  ['Cards that answer wrong', hostile],
  ['Nothing to log in with', nobody],
  ['Other users, and other machines', others],
];

/**
 * The failures of other programs (L) and the attacks of our own (S, up to 17) that no sentence here is about, since no login
 * shows them, and where they are tried instead.
 */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  L22: 'two keys with one SHA-1 hash: nobody has such two; test/unit/stories/pair/pair.test.ts gives the code two',
  L25: 'the card is required before anybody has one: a command of an administrator’s; test/system/enforcement/enforcement.test.ts',
  L26: 'a sealed log that is changed: a log is no login; test/unit/audit/seal.test.ts and test/unit/cli/audit/verify.test.ts',
  S10: 'a call of scauthd’s own protocol; test/unit/socket/methods/method-table.test.ts',
  S11: 'names of certificates from an authority with constraints, which a paired card has not; test/unit/trust/chain.test.ts',
  S12: 'what an administrator is told of a stack that does not ask; test/system/login/enforcement-cover.test.ts',
  S14: 'polkit on Debian 13: a root of that Debian; test/package/debian-13.slow.ts',
  S15: 'lists of 100,000 pairings: an administrator’s; test/system/login/many-pairings.long.test.ts',
};
