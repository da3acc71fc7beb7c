// sc_auth found: takes back that a key or a card is lost. For root alone: who has found a card is not who says so.

import { callAgent } from '../agent/client.ts';
import { lost as say } from '../../words/lost.ts';
import { usage } from '../../words/sc-auth.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { hashOption, withHashOption } from '../hash-option.ts';
import { parseOptions } from '../options.ts';
import { styled } from '../terminal/style.ts';
import { nameOf } from './lost.ts';

const help = `sc_auth found [-h HASH | --serial N] [--json]

For the administrator: a key that was said to be lost, or a card with its keys, is taken again wherever it is paired. What
was sealed to it for a login keyring is not there any more: sc_auth keyring enable.

  -h, --hash HASH   the key: sc_auth lost lists them. HASH may stand by itself
  --serial N        the card with this number, and its keys
  --json            {"found": [...], "notes": [...]}

Example:
  sudo sc_auth found 0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8
Exit codes: 0 done; 2 wrong usage; 3 not allowed; 4 nobody has said that it is lost; 5 scauthd cannot be reached.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('found', withHashOption(args), {
    hash: { type: 'string', short: 'h' },
    serial: { type: 'string' },
  });
  const hash = hashOption(options.hash);
  const serial = options.serial ?? null;
  if (hash !== null && serial !== null) throw new CommandError('usage', usage.notBoth('-h', '--serial'));
  if (hash === null && serial === null) throw new CommandError('usage', say.sayWhich);
  const report = await callAgent(context, 'SayFound', { hash, serial });
  context.output.result(report, [
    ...report.found.map((one) => say.found(nameOf(one))),
    ...report.notes.map((note) => [styled('warning', note)]),
  ]);
}

export const command: Command = { help, run };
