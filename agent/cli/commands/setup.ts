// sc_auth setup: a card from its factory becomes a login. scauthd asks, looks and does; this file chooses the card, shows the
// PUK or seals it to an officer, and writes the request for a certificate.

import type { WireToken } from '../../protocol/io-scauth.ts';
import { NO_CARD, pair as sayPair } from '../../words/commands.ts';
import { answerChallenge as sayDesk } from '../../words/help-desk.ts';
import { setup as say } from '../../words/setup.ts';
import { usage } from '../../words/sc-auth.ts';
import { callAgent, converse } from '../agent/client.ts';
import { notUnderstood, readPairing } from '../agent/wire.ts';
import { deskFileText } from '../card/desk-file.ts';
import { readOfficer, sealTo } from '../card/escrow.ts';
import { requestPem, requireNew, writeNew } from '../card/new-file.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { sayWhetherOn } from '../pam/say-whether-on.ts';
import { isInteractive, type Sources } from '../terminal/answers.ts';
import { askWord, numbered } from '../terminal/ask-word.ts';
import { tabbed } from '../terminal/style.ts';
import { accountForRoot } from './unpair.ts';

const help = `sc_auth setup [-u USER] [-t TOKEN | --reader NAME] [--name NAME]
              [--algorithm NAME] [--pin-policy once|always]
              [--touch-policy never|always|cached] [--keyring yes|no]
              [--csr FILE] [--escrow FILE] [--puk-file FILE] [--desk-file FILE]
              [--pin-fd N] [--password-fd N] [--json]

Makes a login of a card as it comes from its factory (YubiKey 4 and 5, Nitrokey 3, Token2): a PIN of yours, a PUK by chance,
a management key behind the PIN, keys that are made on the card, and the pairing. Asks for the new PIN, twice, and for your
password; with sudo for the account that called sudo, or -u USER, and for no password.
The PUK is shown once: keep it, and not with the card. A card that has keys already is left alone. Should it be cut off, run
it again.

  -u, --user USER      (root) whose card it is to be
  -t, --token TOKEN    which card, when several are in: sc_auth list-smartcards
  --reader NAME        the card in this reader: sc_auth list-smartcards -v
  --name NAME          the name in its certificates; without it your account's
  --algorithm NAME     of the key for logins: p256 (so without it), p384, or rsa2048 for Kerberos; with firmware 5.7 also
                       rsa3072, rsa4096 and ed25519
  --pin-policy once|always   when that key wants the PIN; once without it
  --touch-policy never|always|cached   when it wants to be touched; never without it
  --keyring yes|no     whether the card opens your login keyring too; without it you are asked, where that can be
  --csr FILE           write a request for a certificate (PKCS#10) there, and pair nothing yet: see sc_auth import-certificate
  --escrow FILE        do not show the PUK: seal it to this certificate (PEM or DER) of an officer, into --puk-file
  --puk-file FILE      where the sealed PUK goes; without it puk-SERIAL.cms
  --desk-file FILE     where that goes by which the officer can answer over the telephone when the PIN is blocked (sc_auth
                       answer-challenge); without it desk-SERIAL.json
  --password-fd N      read your password from the open file descriptor N, one line
  --pin-fd N           read the new PIN and the new PIN again from the open file descriptor N, one line each
  --json               {"hash", "pairing": {...} or null, "request": FILE or null, "puk": FILE or null,
                       "desk": FILE or null}

Without a terminal, new PIN, new PIN again and password are lines of standard input, and the PUK is written to standard
error.

Examples:
  sc_auth setup
  sudo sc_auth setup -u bob --escrow officer.pem
  sc_auth setup --algorithm rsa2048 --csr ada.csr
Exit codes: 0 set up; 1 failed; 2 wrong usage; 3 this card cannot be set up, or not allowed; 4 no card; 5 scauthd cannot be
reached; 130 cancelled.
`;

const OPTIONS = {
  user: { type: 'string', short: 'u' },
  token: { type: 'string', short: 't' },
  reader: { type: 'string' },
  name: { type: 'string' },
  algorithm: { type: 'string' },
  'pin-policy': { type: 'string' },
  'touch-policy': { type: 'string' },
  keyring: { type: 'string' },
  csr: { type: 'string' },
  escrow: { type: 'string' },
  'puk-file': { type: 'string' },
  'desk-file': { type: 'string' },
  'pin-fd': { type: 'string' },
  'password-fd': { type: 'string' },
} as const;

type Card = Pick<WireToken, 'id' | 'reader' | 'label'>;

/** The cards that are in. Listing them would read a new card once more, so only one that is just being read is waited for. */
async function cardsIn(context: CommandContext): Promise<readonly Card[]> {
  const { readers } = await callAgent(context, 'ListReaders', {});
  if (readers.some(({ state }) => state === 'reading'))
    return (await callAgent(context, 'ListTokens', {})).tokens;
  return readers.flatMap(({ name, token }) =>
    token === null ? [] : [{ id: token, reader: name, label: token }],
  );
}

