// sc_auth test: a rehearsal of a login with one's own card. scauthd does what a login does, up to the verified
// signature, and grants nothing; here its steps are shown.

import { test as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { converse } from '../agent/client.ts';
import { EXIT, exitCodeOf } from '../exit-codes.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { styled, tabbed, type Line } from '../terminal/style.ts';
import { readRehearsal, type Rehearsal } from '../agent/wire.ts';

const help = `sc_auth test [-s SERVICE] [--pin-fd N] [--json]

Rehearses a login of yours with your own card: each step with its time. Nothing is granted, paired or changed.
The PIN is asked for and goes to the card: a wrong one costs one of its tries.

  -s, --service SERVICE   the PAM service to rehearse for (sudo)
  --pin-fd N              read the PIN from the open file descriptor N, one line
  --json                  {"user", "service", "token", "hash", "granted", "steps": [{"name", "good", "ms", "note"}],
                          "failure": null or {"code", "message", "triesLeft"}}

Without a terminal, the PIN is the first line of standard input. Why a card is not even asked for: sc_auth explain

Examples:
  sc_auth test
  sc_auth test -s login --json
Exit codes: 0 a login would be granted, and only then; 1 it would not; 3 wrong PIN, blocked, not allowed; 4 no card or
no pairing; 5 scauthd cannot be reached; 130 cancelled.
`;

function verdictOf({ user, service, failure }: Rehearsal): string {
  return failure === null ? say.good(user, service) : say.bad(user, service, failure.message);
}

function linesOf(rehearsal: Rehearsal): Line[] {
  const steps = rehearsal.steps.map(({ name, good, ms, note }) => {
    const time = `${ms.toFixed(1)} ms`.padStart(11);
    const word = good ? styled('good', 'ok    ') : styled('bad', 'FAILED');
    return [word, tabbed(`  ${name.padEnd(9)}  ${time}  ${note}`)];
  });
  return [...steps, verdictOf(rehearsal)];
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('test', args, {
    service: { type: 'string', short: 's' },
    'pin-fd': { type: 'string' },
  });
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  const service = options.service ?? 'sudo';
  const rehearsal = readRehearsal(
    await converse(context, 'Rehearse', { service }, { pinFd, passwordFd: pinFd }),
  );
  context.output.result({ ...rehearsal }, linesOf(rehearsal));
  if (rehearsal.failure === null) return;
  const exitCode = exitCodeOf(rehearsal.failure.code);
  // Whatever the code is called: a no never ends like a yes.
  context.output.failed(exitCode === EXIT.ok ? EXIT.failure : exitCode);
}

export const command: Command = { help, run };
