// A varlink client of io.scauth (PROTOCOL.md, section 2): plain calls, and calls that go on as a conversation.
// Replies are checked in wire.ts; scauthd's refusals become CommandErrors with scauthd's own sentence.

import { debug } from '../../base/debug.ts';
import { AgentError } from '../../base/errors.ts';
import {
  INTERFACE,
  type Methods,
  type SessionMethod,
  type UpgradedMethod,
} from '../../protocol/io-scauth.ts';
import { encodeMessage, MessageSplitter, parseReply, type VarlinkReply } from '../../protocol/varlink.ts';
import { ADMIN_ONLY, agent as say } from '../../words/sc-auth.ts';
import { socketPaths, type CommandContext } from '../context.ts';
import { CommandError, SilentEnd } from '../exit-codes.ts';
import { AgentLink } from './link.ts';
import { notUnderstood, readReply } from './wire.ts';

/** A connection after its upgrade, and the bytes that came behind the varlink reply. */
export interface UpgradedLink {
  readonly link: AgentLink;
  readonly rest: Buffer;
}

function refusalOf(reply: VarlinkReply): CommandError | null {
  const { error, parameters } = reply;
  switch (error) {
    case null:
      return null;
    case `${INTERFACE}.Failed`: {
      const { code, message, triesLeft = null } = parameters;
      if (typeof code !== 'string' || typeof message !== 'string') return notUnderstood(error);
      return CommandError.fromAgent(code, message, typeof triesLeft === 'number' ? triesLeft : null);
    }
    case 'org.varlink.service.PermissionDenied':
      return new CommandError('not-allowed', ADMIN_ONLY);
    case 'org.varlink.service.InvalidParameter':
      return new CommandError('invalid-argument', say.parameter(String(parameters['parameter'])));
    default:
      return notUnderstood(error);
  }
}

async function nextReply(
  link: AgentLink,
  context: CommandContext,
  splitter: MessageSplitter,
): Promise<VarlinkReply> {
  const deadlineMs = performance.now() + context.replyTimeoutMs;
  try {
    for (;;) {
      const whole = splitter.next();
      if (whole !== null) return parseReply(whole);
      const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
      splitter.push(await link.read(leftMs, undefined, context.replyTimeoutMs));
    }
  } catch (error) {
    throw error instanceof AgentError ? notUnderstood(error) : error;
  }
}

type Call = Readonly<Record<string, unknown>> & { readonly method: string };

async function send(link: AgentLink, context: CommandContext, call: Call): Promise<void> {
  debug('socket', () => `${call.method} to ${socketPaths(context)[0]}`);
  await link.write(encodeMessage(call));
}

async function exchange(
  link: AgentLink,
  context: CommandContext,
  call: Call,
): Promise<{ reply: VarlinkReply; rest: Buffer }> {
  await send(link, context, call);
  const splitter = new MessageSplitter();
  const reply = await nextReply(link, context, splitter);
  debug('socket', () => `${call.method}: ${reply.error ?? 'answered'}`);
  return { reply, rest: splitter.takeRest() };
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
  const link = await AgentLink.connect(socketPaths(context));
  try {
    const patience = LOOKS_AT_ALL.includes(method) ? { replyTimeoutMs: LOOK_AT_ALL_MS } : {};
    const call = { method: `${INTERFACE}.${method}`, parameters };
    const { reply } = await exchange(link, { ...context, ...patience }, call);
    const refusal = refusalOf(reply);
    if (refusal !== null) throw refusal;
    return readReply(method, reply.parameters);
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
  const link = await AgentLink.connect(socketPaths(context));
  try {
    await send(link, context, { method: `${INTERFACE}.${method}`, parameters, more: true });
    const splitter = new MessageSplitter();
    for (;;) {
      const reply = await nextReply(link, context, splitter);
      const refusal = refusalOf(reply);
      if (refusal !== null) throw refusal;
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

/**
 * A call that becomes a conversation; whoever gets the link closes it.
 * @throws CommandError as callAgent
 */
export async function upgradeCall<M extends UpgradedMethod>(
  context: CommandContext,
  method: M,
  parameters: Methods[M]['parameters'],
): Promise<UpgradedLink> {
  const link = await AgentLink.connect(socketPaths(context));
  try {
    const { reply, rest } = await exchange(link, context, {
      method: `${INTERFACE}.${method}`,
      parameters,
      upgrade: true,
    });
    const refusal = refusalOf(reply);
    if (refusal !== null) throw refusal;
    return { link, rest };
  } catch (error) {
    link.close();
    throw error;
  }
}
