// What `sc_auth audit` says of a log: answers, faults and errors. What stands in the log itself: audit.ts.

export const usage = {
  signOwnLog: 'scauthd signs for its own log: --sign does not go with --log.',
  onlyWithSign: '--user and --pin-fd go with --sign.',
  onlyWithAnchors: '--signer goes with --anchors.',
  oneOf: (option: string, words: readonly string[]) => `--${option} takes one of: ${words.join(', ')}.`,
  key: '--key takes a hash as sc_auth list prints it, or its first digits.',
  time: (option: string) =>
    `--${option} takes a time: 2026-11-24, "2026-11-24 13:00", 90m, 12h, 7d, 2w, today or yesterday.`,
  lines: (max: number) => `--lines takes a number from 0 to ${max}.`,
  pageLines: (max: number) => `--lines takes a number from 1 to ${max}.`,
  before: '--before takes the place that a page has named.',
  older: (place: string) => `Older ones: sc_auth audit page --before ${place}`,
  first: '--first takes the number of a record.',
  whereTo: 'Where should the page go? Say: sc_auth audit report --html FILE',
};

/** Of a file that was named. */
export const file = {
  noLog: (path: string) => `There is no audit log at ${path}. Another one: --log FILE`,
  placeGone:
    'The file of that place is not there any more: it was rotated meanwhile. Begin anew without --before.',
  rootOnly: (path: string) => `Only root reads ${path}. Say: sudo sc_auth audit …`,
  unreadable: (path: string, code: string) => `${path} cannot be read (${code}).`,
  notRegular: (path: string) => `${path} is not a regular file. Look at what lies there.`,
  packed: (path: string) => `${path} is packed in a way that sc_auth does not know. Unpack it first.`,
  noRecord: (path: string) => `${path} has no record yet. The first login makes one.`,
  tooLong: (path: string) => `${path} is too long to be a key or a list of anchors.`,
  notWritten: (path: string, code: string) =>
    `${path} cannot be written (${code}). Name another file with --html.`,
  noKey: (path: string) =>
    `${path} is not there. Where is the verification key? Say: sc_auth audit verify --key FILE`,
  notAKey: (path: string) => `${path} is not a verification key: 43 characters, a line for each chain.`,
  noSigner: (path: string) => `There is no file ${path}.`,
  notASigner: (path: string) =>
    `${path} is neither a certificate nor a public key (PEM or DER) that can sign here.`,
  noAnchors: 'There is no such file of anchors.',
  noAnchorIn: (path: string) => `${path} has no anchor. An anchor looks like this: scauth-anchor 1 …`,
  noSignedAnchorIn: (path: string) =>
    `${path} has no signed anchor. To make one: sc_auth audit anchor --sign`,
};

export type SignedBy = 'signer' | 'paired' | 'unknown' | 'other' | 'wrong';

const SIGNED_BY: Readonly<Record<SignedBy, string>> = {
  signer: 'by the key of --signer',
  paired: 'by a key that is paired with the account here',
  unknown: 'whose key it is, is not known here: --signer FILE',
  other: 'the signature is by another key than that of --signer',
  wrong: 'the signature is not right',
};

/** @param by of a key, in hex; null where the signature is not right */
export function signatureText(record: number, time: string, of: string | null, by: SignedBy): string {
  return `anchor of record ${record}, ${time}${of === null ? '' : `, signed ${of}`}: ${SIGNED_BY[by]}`;
}

export function signedFor(user: string, sha256: string): string {
  return `for ${user} with key ${sha256.slice(0, 16)}…`;
}

export function recordsText(from: number | null, to: number | null): string {
  if (from === null) return 'records';
  return to === null || to === from ? `record ${from}` : `records ${from} to ${to}`;
}

/** What a walk along the log found. */
export interface ChainFault {
  readonly kind:
    /** A line whose seal is not right: changed, made up, or sealed with another key. */
    | 'altered'
    /** A line that is no sealed record. */
    | 'not-a-record'
    /** Records that are not there, from `from` to `to`. */
    | 'missing'
    /** A record that was there before, or stands in the wrong place. */
    | 'repeated'
    /** The last records are not there. */
    | 'tail-missing'
    /** A chain whose key was not given. */
    | 'no-key'
    /** A chain ends and another begins: the state of the seal was lost, or taken away. */
    | 'new-chain'
    /** There is no state of the seal, so that the end of the log is not known. */
    | 'state-missing'
    /** The state of the seal is not that of this chain. */
    | 'state-other'
    /** An anchor from outside names another record, or one that is not there. */
    | 'anchor'
    /** scauthd itself says that something is not in the log. */
    | 'gap';
  /** Numbers of records; null where they are not known. */
  readonly from: number | null;
  readonly to: number | null;
  readonly detail: string | null;
}

const FAULTS: Readonly<Record<ChainFault['kind'], (which: string, fault: ChainFault) => string>> = {
  altered: (which) => `${which}: the seal is not right (changed, made up or sealed later)`,
  'not-a-record': (_, { detail }) => detail ?? 'no sealed record',
  missing: (which, { detail }) => `${which}: not there${detail === null ? '' : ` (${detail})`}`,
  repeated: (which) => `${which}: here again, or in the wrong place`,
  'tail-missing': (which) => `${which}: cut off at the end`,
  'no-key': (which) => `${which}: sealed with a chain whose key was not given`,
  'new-chain': (_, { from }) =>
    `a new chain begins; what followed record ${from === null ? '' : from - 1} in the old one is not known`,
  'state-missing': () =>
    'audit.jsonl.seal is gone or broken: whether the last records are there is not known',
  'state-other': () =>
    'audit.jsonl.seal belongs to another log: whether the last records are there is not known',
  anchor: (which, { detail }) =>
    `an anchor says another ${which} (${detail ?? ''}): cut off, or written anew with the key`,
  gap: (which, { detail }) => `scauthd wrote in ${which}: ${detail ?? ''}`,
};

/** A fault as a sentence, without its place. */
export function faultText(fault: ChainFault): string {
  return FAULTS[fault.kind](recordsText(fault.from, fault.to), fault);
}

export const faultDetail = {
  halfLine: 'half a line',
  beginsLater: 'the log begins later',
  orAltered: 'or altered',
} as const;

export const verdict = {
  whole: (good: number) => `The log is whole: ${good} records.`,
  broken: (good: number) =>
    `The log is NOT whole. The ${good} records under "Trusted" are as scauthd wrote them; rely on no other.`,
  ownKey:
    'The key lay on this machine: root could have sealed anew with it. Take it away, and keep anchors elsewhere.',
  noneFits: 'No record fits.',
  unread: (lines: number) =>
    `${lines === 1 ? '1 line is' : `${lines} lines are`} no record. See: sc_auth audit verify`,
};

/** On the page of `sc_auth audit report`. */
export const page = {
  unchecked: (key: string) =>
    `The seal was not checked for this page. To check it: --verify-key FILE (the key that began in ${key}).`,
  whole: (good: number) => `The log is whole: each of its ${good} records has the right seal.`,
  broken: (good: number) =>
    `The log is NOT whole. ${good} records can be trusted; the rest of this page counts all of them.`,
  seal: { whole: 'Seal: whole', broken: 'Seal: broken', unchecked: 'Seal: not checked' },
  none: 'None in this time.',
  noLogin: 'No login in this time.',
  ownerUnknown: 'Owner not in these records',
  zone: (zone: string) => `All times are in ${zone}.`,
  nothingChanged: 'Nothing was changed in this time.',
};
