// Subjects of a PIV card's first certificate, and the label that OpenSC's PKCS#11 module gives the token; null: scauth does not
// say one, since OpenSC may choose, or what it shows is no text.

export const TOKEN_NAMES: readonly (readonly [subject: string, name: string | null])[] = [
  ['CN=Ada Lovelace', 'Ada Lovelace'],
  ['C=GB,O=Engines,CN=Lovelace\\, Ada', 'Lovelace, Ada'],
  // OpenSC 0.23 shows the colon, later releases a full stop.
  ['CN=Ada: card 1', null],
  ['CN=Zoë Ångström', 'Zoë Ångström'],
  ['CN=Augusta Ada King-Noel Countess 32', 'Augusta Ada King-Noel Countess 32'.slice(0, 29) + '...'],
  ['CN=Augusta Ada King-Noel Countess', 'Augusta Ada King-Noel Countess'],
  ['CN=Augusta Ada King-Noel Countess 3', 'Augusta Ada King-Noel Countess 3'],
  // The cut goes through a letter.
  ['CN=éééééééééééééééééé', null],
  ['CN=Users,CN=Ada Lovelace', null],
  ['CN=Ada Lovelace+UID=12001', null],
  ['O=Engines', null],
];
