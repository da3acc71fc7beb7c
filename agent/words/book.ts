// What `sc_auth book` says.

export const book = {
  whichFile: 'Name the book: -f FILE.',
  whichRealm: 'Name the fleet: --realm NAME.',
  otherRealm: (realm: string) => `This is the book of ${realm}.`,
  whichUser: 'Name the account: -u USER; or --from LIST, --officer, --new-head-key FILE.',
  whichHeadKey: 'Name the on-line key: --head-key FILE.',
  whichSigners:
    'Name the officers that machines pin: --signer officers.book, or --signer SHA256 once for each.',
  whichBase: 'Name the directory’s base: --ldif --base DN.',
  threshold: 'A number from 1 to 8 belongs behind --threshold.',
  whatToRevoke: 'Name one of -h HASH (a key), -u USER (the records of an account) and --number N (an item).',
  noRecords: 'The book has no record of this account.',
  tooLong: (path: string) => `${path} is too long for a book.`,
  unreadable: (path: string) => `${path} cannot be read.`,
  unwritable: (path: string) => `${path} cannot be written.`,
  notALine: (path: string, line: number) => `${path}:${line} is no line of a pairing book.`,
  noCertificate: (path: string) => `${path} is no certificate with a key for logins.`,
  noHeadKey: (path: string) => `${path} is no private key (PEM, Ed25519 or P-256).`,
  noKey: 'No card with a key for logins is in, or none with this hash.',
  severalKeys: 'Several keys are in: name one with -h HASH.',
  days: 'A number of days belongs behind --days.',
  notTaken: 'No machine would take that: see the names and times (FLEET.md).',
  row: (line: number, problem: string) => `Line ${line}: ${problem}`,
  needsCertificate: 'the book needs the whole key: name a certificate, not a hash.',
  begun: (file: string, sha256: string): string[] => [
    `${file}: an officer's line as a draft. Sign it: sc_auth book sign -f ${file}`,
    `Machines pin this officer by: ${sha256}`,
  ],
  added: (file: string, count: number) =>
    `${file}: ${count} drafts more. Sign them: sc_auth book sign -f ${file}`,
  signed: (file: string, count: number) =>
    count === 0 ? `${file}: nothing waits for a signature.` : `${file}: ${count} lines signed.`,
  head: (epoch: number, until: string, revoked: number) =>
    `Head ${epoch}, valid until ${until}; ${revoked} keys and items are revoked.`,
  exported: (file: string, lines: number) => `${file}: ${lines} lines.`,
  verified: ({ lines, records, drafts, bad, whole }: Verified): string[] => [
    `${lines} lines, ${records} records signed by officers, ${drafts} drafts.`,
    ...(bad.length === 0 ? [] : [`Not signed by whom they need: lines ${bad.slice(0, 20).join(', ')}.`]),
    whole
      ? 'The newest head counts the same records.'
      : 'The newest head counts other records: sign a new one.',
  ],
} as const;

interface Verified {
  readonly lines: number;
  readonly records: number;
  readonly drafts: number;
  readonly bad: readonly number[];
  readonly whole: boolean;
}
