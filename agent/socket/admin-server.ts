// /run/scauth/io.scauth: varlink calls, one after the other a connection; Pair and VerifyPin upgrade to frames
// (PROTOCOL.md, 2.1).

import { readFileSync } from 'node:fs';
import { debug } from '../base/debug.ts';
import { AgentError, asAgentError, describeError, type AgentErrorCode } from '../base/errors.ts';
import { RatedLog } from '../base/rated-log.ts';
import type { Connection } from './peers/connection.ts';
import { callerAccount } from './methods/caller.ts';
import { failureOf } from './methods/card-stories.ts';
import {
  openListeners,
  type ListenerLimits,
  type ListenerPlaces,
  type Listeners,
} from './peers/listeners.ts';
import { FrameConversation } from './frame-conversation.ts';
import { FrameStream } from '../protocol/frame-stream.ts';
import { FRAME_VERSION } from '../protocol/frames.ts';
import { INTERFACE, readParameters } from '../protocol/io-scauth.ts';
import type { AdminParts, Story } from './methods/method-parts.ts';
import { callMethod, methodNamed, mustBeUpgraded, storyOf, type Method } from './methods/method-table.ts';
import { monitor } from './monitor.ts';
import type { Turns } from './turns.ts';
import {
  encodeMessage,
  InvalidParameter,
  MessageSplitter,
  parseCall,
  PermissionDenied,
  type VarlinkCall,
} from '../protocol/varlink.ts';

export interface AdminServerParts extends AdminParts {
  readonly log: (line: string) => void;
  /** Shared with the other socket. */
  readonly turns: Turns;
}

const LIMITS: ListenerLimits = { root: 16, others: 32, oneOwner: 8 };
/** A whole call has to come within so long of the connection's beginning, or of the reply before it. */
const CALL_MS = 5000;
/** How long a person may take for one answer. */
const ANSWER_MS = 120_000;

const SERVICE = 'org.varlink.service';
const interfaceText = readFileSync(new URL('../protocol/io.scauth.varlink', import.meta.url), 'utf8');
const serviceText = readFileSync(new URL('../protocol/org.varlink.service.varlink', import.meta.url), 'utf8');

function errorReply(error: unknown): Record<string, unknown> {
  if (error instanceof InvalidParameter) {
    return { error: `${SERVICE}.InvalidParameter`, parameters: { parameter: error.parameter } };
  }
  if (error instanceof PermissionDenied) return { error: `${SERVICE}.PermissionDenied` };
  return { error: `${INTERFACE}.Failed`, parameters: failureOf(error) };
}

/** Their sentence says that something failed, and only the cause what. */
const UNEXPECTED: readonly AgentErrorCode[] = [
  ...(['internal', 'card-fault', 'card-timeout', 'driver-fault', 'module-fault'] as const),
  'store-unreadable',
];

/** Whether a failure is worth a line in the agent's log. */
function isUnexpected(error: unknown): boolean {
  return (
    !(error instanceof InvalidParameter) &&
    !(error instanceof PermissionDenied) &&
    UNEXPECTED.includes(asAgentError(error).code)
  );
}

class AdminConnection {
  readonly #connection: Connection;
  readonly #places: ListenerPlaces;
  readonly #parts: AdminServerParts;
  readonly #messages = new MessageSplitter();
  #idle: NodeJS.Timeout | undefined;

