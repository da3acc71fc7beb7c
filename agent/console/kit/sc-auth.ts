// What sc_auth looks at by itself and scauthd cannot know (PAM files, binaries, pcscd, whether scauthd answers): its --json
// documents, by Cockpit's spawn as whoever calls. Its arguments are words of a list and never a shell's text.

import type { Fields } from '../../protocol/io-scauth.ts';
import { readFields } from '../../protocol/io-scauth.ts';
import { NO_SC_AUTH } from '../../words/console.ts';
import { CallFailure } from './agent.ts';

/** Of one document: a page of records that are each as long as one may be. */
const MOST_CHARACTERS = 32 * 1024 * 1024;

/** One that goes on until it ends or is ended. */
export interface Run {
  /** @throws CallFailure that it could not be run, or what it refused */
  readonly ended: Promise<void>;
  readonly close: () => void;
}

/**
 * Its documents as they come, whichever exit code comes with the last: 1 says that something was found.
 * @param take what it throws ends the run
 */
export function eachDocument(args: readonly string[], take: (document: unknown) => void): Run {
  let rest = '';
  let document = '';
  let isSaid = false;
  let fault: unknown = null;
  const process = cockpit.spawn(['sc_auth', ...args, '--json'], { superuser: 'try', err: 'ignore' });
  const takeLine = (line: string): void => {
    document += line;
    if (document.length > MOST_CHARACTERS) throw new CallFailure('malformed', NO_SC_AUTH);
    // One that is laid out over lines ends with the bracket alone.
    if (line !== '}' && !line.startsWith('{"')) return;
    const whole = JSON.parse(document) as unknown;
    document = '';
    isSaid = true;
    const { error, message } = readFields(whole, FAILURE);
    if (error !== null) throw new CallFailure(error, message ?? NO_SC_AUTH);
    take(whole);
  };
  process.stream((text) => {
    if (fault !== null) return;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    try {
      for (const line of lines) takeLine(line);
      if (rest.length > MOST_CHARACTERS) throw new CallFailure('malformed', NO_SC_AUTH);
    } catch (error) {
      fault = error instanceof CallFailure ? error : new CallFailure('malformed', NO_SC_AUTH);
      process.close('terminated');
    }
  });
  const settle = (): void => {
    if (fault !== null) throw fault as CallFailure;
    if (!isSaid) throw new CallFailure('gone', NO_SC_AUTH);
  };
  return {
    ended: Promise.resolve(process).then(settle, settle),
    close: () => {
      process.close('terminated');
    },
  };
}

/** Its one document. @throws CallFailure */
async function scAuth(...args: readonly string[]): Promise<unknown> {
  let document: unknown = null;
  await eachDocument(args, (said) => (document = said)).ended;
  return document;
}

const FAILURE = { error: '?string', message: '?string' } as const;
const LINK = { name: 'string', ok: 'bool', detail: 'string', remedy: '?string' } as const;
const CHECK = { name: 'string', state: 'string', detail: 'string', repair: '?string' } as const;

const COVER = {
  ...{ service: 'string', opens: 'string', state: 'string', why: 'string' },
  repair: '?string',
} as const;
const ON = { state: 'string', until: '?string', by: '?string', breakGlassCode: '?string' } as const;
const CODE = { breakGlassCode: 'string' } as const;

export type ServiceCover = Fields<typeof COVER>;
export type ExplainedLink = Fields<typeof LINK>;
export type Check = Fields<typeof CHECK>;

/** A list of an sc_auth document. @throws CallFailure */
export function listOf(document: unknown, name: string): readonly unknown[] {
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

/** Each PAM service that opens the machine, and whether it would ask for the card. @throws as {@link explain} */
export async function coverOfServices(): Promise<ServiceCover[]> {
  return listOf(await scAuth('enforce', 'plan', '--services'), 'services').map((one) =>
    readFields(one, COVER),
  );
}

export interface SwitchOn {
  /** Whose card login confirms it; null: sc_auth says. */
  readonly by: string | null;
  /** null: the settings say it. */
  readonly agentAbsent: string | null;
  /** Who is shut out knowingly. */
  readonly shutOut: readonly string[];
  /** Services that stay open to a password. */
  readonly uncovered: readonly string[];
}

/**
 * On for a trial, after sc_auth has looked and rehearsed (DECISIONS.md D287).
 * @returns breakGlassCode null: it was on already, and nothing was changed
 * @throws as {@link newCode}
 */
export async function switchOn({
  by,
  agentAbsent,
  shutOut,
  uncovered,
}: SwitchOn): Promise<Fields<typeof ON>> {
  const args = [
    ...(by === null ? [] : [`--by=${by}`]),
    ...(agentAbsent === null ? [] : [`--agent-absent=${agentAbsent}`]),
    ...shutOut.map((user) => `--shut-out=${user}`),
    ...uncovered.map((service) => `--uncovered=${service}`),
  ];
  return readFields(await scAuth('enforce', 'on', ...args), ON);
}

/** Another break-glass code. @throws CallFailure with what sc_auth refused; AgentError `malformed` */
export async function newCode(): Promise<string> {
  return readFields(await scAuth('enforce', 'code'), CODE).breakGlassCode;
}
