// What sc_auth says by itself, whatever the command: of its usage, of scauthd's silence, of terminals and files.

export const ADMIN_ONLY = 'That is for the administrator. Run it with sudo.';
export const CANCELLED = 'Cancelled.';

export const usage = {
  unknownCommand: (name: string, near: string | null) =>
    `There is no command '${name}'. ${near === null ? 'All commands: sc_auth --help' : `Did you mean: sc_auth ${near}`}`,
  /** What was typed is not said again: it may be a PIN. */
  verb: (command: string, verbs: readonly string[], near: string | null) =>
    near === null
      ? `Say what to do: sc_auth ${command} ${verbs.join('|')}. See: sc_auth ${command} --help`
      : `Not a word of sc_auth ${command}. Did you mean: sc_auth ${command} ${near}`,
  seeHelp: (said: string, command: string) => `${said} See: sc_auth ${command} --help`,
  options: 'The options cannot be read.',
  stray: 'A value needs its option in front of it.',
  descriptor: (option: string) => `--${option} takes the number of an open file.`,
  notOpen: (descriptor: number) => `File descriptor ${descriptor} is not open.`,
  hash: 'A hash has 40 hexadecimal digits. The hashes of the card in the reader: sc_auth identities',
  notBoth: (one: string, other: string) => `Give ${one} or ${other}, not both.`,
};

const STATUS = 'What is wrong: systemctl status scauthd';

/** scauthd is not there, or does not answer. */
export const agent = {
  forbidden: (path: string) => `You may not open ${path}. ${STATUS}`,
  unreachable: (path: string) =>
    `scauthd cannot be reached at ${path}. Start it: systemctl start scauthd. ${STATUS}`,
  silent: (ms: number) =>
    `scauthd has not answered for ${ms >= 1000 ? `${Math.round(ms / 1000)} seconds` : `${ms} milliseconds`}. Try again; if that does not help: systemctl restart scauthd`,
  closed: 'scauthd closed the connection without an answer. Its log says why: journalctl -u scauthd',
  abandoned: 'scauthd no longer waits for the answer. Run the command again.',
  notUnderstood:
    'sc_auth does not understand the answer of scauthd. Are both of the same version? Restart scauthd: systemctl restart scauthd',
  parameter: (name: string) => `scauthd does not accept this ${name}.`,
  unexpected: (what: string) => `sc_auth failed in an unexpected way (${what}). Please report it.`,
};

export const answer = {
  noTerminal: 'There is no terminal to ask on. Give the PIN on standard input or with --pin-fd.',
  tooLong: 'The answer is longer than 512 bytes.',
  moment: 'One moment…',
};

/** Of a certificate file that was named. */
export const certificateFile = {
  noFile: 'This is no ordinary file.',
  everybodys: (path: string) => `Everybody can write ${path}. Take that away first: chmod o-w`,
  tooLong: 'The certificate file is longer than 128 KiB. Give one certificate.',
  unreadable: (code: string) =>
    `The certificate file cannot be read (${code}). Check its name and who may read it.`,
  weakKey: (why: string) =>
    `The key of this certificate cannot be used for login (${why}). Use RSA of 2048, 3072 or 4096 bits, P-256, P-384 or Ed25519.`,
  notOne: (why: string) => `This is not a certificate (${why}). PEM or DER is needed.`,
};