  constructor(connection: Connection, places: ListenerPlaces, parts: AdminServerParts) {
    this.#connection = connection;
    this.#places = places;
    this.#parts = parts;
    void connection.closed.then(() => {
      clearTimeout(this.#idle);
    });
    this.#await();
    connection.receive((bytes) => {
      try {
        this.#messages.push(bytes);
        this.#next();
      } catch (error) {
        this.#refuse(error);
      }
    });
  }

  /** For a call; what has come of it does not lengthen the time. */
  #await(): void {
    if (!this.#connection.isOpen) return;
    this.#connection.waits();
    this.#idle = setTimeout(() => {
      this.#connection.destroy();
    }, CALL_MS);
  }

  /** One call at a time: nothing more is read until it is answered. */
  #next(): void {
    const message = this.#messages.next();
    if (message === null) return;
    clearTimeout(this.#idle);
    this.#connection.pause();
    this.#connection.hasSpoken = true;
    this.#serve(message).catch((error: unknown) => {
      this.#refuse(error);
    });
  }

  async #serve(message: Buffer): Promise<void> {
    const { owner, peer } = this.#connection;
    const over = await this.#parts.turns.take(owner, peer.uid === 0);
    try {
      if (!this.#connection.isOpen || (await this.#answer(parseCall(message), over))) return;
    } finally {
      over();
    }
    this.#await();
    this.#connection.resume();
    this.#next();
  }

  #refuse(error: unknown): void {
    this.#parts.log(`pid ${this.#connection.peer.pid}: ${describeError(error)}`);
    this.#connection.dismiss();
  }

  /**
   * @param over says that the call takes no more turns
   * @returns true when the connection is for something else from now on
   * @throws AgentError `malformed`
   */
  async #answer(call: VarlinkCall, over: () => void): Promise<boolean> {
    const { pid, uid } = this.#connection.peer;
    debug('socket', () => `${call.method}${call.upgrade ? ' (upgraded)' : ''}, pid ${pid}, uid ${uid}`);
    const method = methodNamed(call.method);
    if (call.oneway && method?.oneway !== true)
      throw new AgentError('malformed', { say: 'varlink: a call that is for nothing without its reply' });
    let reply: Record<string, unknown>;
    try {
      if (call.upgrade && method?.kind === 'story') {
        const story = await storyOf(method.name, this.#connection.peer, call.parameters, this.#parts);
        over();
        await this.#connection.send(encodeMessage({ parameters: {} }));
        const succeeded = await this.#runStory(story);
        if (succeeded && method.wakesSessions) this.#parts.sessionCards.tell();
        return true;
      }
      if (call.more && method?.name === 'Monitor') {
        over();
        await this.#monitor(call);
        return true;
      }
      reply = await this.#replyOf(call, method);
      for (let next = nextOf(call, reply); next !== null; next = nextOf(call, reply)) {
        await this.#connection.send(encodeMessage({ ...reply, continues: true }));
        if (!this.#connection.isOpen) return false;
        reply = await this.#replyOf({ ...call, parameters: { ...call.parameters, after: next } }, method);
      }
      if (method?.wakesSessions === true) this.#parts.sessionCards.tell();
    } catch (error) {
      if (isUnexpected(error)) this.#parts.log(describeError(error));
      reply = errorReply(error);
    }
    if (!call.oneway) await this.#connection.send(encodeMessage(reply));
    return false;
  }

  /** The connection is for this alone from now on. */
  async #monitor({ parameters }: VarlinkCall): Promise<void> {
    readParameters('Monitor', parameters);
    const { peer, owner } = this.#connection;
    const account = await callerAccount(peer, this.#parts.accounts);
    // Whoever says more has misunderstood, and a peer that goes is only heard of while something is read.
    this.#connection.receive(() => {
      this.#connection.destroy();
    });
    this.#connection.waits();
    await monitor(this.#connection, account, this.#parts, {
      begun: () => {
        this.#places.leave(this.#connection);
      },
      turn: async () => {
        (await this.#parts.turns.take(owner, false))();
      },
      send: (state) => this.#connection.send(encodeMessage({ parameters: state, continues: true })),
    });
  }

  async #replyOf(call: VarlinkCall, method: Method | null): Promise<Record<string, unknown>> {
    if (method?.kind === 'plain') {
      const { peer } = this.#connection;
      return { parameters: await callMethod(method.name, peer, call.parameters, this.#parts) };
    }
    if (method !== null) throw mustBeUpgraded();
    const [interfaceName, name] = splitMethod(call.method);
    if (interfaceName === SERVICE) return this.#serviceReply(name, call);
    if (interfaceName === INTERFACE)
      return { error: `${SERVICE}.MethodNotFound`, parameters: { method: name } };
    return { error: `${SERVICE}.InterfaceNotFound`, parameters: { interface: interfaceName } };
  }

  #serviceReply(method: string, call: VarlinkCall): Record<string, unknown> {
    switch (method) {
      case 'GetInfo':
        return {
          parameters: {
            vendor: 'scauth',
            product: 'scauthd',
            version: this.#parts.version,
            url: 'https://varlink.org',
            interfaces: [SERVICE, INTERFACE],
          },
        };
      case 'GetInterfaceDescription': {
        const wanted = call.parameters['interface'];
        const description = wanted === INTERFACE ? interfaceText : wanted === SERVICE ? serviceText : null;
        if (description !== null) return { parameters: { description } };
        return { error: `${SERVICE}.InterfaceNotFound`, parameters: { interface: String(wanted) } };
      }
      default:
        return { error: `${SERVICE}.MethodNotFound`, parameters: { method } };
    }
  }

  /** @returns whether it has succeeded */
  async #runStory(story: Story): Promise<boolean> {
    const person = new FrameConversation(this.#connection, FRAME_VERSION, ANSWER_MS);
    const frames = new FrameStream((frame, version) => {
      if (version === FRAME_VERSION) person.take(frame);
      else this.#connection.destroy();
    });
    void this.#connection.closed.then(() => {
      frames.release();
    });
    const push = (bytes: Buffer): void => {
      try {
        frames.push(bytes);
      } catch (error) {
        this.#refuse(error);
      }
    };
    this.#connection.receive(push);
    push(this.#messages.takeRest());
    let result: object;
    try {
      result = await story(person);
    } catch (error) {
      if (isUnexpected(error)) this.#parts.log(describeError(error));
      const { code, ...rest } = failureOf(error);
      result = { error: code, ...rest };
    }
    await person.finish({ type: 'result', json: JSON.stringify(result) });
    return !('error' in result);
  }
}

/** Where a list goes on that was asked for with `more`: the page behind is made when this one has gone out. */
function nextOf({ more, oneway }: VarlinkCall, { parameters }: Record<string, unknown>): unknown {
  if (!more || oneway || typeof parameters !== 'object' || parameters === null) return null;
  return 'next' in parameters ? parameters.next : null;
}

function splitMethod(name: string): [interfaceName: string, method: string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1)];
}

/** Both servers, not yet listening. */
export function createAdminServer(parts: AdminServerParts): Listeners {
  const rated = new RatedLog(parts.log);
  return openListeners(LIMITS, (connection, places) => {
    const log = (line: string): void => {
      rated.say(connection.owner, line);
    };
    return new AdminConnection(connection, places, { ...parts, log });
  });
}
