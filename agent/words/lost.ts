// What is said of a card that is lost: to whoever has it in a reader now, and to whoever says so.

/** Whoever reads it may be its owner, or have found it. */
export const CARD_LOST =
  'This card was said to be lost, so nothing takes it and no PIN was sent. If it is yours, ask your administrator (sudo sc_auth found).';

/** What depended on it; by scauthd, with the reply. */
export const note = {
  nobody: 'Nobody has paired it; it is refused all the same.',
  onlyCard: (user: string) => `It was the only card of ${user}. Another one: sc_auth pair`,
  enforced: (user: string) =>
    `The card is required, and ${user} has no other way in: sudo sc_auth enforce exempt ${user} --until 2d, until another card is paired.`,
  exempt: (user: string, until: string) => `${user} is exempt from the card until ${until}.`,
  keyring: (user: string) =>
    `It opened the login keyring of ${user}; what was sealed to it is gone. With another card: sc_auth keyring enable`,
  mapping:
    'Certificates stand for accounts here ([mapping]), and a card may be given another number: say its hash too, and have its certificate revoked.',
  cardStays: (serial: string) => `Its card is still lost as a whole: sudo sc_auth found --serial ${serial}`,
};

export const lost = {
  none: 'Nothing was said to be lost. To say so: sc_auth lost -h HASH (sc_auth list), or --serial N',
  line: (what: string, user: string | null, by: string, at: string) =>
    `${what}${user === null ? '' : ` of ${user}`}, lost since ${at.slice(0, 10)}, said by ${by}`,
  said: (what: string, user: string | null) =>
    `${what}${user === null ? '' : ` of ${user}`} is refused everywhere from now on.`,
  sessions: (count: number) =>
    count === 1
      ? 'The session that it had opened was locked.'
      : `${count} sessions that it had opened were locked.`,
  undo: 'If it turns up: sudo sc_auth found, with the same hash or number.',
  confirm: 'Only the administrator can take that back. Say it? y or n, Enter = no: ',
  yesOrNo: 'Type y or n.',
  cancelled: 'Cancelled. Nothing was said to be lost.',
  found: (what: string) => `${what} is taken again where it is paired.`,
  sayWhich: 'Say which: -h HASH (sc_auth lost lists them), or --serial N',
};

export const key = (hash: string): string => `The key ${hash}`;
export const card = (serial: string): string => `The card ${serial}`;
