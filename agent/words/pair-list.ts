// What `sc_auth pair --from` says: of a list of accounts and keys, and of each of its rows.

export const toList = {
  twoFields: 'A row has two fields: the account, and a hash or the name of a certificate file.',
  oneKey: 'A row has either a hash or a certificate.',
  longLine: 'The line is longer than 8 KiB.',
  notText: 'The line is no UTF-8 text.',
  quotes: 'A quotation mark is missing, or one is too many.',
  utf16: 'The list is UTF-16. Save it as UTF-8.',
  tooLong: 'The list is longer than 64 MiB, or than 100,000 rows. Split it.',
  empty: (path: string) => `There is nothing to pair in ${path}.`,
  noCertificates: (path: string) =>
    `There is no certificate in ${path}: names end with .pem, .crt, .cer or .der.`,
  unreadable: (path: string, code: string) => `${path} cannot be read (${code}).`,
  alone: 'With --from there is no -u, -h, --certificate, --keyring, --pin-fd or --password-fd.',
  userFrom: 'Say --user-from file, cn, email or upn.',
  onlyFolder: '--user-from is for a folder of certificates.',
  adminOnly: 'Pairing by a list is for the administrator. Run it with sudo.',
  noUser: 'No account is named.',
  notAName: 'This is not the name of an account.',
  noSuchName: (kind: string) => `The certificate names no account (${kind}), or several.`,
  authority:
    'This is the certificate of an authority, not of a person. If a card really has it, pair its hash.',
  expired: (day: string) =>
    `The certificate ended on ${day}. To pair it all the same: sc_auth pair --certificate.`,
  changed: 'The certificate has changed since the list was read. Run it again.',
  severalUsers: (users: string) =>
    `One key for several accounts (${users}). If they are all one person's: --shared.`,
};

type Result = 'paired' | 'already' | 'would-pair' | 'refused' | 'not-tried';

export const row = {
  place: (line: number | null, file: string | null, user: string | null) =>
    [line === null ? (file ?? '') : `line ${line}`, user ?? ''].filter((part) => part !== '').join(', '),
  done: (result: Result, hash: string) =>
    result === 'already'
      ? `already paired with ${hash}`
      : `${result === 'paired' ? 'paired' : 'would be paired'} with ${hash}`,
  refused: (why: string) => `REFUSED: ${why}`,
};

export const total = {
  done: (count: Readonly<Record<Result, number>>) =>
    `${count['paired'] + count['would-pair']} ${count['would-pair'] > 0 ? 'would be paired' : 'paired'}, ${count.already} were already, ${count.refused} refused.`,
  stopped: (notTried: number, why: string) =>
    `${why} ${notTried} rows were not tried. Run it again: what is paired stays.`,
  keysUnknown: (count: number) =>
    `${count} by a hash whose card is not here: the whole key is stored at the first login with it.`,
  dry: 'Nothing was changed.',
};
