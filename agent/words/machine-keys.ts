// What is said of keys on the machine's own chip (sc_auth create-ctk-identity and its like, macOS' words).

/** Of a new token's PIN. */
export const NEW_PIN_DIGITS = { least: 6, most: 8 } as const;

/** Each is said behind "Not understood: ". */
export const NO_TOKEN =
  "no token for keys is on this machine's chip. The administrator makes one: sudo sc_auth create-ctk-identity -l LABEL -k p-256-ne --new-token";
export const NO_SUCH_TOKEN = "no token of this name is on this machine's chip: sc_auth list-smartcards -v";
export const SEVERAL_TOKENS =
  "several tokens are on this machine's chip: name one with --token TOKEN (sc_auth list-smartcards -v)";
export const LABEL_TAKEN = 'a token of this label is there already: give another one with -l';
export const NO_SUCH_KEY = "this machine's chip has no key with this hash: sc_auth list-ctk-identities";
export const stillPaired = (hash: string): string =>
  `the key ${hash} is paired. Take that back first: sc_auth unpair -h ${hash}`;

/** What the commands themselves say. */
export const machineKeys = {
  created: (hash: string) => `Created ${hash}. To log in with it: sc_auth pair -h ${hash}`,
  requested: (path: string) =>
    `Give ${path} to your certificate authority. With what it makes of it: sc_auth import-ctk-certificate -f FILE`,
  deleted: (hash: string) => `Deleted ${hash}.`,
  none: "There are no keys on this machine's chip.",
  whichLabel: 'Give the key a name: -l LABEL (at most 32 bytes).',
  whichKind: 'Say which key: -k p-256-ne or -k p-384-ne.',
  whichHash: 'Say which key: -h HASH (sc_auth list-ctk-identities).',
  whichFile: 'Say which file: -f FILE.',
  noKind: (kind: string) =>
    kind === 'p-521'
      ? 'Logins take no P-521 keys. Use p-256-ne or p-384-ne.'
      : `There are no ${kind} keys here: p-256-ne or p-384-ne.`,
  staysIn: 'The key stays in the chip: it cannot be exported, as if it were a -ne one.',
  noBiometry: 'This chip knows no fingerprints: its keys are used with a PIN. Leave -t bio out.',
  noProtection: (word: string) => `-t is none or bio, and not ${word}. Here a PIN protects each key.`,
  hashKinds: '-t is sha1, sha256 or ssh.',
  encodings: '-e is hex or b64.',
  country: '-C is a country of two letters, as in DE.',
  noExport:
    "A key in this machine's chip cannot be taken out of it, with a password or without. Its certificate: sc_auth export-smartcard. Make a key on each machine: sc_auth create-ctk-identity",
  noImport:
    "Keys from a file are not put into this machine's chip: whoever has the file would have the key. Make one there: sc_auth create-ctk-identity",
  newTokenIsRoots: 'A new token is for the administrator: sudo sc_auth create-ctk-identity',
};
