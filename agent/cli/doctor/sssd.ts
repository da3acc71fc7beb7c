// Whether SSSD can be asked for accounts of certificates, where [mapping] asks it: of an authority's own, which nobody has.

import { readFileSync } from 'node:fs';
import { describeError } from '../../base/errors.ts';
import { pemBlocks } from '../../base/pem.ts';
import { InfoPipe } from '../../sssd/infopipe.ts';
import { SSSD_ANSWER_MS, type CertificateUsers } from '../../sssd/interface.ts';
import { sssd as say } from '../../words/doctor.ts';
import type { Policy } from '../../../policy/policy.ts';
import { ok, unknown, warning, type Check } from './check.ts';

/** @param policy as far as it can be read @returns nothing where [mapping] does not ask SSSD */
export async function checkSssd(
  { mapping, trust }: Pick<Policy, 'mapping' | 'trust'>,
  uid: number,
  pipe: CertificateUsers = new InfoPipe(),
): Promise<Check[]> {
  if (mapping.source !== 'sssd') return [];
  if (uid !== 0) return [unknown('SSSD', say.infoPipe)];
  try {
    const [file = ''] = trust.authorities;
    const [der = Buffer.alloc(0)] = pemBlocks(readFileSync(file), 'CERTIFICATE');
    await pipe.usersOf(der, 1, AbortSignal.timeout(SSSD_ANSWER_MS));
    const weak = mapping.weak.length === 0 ? [] : [warning('SSSD', ...say.weak(mapping.weak))];
    return [ok('SSSD', say.answers), ...weak];
  } catch (error) {
    return [warning('SSSD', ...say.silent(describeError(error)))];
  }
}
