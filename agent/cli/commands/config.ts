// sc_auth config: looks at the configuration: check, schema. Neither needs scauthd; where it runs and root asks, check
// tells whom the files would shut out.

import { AgentError } from '../../base/errors.ts';
import { callAgent } from '../agent/client.ts';
import { config as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { verbOf } from '../verb.ts';

const USUAL = '/etc/scauth';
const VERBS = ['check', 'schema'] as const;

const help = `sc_auth config ${VERBS.join('|')} [--folder FOLDER] [--json]

  check    reads scauth.toml and scauth.d as scauthd would, and says what is wrong, with file and line; as root, while
           enforcement is on, also whom they would shut out
  schema   the JSON schema of scauth.toml

  --folder FOLDER   another folder than /etc/scauth
  --json            {"ok": true, "folder": ..., "shutOut": [...], "newlyShutOut": [...],
                    "closesRemote": false}

Examples:
  sudo sc_auth config check && sudo systemctl reload scauthd
  sc_auth config schema > scauth.schema.json
Exit codes: 0 good; 1 an error in the files, or they would shut out somebody whom the settings in force let in; 2 wrong
usage.
`;

interface Found {
  readonly shutOut: readonly string[];
  readonly newlyShutOut: readonly string[];
  readonly newlyShutOutCount: number;
  readonly closesRemote: boolean;
}

const NOBODY: Found = { shutOut: [], newlyShutOut: [], newlyShutOutCount: 0, closesRemote: false };

/** Only scauthd knows whom enforcement binds; without it nobody is bound. */
async function shutOutBy(folder: string, context: CommandContext): Promise<Found> {
  if (context.uid !== 0 || folder !== USUAL) return NOBODY;
  try {
    return await callAgent(context, 'CheckSettings', {});
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    context.output.note(say.unknown(error.message));
    return NOBODY;
  }
}

async function check(folder: string, context: CommandContext): Promise<void> {
  const { loadPolicy } = await import('../../../config/parse-settings.ts');
  try {
    loadPolicy(folder);
  } catch (error) {
    const why = error instanceof AgentError ? error.detail : String(error);
    throw new CommandError('config-invalid', say.bad(why));
  }
  const { shutOut, newlyShutOut, newlyShutOutCount, closesRemote } = await shutOutBy(folder, context);
  context.output.result({ ok: true, folder, shutOut, newlyShutOut, closesRemote }, [
    say.good(folder),
    ...(newlyShutOut.length === 0 ? [] : say.shutsOut(newlyShutOut, newlyShutOutCount)),
    ...(closesRemote ? [say.closesRemote] : []),
  ]);
  if (newlyShutOut.length > 0 || closesRemote) context.output.failed();
}

async function run([word, ...args]: readonly string[], context: CommandContext): Promise<void> {
  const what = verbOf('config', word, VERBS);
  const { folder = USUAL } = parseOptions('config', args, { folder: { type: 'string' } });
  switch (what) {
    case 'check':
      return check(folder, context);
    case 'schema': {
      const { jsonSchema } = await import('../../../config/json-schema.ts');
      context.writeOut(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
      return;
    }
  }
}

export const command: Command = { help, run };
