// [pkcs11]: the modules, and what they need to begin.

import * as v from 'valibot';
import { flag, text, type SettingTable } from './setting.ts';

const modulePath = text(
  /^(opensc|\/[^\0]{1,500})$/,
  'must be the absolute path of a PKCS#11 module, or "opensc"',
);
const environmentEntry = text(/^[A-Za-z_][A-Za-z0-9_]{0,63}=[^\0]{0,1000}$/, 'must be NAME=value');
const groups = v.array(
  text(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,31}$/, 'must be the name of a group'),
  'must be a list of groups',
);
const moduleTable = v.strictObject({
  path: modulePath,
  init_args: v.optional(text(/^[^\0]{0,1000}$/, 'must be text'), ''),
  groups: v.optional(groups, []),
});

export const pkcs11Settings = {
  modules: {
    schema: v.array(
      v.union(
        [modulePath, moduleTable],
        'must be the absolute path of a PKCS#11 module, "opensc", or { path = "…", init_args = "…", groups = ["…"] }',
      ),
      'must be a list of modules',
    ),
    default: ['opensc'],
    meaning:
      'PKCS#11 modules, each run in a process of its own and asked in this order. "opensc" is OpenSC\'s, where it is installed. A module that needs more to begin is a table: { path = "/…/libsoftokn3.so", init_args = "configdir=\'sql:/var/lib/scauth-nss\' flags=readOnly", groups = ["pkcs11"] }: init_args are the parameters that NSS softokn wants of C_Initialize, groups are added to those below.',
  },
  environment: {
    schema: v.array(environmentEntry, 'must be a list of NAME=value'),
    default: [],
    meaning: 'Environment variables for the modules, e.g. "TPM2_PKCS11_STORE=/var/lib/scauth-tpm".',
  },
  groups: {
    schema: groups,
    default: [],
    meaning: 'Groups that the modules need beside their own user, e.g. "tss" for the TPM.',
  },
  any_pin: {
    schema: flag,
    default: false,
    meaning:
      'PINs may hold other characters than digits. Warning: with true, a password that is typed at the PIN prompt reaches the card and costs a try.',
  },
} as const satisfies SettingTable;
