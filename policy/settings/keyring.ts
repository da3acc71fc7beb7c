// [keyring]: whether cards may open login keyrings, and in which logins.

import { flag, serviceList, type SettingTable } from './setting.ts';
import { servicesThat } from '../services.ts';

export const keyringSettings = {
  allowed: {
    schema: flag,
    default: true,
    meaning:
      'Cards may open login keyrings: at pairing people are asked whether they want that, where a PAM module for keyrings is in use. false: nobody is asked, and nothing that was sealed before is opened.',
  },
  services: {
    schema: serviceList,
    default: servicesThat('startsSession'),
    unit: 'PAM services',
    meaning:
      "Services that get the keyring's secret (the account password, as PAM_AUTHTOK) after a login by card, where root runs them. Warning: every module behind pam_scauth.so in the same stack can read it.",
  },
} as const satisfies SettingTable;
