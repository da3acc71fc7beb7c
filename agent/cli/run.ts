// One run of sc_auth: finds the command, runs it, turns its end into an exit code. Each command is loaded only
// when it is the one: what starts quickly is used in scripts.

import { printable } from '../base/errors.ts';
import { agent, usage } from '../words/sc-auth.ts';
import type { Command, Surroundings } from './context.ts';
import { CommandError, exitCodeOf, SilentEnd, type ExitCode } from './exit-codes.ts';
import { Output } from './terminal/output.ts';

const commands: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  identities: () => import('./commands/identities.ts'),
  pair: () => import('./commands/pair.ts'),
  unpair: () => import('./commands/unpair.ts'),
  list: () => import('./commands/list.ts'),
  verifypin: () => import('./commands/verifypin.ts'),
  changepin: () => import('./commands/changepin.ts'),
  unblock: () => import('./commands/unblock.ts'),
  test: () => import('./commands/test.ts'),
  pairing_ui: () => import('./commands/pairing-ui.ts'),
  keyring: () => import('./commands/keyring.ts'),
  'list-smartcards': () => import('./commands/list-smartcards.ts'),
  'export-smartcard': () => import('./commands/export-smartcard.ts'),
  drivers: () => import('./commands/drivers.ts'),
  profile: () => import('./commands/profile.ts'),
  'enable-for-login': () => import('./commands/enable-for-login.ts'),
  audit: () => import('./commands/audit.ts'),
  explain: () => import('./commands/explain.ts'),
  doctor: () => import('./commands/doctor.ts'),
  config: () => import('./commands/config.ts'),
  map: () => import('./commands/map.ts'),
  enforce: () => import('./commands/enforce.ts'),
};

const HELP = `sc_auth: smart card login for this machine

  sc_auth identities        the keys of the card that is in, paired and unpaired
  sc_auth pair              let a card log an account in
  sc_auth unpair            take that back
  sc_auth list              the pairings of an account
  sc_auth verifypin         check the PIN of the card
  sc_auth changepin         give the card a new PIN
  sc_auth unblock           give a blocked card a new PIN, by its PUK
  sc_auth test              rehearse a login with your card: each step, its time, nothing changed
  sc_auth pairing_ui        the dialog that offers to pair a new card
  sc_auth keyring           whether a login by card opens the login keyring
  sc_auth list-smartcards   the cards that are in
  sc_auth export-smartcard  the certificates and keys of a card, with all their attributes
  sc_auth profile           readers, drivers and cards: everything at a glance
  sc_auth drivers           the token drivers, and what is wrong with them
  sc_auth enable-for-login  let a token driver run before anybody has logged in
  sc_auth audit             the log of logins: check its seal, search, report
  sc_auth explain           why a card does not log you in, and what to do
  sc_auth doctor            is this machine ready? each thing that is wrong, with its repair
  sc_auth config            check the settings; their schema
  sc_auth map               which account a certificate stands for
  sc_auth enforce           require the card, without locking anybody out

Each has --help, and --json for one JSON document on standard output. sc_auth --version prints the version.

First steps:
  sc_auth pair              as yourself: asks for your password and the card's PIN
  sudo sc_auth pair -u bob  for somebody else
  sc_auth list

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 refused (wrong PIN or password, blocked, not allowed);
4 not found (no card, no identity, no pairing, unknown user); 5 scauthd cannot be reached; 130 cancelled.
SCAUTH_IO_SOCKET names another socket than /run/scauth/io.scauth.
`;

async function unknownCommand(name: string): Promise<CommandError> {
  const { nearestWord } = await import('../../config/nearest-word.ts');
  const near = nearestWord(name, Object.keys(commands));
  return new CommandError('usage', usage.unknownCommand(printable(name, 60), near));
}

async function writeHelp(surroundings: Surroundings, text: string): Promise<void> {
  const { layOutHelp } = await import('../base/help-layout.ts');
  surroundings.writeOut(layOutHelp(text));
}

async function dispatch(surroundings: Surroundings, output: Output): Promise<void> {
  const [name, ...args] = surroundings.args;
  if (name === undefined) throw new CommandError('usage', usage.noCommand);
  if (name === '--help') {
    await writeHelp(surroundings, HELP);
    return;
  }
  if (name === '--version') {
    const { productVersion } = await import('../base/product-version.ts');
    surroundings.writeOut(`sc_auth ${productVersion()}\n`);
    return;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) throw await unknownCommand(name);
  const { command } = await load();
  if (args.includes('--help')) {
    await writeHelp(surroundings, command.help);
    return;
  }
  await command.run(args, { ...surroundings, output });
}

/** Runs sc_auth; never throws. */
export async function run(surroundings: Surroundings): Promise<ExitCode> {
  const output = new Output(surroundings, surroundings.args.includes('--json'));
  try {
    await dispatch(surroundings, output);
    return output.exitCode;
  } catch (error) {
    const failure = error instanceof CommandError ? error : unexpected(error);
    if (!(failure instanceof SilentEnd)) output.failure(failure);
    return exitCodeOf(failure.code);
  }
}

function unexpected(cause: unknown): CommandError {
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'unknown';
  return new CommandError('internal', agent.unexpected(what), cause);
}
