// [enforcement]: whom `sc_auth enforce on` binds. Whether it is on is no setting: a file that is copied to a machine
// must not lock its people out; the command looks first.

import { accountName, flag, groupList, serviceList, whole, word, type SettingTable } from './setting.ts';

export const enforcementSettings = {
  required_groups: {
    schema: groupList,
    default: [],
    unit: 'groups',
    meaning:
      'The card is required of the members of these groups, and of root; all others may go on with their password. [] means of everybody. Warning: where one of these groups does not exist, or cannot be looked up, everybody counts as a member. While scauthd does not run, nobody knows who is one ("closed" below binds everybody then).',
  },
  exempt_group: {
    schema: accountName,
    default: '',
    unit: 'group',
    meaning: 'Members of this group never need a card. "" means no group.',
  },
  allow_unpaired_users: {
    schema: flag,
    default: false,
    meaning:
      'Users without a pairing may go on with their password. Warning: with false, whoever has no card is shut out as soon as enforcement is on.',
  },
  services: {
    schema: serviceList,
    default: ['*'],
    unit: 'PAM services',
    meaning:
      'Services in which a card is required, as far as login.services lets a card be used there. ["*"] means all.',
  },
  remote: {
    schema: flag,
    default: false,
    meaning:
      'Require the card in sessions from other hosts too (ssh keys and all). Warning: unless login.remote is true no card can be used from there, so this closes the way in from the network.',
  },
  agent_absent: {
    schema: word(['open', 'closed']),
    default: 'open',
    meaning:
      'While the card is required and scauthd does not run: "open" lets the password in, "closed" nobody but root on a console. Warning: with "closed" a scauthd that cannot start shuts everybody out. A scauthd that runs and does not answer lets nobody in either way.',
  },
  confirm_minutes: {
    schema: whole(1, 1440),
    default: 30,
    unit: 'minutes',
    meaning:
      'After `sc_auth enforce on` this much time is left for a login by card, which confirms it; then it goes off by itself.',
  },
} as const satisfies SettingTable;
