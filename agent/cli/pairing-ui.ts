// sc_auth pairing_ui: whether a dialog offers to pair when an unpaired card goes in. Words as on macOS.

import { callAgent } from './client.ts';
import type { Command, CommandContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { parseOptions } from './options.ts';

const help = `sc_auth pairing_ui [-v] -s enable|disable|status [--json]

The dialog that offers to pair a card when an unpaired one goes in.

  -s, --state STATE   enable or disable it (with sudo; prints nothing), or print its status
  -v, --verbose       say the new state
  -f, --force         open the dialog now: needs a session program, which this version does not have
  --json              {"enabled": true|false}

Example:
  sc_auth pairing_ui -s status
Exit codes: 0 done; 1 no session program; 2 wrong usage; 3 not allowed; 5 scauthd cannot be reached.
`;

function sentence(enabled: boolean): string {
  return `SmartCard Pairing dialog is ${enabled ? 'enabled' : 'disabled'}.`;
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { state, verbose, force } = parseOptions('pairing_ui', args, {
    state: { type: 'string', short: 's' },
    verbose: { type: 'boolean', short: 'v' },
    force: { type: 'boolean', short: 'f' },
  });
  if (force === true) {
    throw new CommandError(
      'internal',
      'The dialog cannot be opened: no session program runs here. Pair in a terminal: sc_auth pair',
    );
  }
  switch (state) {
    case 'status': {
      const { enabled } = await callAgent(context, 'GetPairingPrompt', {});
      context.output.result({ enabled }, [sentence(enabled)]);
      return;
    }
    case 'enable':
    case 'disable': {
      const enabled = state === 'enable';
      await callAgent(context, 'SetPairingPrompt', { enabled });
      context.output.result({ enabled }, verbose === true ? [sentence(enabled)] : []);
      return;
    }
    default:
      throw new CommandError('usage', 'Say which: sc_auth pairing_ui -s enable, -s disable or -s status');
  }
}

export const command: Command = { help, run };
