// sc_auth pairing_ui: whether a dialog offers to pair when an unpaired card goes in, and the dialog at once. Words as on
// macOS. The dialog is scauth-session's; this only starts it.

import { spawn } from 'node:child_process';
import { callAgent } from '../agent/client.ts';
import { pairingUi as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError, EXIT, SilentEnd } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';

const help = `sc_auth pairing_ui [-v] [-f] -s enable|disable|status [-t TOKEN] [--json]

The dialog that offers to pair a card when an unpaired one goes in. With sudo the state is the machine's: disabled
there, it opens for nobody. Otherwise it is your own, for every card or for one.

  -s, --state enable|disable|status   switch it (prints nothing), or print the effective status
  -t, --token TOKEN   for this card only: sc_auth list-smartcards
  -v, --verbose       say the new state, or what decided: pairing.users_may_pair, the machine, you, or this card
  -f, --force         open the dialog now, whatever the state is
  --json              {"enabled": true|false, "level": "policy"|"machine"|"user"|"card"|"default"}

Examples:
  sc_auth pairing_ui -s status
  sc_auth pairing_ui -f
Exit codes: 0 done, or paired; 1 the dialog could not be shown; 2 wrong usage; 3 not allowed; 4 no such card;
5 scauthd cannot be reached; 6 the card is yours already; 130 cancelled in the dialog.
`;

/** The program of the session; a failure says its own reason. */
const SESSION_PROGRAM = 'scauth-session';

async function openDialog(context: CommandContext): Promise<void> {
  if (context.uid === 0) throw new CommandError('usage', say.asYourself);
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn(SESSION_PROGRAM, ['--now'], { env: context.env, stdio: 'inherit' });
    child.once('error', (cause) => {
      reject(new CommandError('internal', say.cannotStart(SESSION_PROGRAM), cause));
    });
    child.once('exit', (status) => {
      resolve(status ?? EXIT.failure);
    });
  });
  if (code === EXIT.cancelled) throw new SilentEnd('cancelled');
  if (code === EXIT.notFound) throw new SilentEnd('no-card');
  if (code === EXIT.already) throw new SilentEnd('already-paired');
  if (code !== 0) throw new SilentEnd(code === EXIT.unreachable ? 'unreachable' : 'internal');
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { state, token, verbose, force } = parseOptions('pairing_ui', args, {
    state: { type: 'string', short: 's' },
    token: { type: 'string', short: 't' },
    verbose: { type: 'boolean', short: 'v' },
    force: { type: 'boolean', short: 'f' },
  });
  if (token !== undefined && context.uid === 0) throw new CommandError('usage', say.oneCardAsRoot);
  const card = token ?? null;
  switch (state) {
    case 'status': {
      const { enabled, level } = await callAgent(context, 'GetPairingPrompt', { token: card });
      const lines = [say.state(enabled), ...(verbose === true ? [say.decidedBy(level)] : [])];
      context.output.result({ enabled, level }, lines);
      break;
    }
    case 'enable':
    case 'disable': {
      await callAgent(context, 'SetPairingPrompt', { enabled: state === 'enable', token: card });
      // What holds now: a level above may say something else.
      const { enabled, level } = await callAgent(context, 'GetPairingPrompt', { token: card });
      context.output.result(
        { enabled, level },
        verbose === true ? [say.state(enabled), say.decidedBy(level)] : [],
      );
      break;
    }
    default:
      if (state !== undefined || force !== true) throw new CommandError('usage', say.sayWhich);
  }
  if (force === true) await openDialog(context);
}

export const command: Command = { help, run };
