// [trust]: how far a certificate on a card must be trusted before its key may log in.
// Proof of possession is not here: no setting turns it off.

import { fileList, fingerprint, flag, list, oneOf, whole, type SettingTable } from './setting.ts';

export const trustSettings = {
  level: {
    schema: oneOf([0, 1, 2, 3]),
    default: 0,
    unit: 'level',
    meaning:
      '0: the pairing alone decides. 1: the chain to one of the authorities must hold, and be valid now. 2: as 1, and a certificate that is known to be revoked is refused; what cannot be asked counts as good. 3: as 2, and a certificate must be known to be good. Warning: with 3, an authority whose list or responder cannot be reached shuts its card users out (their passwords still work, unless cards are enforced).',
  },
  authorities: {
    schema: fileList,
    default: [],
    unit: 'PEM files',
    meaning:
      'Certificates of the authorities: those that are self-signed are trusted, the others only complete chains. Needed from level 1 on. Read when scauthd starts and on SIGHUP.',
  },
  pinned: {
    schema: list(fingerprint, 'must be a list of fingerprints', 64, 'must have at most 64 fingerprints'),
    default: [],
    unit: 'SHA-256 fingerprints',
    meaning:
      'A chain must go through one of these authorities (SHA-256 of its certificate). [] means any of the authorities. Needed for [mapping].',
  },
  crl_files: {
    schema: fileList,
    default: [],
    unit: 'PEM or DER files',
    meaning:
      'Revocation lists on this machine, at most 8 MiB each. Read again when a file changes. A list that is expired, unsigned or of another authority counts as none.',
  },
  crl_download: {
    schema: flag,
    default: true,
    meaning:
      'From level 2 on, fetch revocation lists from the distribution points (http) that a certificate names. Warning: scauthd then opens connections to hosts that your authorities choose.',
  },
  ocsp: {
    schema: flag,
    default: true,
    meaning:
      'From level 2 on, ask the OCSP responder (http) that a certificate names. The answer is fetched when the card is put in, so that a login does not wait for it.',
  },
  timeout_ms: {
    schema: whole(100, 10_000),
    default: 2000,
    unit: 'milliseconds',
    meaning: 'Longest wait for one responder or distribution point, and of a login for both.',
  },
  cache_minutes: {
    schema: whole(1, 10_080),
    default: 720,
    unit: 'minutes',
    meaning:
      'How long an answer about revocation is used at most; never longer than the answer itself says. Warning: a card that is revoked meanwhile still logs in.',
  },
} as const satisfies SettingTable;
