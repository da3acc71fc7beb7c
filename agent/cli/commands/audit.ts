// sc_auth audit: what the audit log says and whether it is whole. Reads the files itself, without scauthd: it works
// when scauthd does not, and on logs of other machines. Each verb has its file in audit/.

import { setFlagsFromString } from 'node:v8';
import { ACTION_HELP, actions, VERBS } from '../audit/actions.ts';
import type { Command, CommandContext } from '../context.ts';
import { verbOf } from '../verb.ts';

async function run([verb, ...args]: readonly string[], context: CommandContext): Promise<void> {
  const { action } = await actions[verbOf('audit', verb, VERBS)]();
  // Reading makes much that lives for one line. V8 would let it pile up (a hundred MiB on a large log) to save a tenth
  // of the time.
  setFlagsFromString('--semi-space-growth-factor=1');
  await action(args, context);
}

export const command: Command = { help: ACTION_HELP, run };
