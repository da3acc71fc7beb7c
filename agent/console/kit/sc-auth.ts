// What sc_auth looks at by itself and scauthd cannot know (PAM files, binaries, pcscd, whether scauthd answers): its --json
// documents, by Cockpit's spawn as whoever calls. Its arguments are words of a list and never a shell's text.

import type { Fields } from '../../protocol/io-scauth.ts';
import { readFields } from '../../protocol/io-scauth.ts';
import { NO_SC_AUTH } from '../../words/console.ts';
import { CallFailure } from './agent.ts';

const MOST_CHARACTERS = 1024 * 1024;

/**
 * Its document, whichever exit code comes with it: 1 says that something was found.
 * @throws CallFailure that it could not be run
 */
async function scAuth(...args: readonly string[]): Promise<unknown> {
  let said = '';
  const options = { superuser: 'try', err: 'ignore' };
  try {
    await cockpit.spawn(['sc_auth', ...args, '--json'], options).stream((text) => {
      if (said.length < MOST_CHARACTERS) said += text;
    });
  } catch {
    // An exit code, of which the document says more; or nothing was said, and that is seen next.
  }
  try {
    return JSON.parse(said) as unknown;
  } catch {
    throw new CallFailure('gone', NO_SC_AUTH);
  }
}

const FAILURE = { error: '?string', message: '?string' } as const;
const LINK = { name: 'string', ok: 'bool', detail: 'string', remedy: '?string' } as const;
const CHECK = { name: 'string', state: 'string', detail: 'string', repair: '?string' } as const;

export type ExplainedLink = Fields<typeof LINK>;
export type Check = Fields<typeof CHECK>;

/** A list of an sc_auth document, each entry read once. @throws CallFailure with what sc_auth refused */
function listOf(document: unknown, name: string): readonly unknown[] {
  const { error, message } = readFields(document, FAILURE);
  if (error !== null) throw new CallFailure(error, message ?? NO_SC_AUTH);
  const list: unknown = Object.entries(document as object).find(([key]) => key === name)?.[1];
  if (!Array.isArray(list)) throw new CallFailure('malformed', NO_SC_AUTH);
  return list;
}

/** The way of a login, from the PAM file to the card. @throws CallFailure, AgentError `malformed` */
export async function explain(user: string, service: string): Promise<ExplainedLink[]> {
  const document = await scAuth('explain', `--user=${user}`, `--service=${service}`);
  return listOf(document, 'links').map((link) => readFields(link, LINK));
}

/** The machine, part by part. @throws CallFailure, AgentError `malformed` */
export async function doctor(): Promise<Check[]> {
  return listOf(await scAuth('doctor'), 'checks').map((check) => readFields(check, CHECK));
}
