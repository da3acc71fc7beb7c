// sc_auth config: looks at the configuration without scauthd: check, schema.

import { AgentError } from '../base/errors.ts';
import type { Command, CommandContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { parseOptions } from './options.ts';

const help = `sc_auth config check|schema [--folder FOLDER] [--json]

  check    reads scauth.toml and scauth.d as scauthd would, and says what is wrong, with file and line
  schema   the JSON schema of scauth.toml

  --folder FOLDER   another folder than /etc/scauth
  --json            {"ok": true, "folder": ...}

Examples:
  sudo sc_auth config check && sudo systemctl reload scauthd
  sc_auth config schema > scauth.schema.json
Exit codes: 0 good; 1 an error in the files; 2 wrong usage.
`;

async function check(folder: string, context: CommandContext): Promise<void> {
  const { loadPolicy } = await import('../../config/load.ts');
  try {
    loadPolicy(folder);
  } catch (error) {
    const why = error instanceof AgentError ? error.detail : String(error);
    throw new CommandError(
      'config-invalid',
      `${why}\nNothing of it is in force. Correct it and check again.`,
    );
  }
  context.output.result({ ok: true, folder }, [`The configuration in ${folder} is good.`]);
}

async function run([what, ...args]: readonly string[], context: CommandContext): Promise<void> {
  const { folder = '/etc/scauth' } = parseOptions('config', args, { folder: { type: 'string' } });
  switch (what) {
    case 'check':
      return check(folder, context);
    case 'schema': {
      const { jsonSchema } = await import('../../config/json-schema.ts');
      context.writeOut(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
      return;
    }
    default:
      throw new CommandError('usage', 'Say check or schema: sc_auth config check');
  }
}

export const command: Command = { help, run };
