// sc_auth explain: the whole way from the PAM file to the card. The first three links are looked at here, because
// scauthd may not be there to ask; the others are scauthd's own word, by the code that decides a login.

import { AgentError, printable } from '../../base/errors.ts';
import type { WireLink } from '../../protocol/io-scauth.ts';
import * as say from '../../words/explain.ts';
import { locked as sayLocked } from '../../words/pam-files.ts';
import { RESTART_OR_LOG } from '../../words/repairs.ts';
import { callAgent } from '../agent/client.ts';
import { sudoUser, type Command, type CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { tryConnect } from '../agent/explain-socket.ts';
import { parseOptions } from '../options.ts';
import { DEFAULT_FOLDER, lockOf } from '../pam/faillock.ts';
import { judgeStack } from '../pam/line.ts';
import { at, nameOf, PAM_SOCKET } from '../pam/modules.ts';
import { readStack, type Stack } from '../pam/stack.ts';
import { styled } from '../terminal/style.ts';

const help = `sc_auth explain [-u USER] [-s SERVICE] [--rhost HOST] [--json]

Why does my card not log me in? Goes the way of a login, from the PAM file to the card, says what it finds, and stops
at the first thing that is wrong, with what to do. Asks for no PIN and changes nothing.

  -u, --user USER         the account. Without it: yours; with sudo: the account that called sudo
  -s, --service SERVICE   the PAM service: sudo (which is also taken without this), login, gdm-password, …
  --rhost HOST            as if the user came from this host
  --json                  {"user", "service", "links": [{"name", "ok", "detail", "remedy"}], "broken"}

root gets every detail, a user a short one.

Examples:
  sc_auth explain
  sudo sc_auth explain -u bob -s login
Exit codes: 0 nothing is in the way; 1 something is; 2 wrong usage; 3 not allowed; 4 unknown user.
`;

async function socketLinks(path: string): Promise<WireLink[]> {
  const code = await tryConnect(path);
  const there = { name: 'socket', ok: true, detail: path, remedy: null };
  const broken = (name: string, [detail, remedy]: readonly [string, string]): WireLink => ({
    name,
    ok: false,
    detail,
    remedy,
  });
  switch (code) {
    case null:
      return [there];
    case 'ECONNREFUSED':
    case 'ETIMEDOUT':
      return [there, broken('agent', say.socket.silent(path, code))];
    case 'ENOENT':
    case 'ENOTDIR':
      return [broken('socket', say.socket.missing(path))];
    case 'EACCES':
    case 'EPERM':
      return [broken('socket', say.socket.forbidden(path))];
    default:
      return [broken('socket', say.socket.other(path, code))];
  }
}

/** A refusal of the stack's own, which no card gets past; null: there is none, or this user may not see it. */
function lockedLink({ lines }: Stack, user: string): WireLink | null {
  const lock = lockOf(lines, user);
  if (lock === null) return null;
  const { line, failures, secondsLeft, folder } = lock;
  const minutesLeft = secondsLeft === null ? null : Math.max(1, Math.ceil(secondsLeft / 60));
  const name = printable(user);
  return {
    name: 'PAM',
    ok: false,
    detail: sayLocked.detail(nameOf(line), at(line), name, failures),
    remedy: sayLocked.remedy(name, folder === DEFAULT_FOLDER ? null : folder, minutesLeft),
  };
}

interface Asked {
  readonly user: string | null;
  readonly service: string;
  readonly rhost: string | null;
}

/** @throws CommandError for what is no broken link: wrong usage, unknown user, not allowed */
async function agentLinks(
  context: CommandContext,
  asked: Asked,
): Promise<{ user: string; links: WireLink[] }> {
  try {
    const { user, links } = await callAgent(context, 'Explain', { ...asked });
    return { user, links: [{ name: 'agent', ok: true, detail: say.AGENT_ANSWERS, remedy: null }, ...links] };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (!['unreachable', 'no-answer', 'malformed', 'internal'].includes(error.code)) throw error;
    const link = { name: 'agent', ok: false, detail: error.message, remedy: RESTART_OR_LOG };
    return { user: asked.user ?? context.userName(), links: [link] };
  }
}

/** While it is on: whether this service holds it, which scauthd cannot see. */
async function enforcementLink(link: WireLink, service: string): Promise<WireLink> {
  if (link.name !== 'enforcement') return link;
  const { coverOfService } = await import('../pam/report.ts');
  const { loadPolicy } = await import('../../../config/parse-settings.ts');
  try {
    const { state, why, repair } = coverOfService(service, loadPolicy('/etc/scauth'));
    if (state !== 'uncovered') return link;
    return { ...link, ok: false, detail: say.passwordOpens(service, why), remedy: repair };
  } catch (error) {
    // Settings that this user may not read, or that are wrong: scauthd's word is all there is.
    if (error instanceof AgentError) return link;
    throw error;
  }
}

function isWhole(links: readonly WireLink[]): boolean {
  return links.every(({ ok }) => ok);
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('explain', args, {
    user: { type: 'string', short: 'u' },
    service: { type: 'string', short: 's' },
    rhost: { type: 'string' },
  });
  const { service = 'sudo', rhost = null } = options;
  const asked: Asked = { user: options.user ?? sudoUser(context), service, rhost };
  let user = asked.user ?? context.userName();
  const stack = readStack(service, 'auth');
  const { ok, detail, remedy, socket } = judgeStack(service, stack);
  const lock = ok ? lockedLink(stack, user) : null;
  const links: WireLink[] = [lock ?? { name: 'PAM', ok, detail, remedy }];
  if (isWhole(links)) links.push(...(await socketLinks(socket ?? PAM_SOCKET)));
  if (isWhole(links)) {
    const answer = await agentLinks(context, asked);
    user = answer.user;
    links.push(...(await Promise.all(answer.links.map((link) => enforcementLink(link, service)))));
  }
  const broken = links.find(({ ok }) => !ok) ?? null;
  const lines = links.map(({ name, ok, detail }) => [
    ok ? styled('good', 'ok    ') : styled('bad', 'BROKEN'),
    `  ${name.padEnd(11)}  ${detail}`,
  ]);
  context.output.result({ user, service, links, broken: broken?.name ?? null }, [
    ...lines,
    broken === null ? say.nothingInTheWay(user, service) : say.whatToDo(broken.remedy),
  ]);
  if (broken !== null) context.output.failed();
}

export const command: Command = { help, run };
