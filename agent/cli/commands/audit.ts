// sc_auth audit: what the audit log says and whether it is whole. Reads the files itself, without scauthd: it works
// when scauthd does not, and on logs of other machines. Each verb has its file in audit/.

import { usage } from '../../words/audit-log.ts';
import { setFlagsFromString } from 'node:v8';
import { ACTION_HELP, actions } from '../audit/actions.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';

async function run([verb, ...args]: readonly string[], context: CommandContext): Promise<void> {
  const load = verb !== undefined && Object.hasOwn(actions, verb) ? actions[verb] : undefined;
  if (load === undefined) {
    throw new CommandError('usage', usage.whatToDo(Object.keys(actions)));
  }
  const { action } = await load();
  // Reading makes much that lives for one line. V8 would let it pile up (a hundred MiB on a large log) to save a tenth
  // of the time.
  setFlagsFromString('--semi-space-growth-factor=1');
  await action(args, context);
}

export const command: Command = { help: ACTION_HELP, run };
