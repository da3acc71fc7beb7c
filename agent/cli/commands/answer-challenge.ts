// sc_auth answer-challenge: at a help desk, with an officer's card: the answer that gives somebody a new PIN over the telephone.

import { answerChallenge as say } from '../../words/help-desk.ts';
import { notUnderstood } from '../agent/wire.ts';
import { readDeskFile } from '../card/desk-file.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { converse } from '../agent/client.ts';

const help = `sc_auth answer-challenge --desk-file FILE --challenge CHALLENGE [--pin-fd N] [--json]

For an officer at a help desk: somebody whose PIN is blocked reads a challenge of 8 symbols (sc_auth unblock --help-desk, or the
login itself), and gets the answer that is shown here, 16 symbols. It is good once, for that card, that machine and a quarter of
an hour; nothing is sent anywhere. Asks for the PIN of your card. Whoever gets an answer gets the card's PIN: know first who is
calling, by something that a thief of machine and card has not.

  --desk-file FILE         what sc_auth setup --escrow has written for that card
  --challenge CHALLENGE    as it is read to you; case, blanks and hyphens do not count
  --pin-fd N               read the PIN from the open file descriptor N, one line
  --json                   {"shown": true}; the answer itself goes to standard error

Example:
  sc_auth answer-challenge --desk-file desk-12345678.json --challenge 7KQ2-M0XA
Exit codes: 0 the answer was shown; 2 wrong usage, or misheard; 3 wrong PIN; 4 no card, or not the officer's; 5 scauthd cannot be
reached; 130 cancelled.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('answer-challenge', args, {
    'desk-file': { type: 'string' },
    challenge: { type: 'string' },
    'pin-fd': { type: 'string' },
  });
  const { 'desk-file': path, challenge } = options;
  if (path === undefined) throw new CommandError('usage', say.whichFile);
  if (challenge === undefined) throw new CommandError('usage', say.whichChallenge);
  const { host, user, hash, recipient, sealed, machine } = readDeskFile(path);
  context.output.note(say.about(user, hash, machine));
  const wanted = { challenge, host, user, hash, recipient, sealed };
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  const { shown } = await converse(context, 'AnswerChallenge', wanted, { pinFd });
  if (typeof shown !== 'boolean') throw notUnderstood('result: shown');
  context.output.result({ shown }, [say.done]);
}

export const command: Command = { help, run };
