// sc_auth verifypin: checks the PIN of a card. scauthd keeps the last tries and leaves the card unverified.

import { MAX_SECRET_BYTES, SecretBuffer } from '../../base/secret.ts';
import { converse } from '../agent/client.ts';
import { usage } from '../../words/sc-auth.ts';
import { pin as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { readTokenId } from '../agent/wire.ts';

const help = `sc_auth verifypin [-t TOKEN] [--pin-fd N | -p PIN] [--json]

Checks the PIN of the card that is in. The PIN is asked for on the terminal, or read as one line of standard input.
A wrong PIN costs one of the card's tries.

  -t, --token TOKEN   which card, when several are in: sc_auth list-smartcards
  --pin-fd N          read the PIN from the open file descriptor N
  -p, --pin PIN       the PIN itself: everybody on the machine can see it in ps while the command runs
  --json              {"token": TOKEN}

Examples:
  sc_auth verifypin
  sc_auth verifypin --pin-fd 3 3< pin-file
Exit codes: 0 the PIN is right; 3 wrong or blocked; 4 no card; 5 scauthd cannot be reached; 130 cancelled.
`;

/** @throws CommandError `usage` */
function pinFromArguments(pin: string, context: CommandContext): SecretBuffer {
  context.output.note(say.onCommandLine);
  const length = Buffer.byteLength(pin);
  if (length > MAX_SECRET_BYTES) throw new CommandError('usage', say.tooLong);
  const secret = new SecretBuffer(length);
  secret.bytes.write(pin);
  return secret;
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('verifypin', args, {
    token: { type: 'string', short: 't' },
    pin: { type: 'string', short: 'p' },
    'pin-fd': { type: 'string' },
  });
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  if (options.pin !== undefined && pinFd !== null)
    throw new CommandError('usage', usage.notBoth('-p', '--pin-fd'));
  const pin = options.pin === undefined ? null : pinFromArguments(options.pin, context);
  try {
    // Whatever is asked for here is the PIN, so one descriptor answers everything.
    const sources = { pinFd, passwordFd: pinFd, pin };
    const result = await converse(context, 'VerifyPin', { token: options.token ?? null }, sources);
    context.output.result({ token: readTokenId(result) }, [say.verified]);
  } finally {
    pin?.release();
  }
}

export const command: Command = { help, run };
