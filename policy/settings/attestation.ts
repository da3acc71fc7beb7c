// [attestation]: whether a card's maker must vouch for a key before it is paired. At pairing only: the key cannot change.

import { fileList, flag, text, word, type SettingTable } from './setting.ts';

export const attestationSettings = {
  required: {
    schema: flag,
    default: false,
    meaning:
      'A key is paired only if the maker of its card attests that it was made on the card and cannot leave it (YubiKey 4.3 and later: slot F9). Pairings that are there already stay. Warning: with true, keys that were imported and cards of other makers cannot be paired, and neither can a hash or a certificate without its card.',
  },
  roots: {
    schema: fileList,
    default: [],
    unit: 'PEM files',
    meaning:
      "The makers' authorities: those that are self-signed are trusted, the others only complete chains (Yubico publishes both at developers.yubico.com/PKI). Needed where attestation is required.",
  },
  pin_policy: {
    schema: word(['any', 'once', 'always']),
    default: 'any',
    meaning: 'When the attested key must at least want the PIN: "once" an insertion, or "always".',
  },
  touch_policy: {
    schema: word(['any', 'cached', 'always']),
    default: 'any',
    meaning:
      'When the attested key must at least want to be touched: "cached" (once in 15 seconds), or "always". Against a program that has learnt the PIN.',
  },
  min_firmware: {
    schema: text(/^$|^\d{1,3}\.\d{1,3}\.\d{1,3}$/, 'must be a version such as "5.7.0", or ""'),
    default: '',
    unit: 'version',
    meaning:
      'The oldest firmware of a card that may be paired, as "5.7.0" (Yubico\'s advisory YSA-2024-03 is about older ones). "" means any.',
  },
} as const satisfies SettingTable;
