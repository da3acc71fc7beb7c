// [card]: what is asked of a card itself.

import { word, type SettingTable } from './setting.ts';

export const cardSettings = {
  factory_secrets: {
    schema: word(['refuse', 'warn']),
    default: 'refuse',
    meaning:
      'What happens with a card whose PIN or PUK is still the factory\'s, where the card tells (YubiKey 5.3 and later). "refuse": it is not paired, and a pairing that was made without the card does not take it; cards that were paired before log in, are told so each time, and the audit log has it. "warn": it is paired, with a warning. Warning: whoever finds such a card sets a new PIN with the PUK that is printed in the manual.',
  },
} as const satisfies SettingTable;
