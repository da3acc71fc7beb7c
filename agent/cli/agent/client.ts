// io.scauth for the commands: plain calls, lists by their pages, and calls that go on as a conversation. Replies are
// checked in wire.ts; what goes wrong becomes a CommandError, in scauthd's own sentence where it has said one.

import { debug } from '../../base/debug.ts';
import { AgentError } from '../../base/errors.ts';
import { AgentCall, AgentRefusal } from '../../protocol/client/call.ts';
import { relay, type Answering } from '../../protocol/client/conversation.ts';
import { AgentLink, LinkError } from '../../protocol/client/link.ts';
import type { Methods, SessionMethod, UpgradedMethod } from '../../protocol/io-scauth.ts';
import { InvalidParameter, PermissionDenied } from '../../protocol/varlink.ts';
import { ADMIN_ONLY, agent as say, CANCELLED } from '../../words/sc-auth.ts';
import { socketPaths, type CommandContext } from '../context.ts';
import { CommandError, SilentEnd } from '../exit-codes.ts';
import type { AnswerSource } from '../terminal/answer-source.ts';
import { openAnswers, type Sources } from '../terminal/answers.ts';
import { printableLines } from '../terminal/output.ts';
import { notUnderstood, readReply } from './wire.ts';

/** @throws what the command ends with */
function fail(error: unknown): never {
  throw commandErrorOf(error);
}

function commandErrorOf(error: unknown): unknown {
  if (error instanceof AgentRefusal)
    return CommandError.fromAgent(error.code, error.message, error.triesLeft);
  if (error instanceof PermissionDenied) return new CommandError('not-allowed', ADMIN_ONLY);
  if (error instanceof InvalidParameter)
    return new CommandError('invalid-argument', say.parameter(error.parameter));
  if (error instanceof LinkError) return linkFailure(error);
  return error instanceof AgentError ? notUnderstood(error) : error;
}

function linkFailure(error: LinkError): CommandError {
  const { fault } = error;
  switch (fault.kind) {
    case 'unreachable': {
      const text = fault.forbidden ? say.forbidden(fault.path) : say.unreachable(fault.path);
      return new CommandError('unreachable', text, error.cause);
    }
    case 'silent':
      return new CommandError('no-answer', say.silent(fault.waitedMs));
    case 'closed':
      return new CommandError('no-answer', say.closed, error.cause);
    case 'abandoned':
      return new CommandError('no-answer', say.abandoned);
    case 'cancelled':
      return new CommandError('cancelled', CANCELLED);
  }
}

type How = Parameters<AgentCall['send']>[2];

/** A link with one call on it; whoever gets it closes it. @throws CommandError */
async function open(
  context: CommandContext,
  method: string,
  parameters: object,
  how: How,
): Promise<{ link: AgentLink; call: AgentCall }> {
  const paths = socketPaths(context);
  debug('socket', () => `io.scauth.${method} to ${paths[0]}`);
  const link = await AgentLink.connect(paths).catch(fail);
  const call = new AgentCall(link);
  try {
    await call.send(method, parameters, how);
    return { link, call };
  } catch (error) {
    link.close();
    return fail(error);
  }
}

/** scauthd looks at every account or pairing before it answers, and at authorities for some. */
const LOOKS_AT_ALL: readonly string[] = [
  'GetHealth',
  'CheckSettings',
  'StartEnforcement',
  'SetDriverForLogin',
];
const LOOK_AT_ALL_MS = 300_000;

/**
 * One call on a connection of its own.
 * @throws CommandError `unreachable`, `no-answer`, `malformed`, or what scauthd said
 */
export async function callAgent<M extends Exclude<keyof Methods, UpgradedMethod | SessionMethod>>(
  context: CommandContext,
  method: M,
  parameters: Methods[M]['parameters'],
): Promise<Methods[M]['reply']> {
  const { link, call } = await open(context, method, parameters, 'once');
  try {
    const waitMs = LOOKS_AT_ALL.includes(method) ? LOOK_AT_ALL_MS : context.replyTimeoutMs;
    return readReply(method, (await call.reply(waitMs).catch(fail)).parameters);
  } finally {
    link.close();
  }
}

/** Lists that may be longer than memory allows to hold. */
type LongList = 'ListPairings' | 'PlanEnforcement' | 'GetEnforcement';

/**
 * A list by its pages, each when the one before has been taken.
 * @throws CommandError as callAgent; `malformed` where scauthd stops in the middle
 */
export async function* pagesOf<M extends LongList>(
  context: CommandContext,
  method: M,
  parameters: Methods[M]['parameters'],
): AsyncGenerator<Methods[M]['reply']> {
  const { link, call } = await open(context, method, parameters, 'more');
  try {
    for (;;) {
      const reply = await call.reply(context.replyTimeoutMs).catch(fail);
      const page = readReply(method, reply.parameters);
      yield page;
      // A reader that is slow, or gone: what is written meanwhile would pile up here.
      await context.drained?.();
      if (context.readerGone?.() === true) throw new SilentEnd('reader-gone');
      if (reply.continues) continue;
      if (page.next !== null) throw notUnderstood('a list without its end');
      return;
    }
  } finally {
    link.close();
  }
}

/** More pages than any machine's cards fill. */
const MAX_PAGES = 100;

/**
 * All items of a list that comes by pages.
 * @throws CommandError `malformed` for pages without end; what `page` throws
 */
export async function allPages<T>(
  page: (after: number) => Promise<{ readonly items: readonly T[]; readonly next: number | null }>,
): Promise<T[]> {
  const all: T[] = [];
  let after: number | null = 0;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const { items, next }: { readonly items: readonly T[]; readonly next: number | null } = await page(after);
    all.push(...items);
    if (next === null) return all;
    if (next <= after) break;
    after = next;
  }
  throw notUnderstood('pages without end');
}

function answeringBy(answers: AnswerSource, { keep }: Sources): Answering {
  return {
    cancelled: answers.cancelled,
    ask: (text, echo, abandoned) => answers.ask({ text: printableLines(text), echo }, abandoned),
    tell: (text) => {
      answers.tell(text);
    },
    show: async (text, secret) => {
      if (keep === undefined) return answers.show(text, secret);
      await keep(secret);
      return true;
    },
    waiting: (is) => {
      answers.waiting(is);
    },
  };
}

/**
 * Makes an upgraded call and carries its conversation to the end.
 * @returns the result, unless it is a failure; its members are unchecked
 * @throws CommandError what scauthd said, `cancelled`, `unreachable`, `no-answer`, `malformed`, `usage`
 */
export async function converse<M extends UpgradedMethod>(
  context: CommandContext,
  method: M,
  parameters: Methods[M]['parameters'],
  sources: Sources,
): Promise<Readonly<Record<string, unknown>>> {
  const { link, call } = await open(context, method, parameters, 'upgrade');
  let answers: AnswerSource | null = null;
  try {
    await call.reply(context.replyTimeoutMs);
    answers = await openAnswers(context, sources);
    return await relay(link, call.rest(), context.silenceTimeoutMs, answeringBy(answers, sources));
  } catch (error) {
    return fail(error);
  } finally {
    answers?.close();
    link.close();
  }
}
