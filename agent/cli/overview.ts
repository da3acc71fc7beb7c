// The commands of sc_auth, each with a line of what it does, and the overview made of them. Man page and completions
// come from what is printed here. A command is loaded only when it is the one: what starts quickly is used in scripts.

import type { Command } from './context.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

interface Entry {
  readonly does: string;
  readonly load: () => Promise<{ command: Command }>;
}

export const COMMANDS: Readonly<Record<string, Entry>> = {
  identities: {
    does: 'the keys of the card that is in, paired and unpaired',
    load: () => import('./commands/identities.ts'),
  },
  show: {
    does: 'a picture of the card that is in: keys, owners, tries, what to do',
    load: () => import('./commands/show.ts'),
  },
  setup: {
    does: 'make a login of a card as it comes from its factory',
    load: () => import('./commands/setup.ts'),
  },
  'import-certificate': {
    does: "put an authority's certificate on a card",
    load: () => import('./commands/import-certificate.ts'),
  },
  'create-ctk-identity': {
    does: "make a key for logins in this machine's own chip",
    load: () => import('./commands/ctk/create.ts'),
  },
  'list-ctk-identities': {
    does: "the keys in this machine's own chip",
    load: () => import('./commands/ctk/list.ts'),
  },
  'create-ctk-csr': {
    does: 'a request for a certificate for such a key',
    load: () => import('./commands/ctk/csr.ts'),
  },
  'import-ctk-certificate': {
    does: 'import-certificate, as macOS calls it',
    load: () => import('./commands/ctk/import.ts'),
  },
  'delete-ctk-identity': {
    does: 'delete such a key',
    load: async () => ({ command: (await import('./commands/ctk/delete.ts')).deleteOne }),
  },
  'delete-all-ctk-identities': {
    does: 'delete all keys of a token',
    load: async () => ({ command: (await import('./commands/ctk/delete.ts')).deleteAll }),
  },
  'export-ctk-identity': {
    does: 'refused: such a key cannot be taken out',
    load: async () => ({ command: (await import('./commands/ctk/refused.ts')).exportIdentity }),
  },
  'import-ctk-identities': {
    does: 'refused: no key of a file is put in',
    load: async () => ({ command: (await import('./commands/ctk/refused.ts')).importIdentities }),
  },
  pair: { does: 'let a card log an account in', load: () => import('./commands/pair.ts') },
  renew: { does: 'put a new card in the place of a paired one', load: () => import('./commands/renew.ts') },
  unpair: { does: 'take that back', load: () => import('./commands/unpair.ts') },
  list: { does: 'the pairings of an account', load: () => import('./commands/list.ts') },
  lost: {
    does: 'say that a card is lost: nothing takes it any more; or what is',
    load: () => import('./commands/lost.ts'),
  },
  found: { does: 'take that back, for the administrator', load: () => import('./commands/found.ts') },
  verifypin: { does: 'check the PIN of the card', load: () => import('./commands/verifypin.ts') },
  changepin: { does: 'give the card a new PIN', load: () => import('./commands/changepin.ts') },
  unblock: {
    does: 'give a blocked card a new PIN, by its PUK or a help desk',
    load: () => import('./commands/unblock.ts'),
  },
  'answer-challenge': {
    does: 'at a help desk: the answer to a challenge of unblock --help-desk',
    load: () => import('./commands/answer-challenge.ts'),
  },
  test: {
    does: 'rehearse a login with your card: each step, its time, nothing changed',
    load: () => import('./commands/test.ts'),
  },
  pairing_ui: {
    does: 'the dialog that offers to pair a new card',
    load: () => import('./commands/pairing-ui.ts'),
  },
  keyring: {
    does: 'whether a login by card opens the login keyring',
    load: () => import('./commands/keyring.ts'),
  },
  'list-smartcards': { does: 'the cards that are in', load: () => import('./commands/list-smartcards.ts') },
  'export-smartcard': {
    does: 'the certificates and keys of a card, with all their attributes',
    load: () => import('./commands/export-smartcard.ts'),
  },
  profile: {
    does: 'readers, drivers and cards: everything at a glance',
    load: () => import('./commands/profile.ts'),
  },
  drivers: {
    does: 'the token drivers, and what is wrong with them',
    load: () => import('./commands/drivers.ts'),
  },
  'enable-for-login': {
    does: 'let a token driver run before anybody has logged in',
    load: () => import('./commands/enable-for-login.ts'),
  },
  audit: {
    does: 'the log of logins: check its seal, search, report',
    load: () => import('./commands/audit.ts'),
  },
  book: {
    does: "a fleet's pairing book: pair and revoke for many machines",
    load: () => import('./commands/book.ts'),
  },
  explain: {
    does: 'why a card does not log you in, and what to do',
    load: () => import('./commands/explain.ts'),
  },
  doctor: {
    does: 'is this machine ready? each thing that is wrong, with its repair',
    load: () => import('./commands/doctor.ts'),
  },
  config: { does: 'check the settings; their schema', load: () => import('./commands/config.ts') },
  map: { does: 'which account a certificate stands for', load: () => import('./commands/map.ts') },
  enforce: {
    does: 'require the card, without locking anybody out',
    load: () => import('./commands/enforce.ts'),
  },
};

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, meaning]) => `  ${name.padEnd(width)}   ${meaning}\n`).join('');
}

const help = `sc_auth: smart card login for this machine

${table(Object.entries(COMMANDS).map(([name, { does }]) => [`sc_auth ${name}`, does]))}
sc_auth help COMMAND (or --help behind a command) says more of one. Each has --json for one JSON document on standard
output. sc_auth --version (-v) prints the version.

First steps:
  sc_auth setup             a new card: keys, PIN and pairing
  sc_auth pair              as yourself: asks for your password and the card's PIN
  sudo sc_auth pair -u bob  for somebody else
  sc_auth list

Exit codes:
${table(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]))}
SCAUTH_IO_SOCKET names another socket than /run/scauth/io.scauth.
`;

export const OVERVIEW = help;
