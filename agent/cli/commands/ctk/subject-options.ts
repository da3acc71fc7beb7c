// The options by which macOS' commands say whose key it is, as io.scauth takes them.

import type { Methods } from '../../../protocol/io-scauth.ts';
import { machineKeys as say } from '../../../words/machine-keys.ts';
import { CommandError } from '../../exit-codes.ts';

export const SUBJECT_OPTIONS = {
  'common-name': { type: 'string', short: 'N' },
  email: { type: 'string', short: 'E' },
  unit: { type: 'string', short: 'U' },
  organisation: { type: 'string', short: 'O' },
  locality: { type: 'string', short: 'L' },
  state: { type: 'string', short: 'S' },
  country: { type: 'string', short: 'C' },
} as const;

export const SUBJECT_HELP = `  -N, --common-name NAME   whose key it is; without it your account's name
  -E, --email ADDRESS      an address, where the certificate is to have one; in the same way:
  -U, --unit NAME          the unit
  -O, --organisation NAME  the organisation
  -L, --locality NAME      the place
  -S, --state NAME         the state or province
  -C, --country CC         the country, two capital letters`;

type Subject = Omit<Methods['RequestCertificate']['parameters'], 'hash'>;

/** @throws CommandError `usage` */
export function subjectOf(
  options: Readonly<Partial<Record<keyof typeof SUBJECT_OPTIONS, string | undefined>>>,
): Subject {
  const { 'common-name': commonName = null, email = null, unit = null, country = null } = options;
  if (country !== null && !/^[A-Z]{2}$/.test(country)) throw new CommandError('usage', say.country);
  const { organisation = null, locality = null, state = null } = options;
  return { commonName, email, unit, organisation, locality, state, country };
}