/** The card that is meant; with several, the person says which. @throws CommandError */
async function chooseCard(
  context: CommandContext,
  token: string | undefined,
  reader: string | undefined,
): Promise<Card> {
  const tokens = await cardsIn(context);
  const named = tokens.filter(
    (one) => (token === undefined || one.id === token) && (reader === undefined || one.reader === reader),
  );
  const [only, ...others] = named;
  if (only === undefined)
    throw tokens.length > 0 && (token ?? reader) !== undefined
      ? new CommandError('usage', say.noSuchCard)
      : new CommandError('no-card', NO_CARD);
  if (others.length === 0) return only;
  if (!isInteractive(context)) throw new CommandError('usage', say.several);
  const list = named.map(({ reader: place, label }, index) => tabbed(String(index + 1), place, label));
  context.writeErr(list.map((line) => `${line}\n`).join(''));
  const chosen = await askWord(context, say.choose(named.length), sayPair.noSuchNumber, (answer) =>
    answer === '' ? null : numbered(answer, named),
  );
  if (chosen === null) throw new CommandError('cancelled', say.cancelled);
  return chosen;
}

interface Escrow {
  /** DER, base64. */
  readonly officer: string;
  readonly deskPath: string;
  /** Where the sealed PUK is, once it is there. */
  readonly written: () => string | null;
  readonly keep: NonNullable<Sources['keep']>;
}

/** What becomes of the PUK where it is not shown. @throws CommandError */
function escrowTo(
  officer: string | undefined,
  files: { readonly puk: string | undefined; readonly desk: string | undefined },
  card: Pick<Card, 'id'>,
  context: CommandContext,
): Escrow | null {
  if (officer === undefined) {
    if (files.puk !== undefined || files.desk !== undefined)
      throw new CommandError('usage', say.pukFileAlone);
    return null;
  }
  const certificate = readOfficer(officer, context);
  const serial = card.id.slice(card.id.indexOf(':') + 1);
  const path = files.puk ?? `puk-${serial}.cms`;
  const deskPath = files.desk ?? `desk-${serial}.json`;
  for (const file of [path, deskPath]) requireNew(file);
  let written: string | null = null;
  return {
    officer: certificate.der.toString('base64'),
    deskPath,
    written: () => written,
    keep: async (secret) => {
      writeNew(path, await sealTo(certificate, secret));
      written = path;
    },
  };
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('setup', args, OPTIONS);
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  const passwordFd = descriptorOption('password-fd', options['password-fd']);
  if (context.uid !== 0 && options.user !== undefined && options.user !== context.userName())
    throw new CommandError('not-allowed', say.otherAccount);
  if (options.token !== undefined && options.reader !== undefined)
    throw new CommandError('usage', usage.notBoth('-t', '--reader'));
  const user = context.uid === 0 ? accountForRoot(options.user, context) : null;
  const { csr } = options;
  if (csr !== undefined) requireNew(csr);
  const card = await chooseCard(context, options.token, options.reader);
  const escrow = escrowTo(
    options.escrow,
    { puk: options['puk-file'], desk: options['desk-file'] },
    card,
    context,
  );
  const result = await converse(
    context,
    'SetUp',
    {
      ...{ user, token: card.id, reader: card.reader, request: csr !== undefined },
      ...{ algorithm: options.algorithm ?? null, holder: options.name ?? null },
      ...{ pinPolicy: options['pin-policy'] ?? null, touchPolicy: options['touch-policy'] ?? null },
      officer: escrow?.officer ?? null,
      keyring: options.keyring ?? (isInteractive(context) ? 'ask' : 'no'),
    },
    { pinFd, passwordFd, ...(escrow !== null && { keep: escrow.keep }) },
  );
  const { hash, request = null, pairing: given = null, desk: part = null } = result;
  if (typeof hash !== 'string' || (request !== null && typeof request !== 'string'))
    throw notUnderstood('result: hash, request');
  const pairing = given === null ? null : readPairing(given);
  if (csr !== undefined && request !== null) writeNew(csr, requestPem(request));
  const puk = escrow?.written() ?? null;
  const desk = part === null || escrow === null ? null : escrow.deskPath;
  if (desk !== null) writeNew(desk, deskFileText(part));
  context.output.result({ hash, pairing, request: csr ?? null, puk, desk }, [
    say.done,
    ...(pairing === null ? [] : [sayPair.done(pairing.hash, pairing.user)]),
    ...(puk === null ? [] : [say.sealed(puk)]),
    ...(desk === null ? [] : [sayDesk.written(desk)]),
    ...(csr === undefined ? [] : [say.requested(csr)]),
  ]);
  if (pairing === null) return;
  sayWhetherOn(context);
  context.output.note(say.spare);
}

export const command: Command = { help, run };
