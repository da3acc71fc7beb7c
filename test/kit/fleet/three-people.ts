// A directory's people with a card each, and what a machine gets of its book that has asked for none of them.

import { head, keyHash, officer, record } from './lines.ts';
import { baseLdif, personLdif } from './slapd.ts';

export const [ADA, GRACE, LIN] = [keyHash('ada'), keyHash('grace'), keyHash('lin')];
export const ALWAYS = [head(1), officer('a')];
export const PEOPLE =
  personLdif('ada', ADA, record(ADA)) +
  personLdif('grace', GRACE, record(GRACE)) +
  personLdif('lin', LIN, record(LIN));
export const THREE_PEOPLE = baseLdif({ heads: [head(1)], officers: [officer('a')] }) + PEOPLE;
