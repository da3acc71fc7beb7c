// /run/scauth/io.scauth: varlink calls, one after the other a connection; Pair and VerifyPin upgrade to frames
// (PROTOCOL.md, 2.1).

import { readFileSync } from 'node:fs';
import { debug } from '../base/debug.ts';
import { AgentError, describeError } from '../base/errors.ts';
import { pairOwnCard } from '../stories/pair/pair.ts';
import { requireHere } from '../stories/card/require-here.ts';
import { verifyCardPin } from '../stories/pin/verify-pin.ts';
import { callerAccount, callMethod, isUnexpected, type AdminParts } from './methods/admin-methods.ts';
import { listed } from '../model/pairing.ts';
import type { Connection } from './doors/connection.ts';
import { cardStory, failureOf, type Story } from './methods/card-stories.ts';
import { openDoors, type DoorLimits, type DoorPlaces, type Doors } from './doors/doors.ts';
import { keyringWish } from './methods/keyring-methods.ts';
import { FrameConversation } from './frame-conversation.ts';
import { FrameStream } from '../protocol/frame-stream.ts';
import { FRAME_VERSION } from '../protocol/frames.ts';
import { INTERFACE } from '../protocol/io-scauth.ts';
import { methodFacts, type MethodFacts } from './methods/methods.ts';
import { monitor } from './monitor.ts';
import {
  InvalidParameter,
  onlyParameters,
  optionalTokenId,
  PermissionDenied,
  requiredPkhh,
} from './methods/parameters.ts';
import { RatedLog } from './doors/rated-log.ts';
import { Turns } from './doors/turns.ts';
import { encodeMessage, MessageSplitter, parseCall, type VarlinkCall } from '../protocol/varlink.ts';
import { wirePairing } from './methods/wire.ts';

export interface AdminServerParts extends AdminParts {
  readonly log: (line: string) => void;
  /** Shared with the other socket; absent: its own. */
  readonly turns?: Turns;
}

const LIMITS: DoorLimits = { root: 16, others: 32, oneOwner: 8 };
/** A whole call has to come within so long of the connection's beginning, or of the reply before it. */
const CALL_MS = 5000;

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

class AdminConnection {
  readonly #connection: Connection;
  readonly #places: DoorPlaces;
  readonly #turns: Turns;
  readonly #parts: AdminServerParts;
  readonly #messages = new MessageSplitter();
  #idle: NodeJS.Timeout | undefined;

  constructor(connection: Connection, places: DoorPlaces, turns: Turns, parts: AdminServerParts) {
    this.#connection = connection;
    this.#places = places;
    this.#turns = turns;
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
    const over = await this.#turns.take(owner, peer.uid === 0);
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
    const facts = methodFacts(call.method);
    if (call.oneway && facts?.oneway !== true)
      throw new AgentError('malformed', { say: 'varlink: a call that is for nothing without its reply' });
    let reply: Record<string, unknown>;
    try {
      if (call.upgrade && facts?.upgraded === true) {
        const story = await this.#storyOf(call, facts);
        over();
        await this.#connection.send(encodeMessage({ parameters: {} }));
        const succeeded = await this.#runStory(story);
        if (succeeded && facts.wakesSessions) this.#parts.sessionCards.tell();
        return true;
      }
      if (call.more && call.method === `${INTERFACE}.Monitor`) {
        over();
        await this.#monitor(call);
        return true;
      }
      reply = await this.#replyOf(call);
      for (let next = nextOf(call, reply); next !== null; next = nextOf(call, reply)) {
        await this.#connection.send(encodeMessage({ ...reply, continues: true }));
        if (!this.#connection.isOpen) return false;
        reply = await this.#replyOf({ ...call, parameters: { ...call.parameters, after: next } });
      }
      if (facts?.wakesSessions === true) this.#parts.sessionCards.tell();
    } catch (error) {
      if (isUnexpected(error)) this.#parts.log(describeError(error));
      reply = errorReply(error);
    }
    if (!call.oneway) await this.#connection.send(encodeMessage(reply));
    return false;
  }

  /** The connection is for this alone from now on. */
  async #monitor({ parameters }: VarlinkCall): Promise<void> {
    onlyParameters(parameters, []);
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
        (await this.#turns.take(owner, false))();
      },
      send: (state) => this.#connection.send(encodeMessage({ parameters: state, continues: true })),
    });
  }

  async #replyOf(call: VarlinkCall): Promise<Record<string, unknown>> {
    const [interfaceName, method] = splitMethod(call.method);
    if (interfaceName === SERVICE) return this.#serviceReply(method, call);
    if (interfaceName !== INTERFACE) {
      return { error: `${SERVICE}.InterfaceNotFound`, parameters: { interface: interfaceName } };
    }
    const parameters = await callMethod(method, this.#connection.peer, call.parameters, this.#parts);
    if (parameters === null) return { error: `${SERVICE}.MethodNotFound`, parameters: { method } };
    return { parameters };
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

  /** The story of an upgraded call. */
  async #storyOf({ method, parameters }: VarlinkCall, { here }: MethodFacts): Promise<Story> {
    const { peer } = this.#connection;
    if (here !== 'no') await requireHere(peer, this.#parts.policy(), this.#parts.sessions, here);
    switch (method) {
      case `${INTERFACE}.Pair`: {
        onlyParameters(parameters, ['hash', 'keyring']);
        const pkhh = requiredPkhh(parameters);
        const wish = keyringWish(parameters);
        const account = await callerAccount(peer, this.#parts.accounts);
        return async (person) => ({
          pairing: wirePairing(listed(await pairOwnCard(account, pkhh, peer, person, this.#parts, wish))),
        });
      }
      case `${INTERFACE}.VerifyPin`: {
        onlyParameters(parameters, ['token']);
        const id = optionalTokenId(parameters);
        return async (person) => ({ token: (await verifyCardPin(id, peer, person, this.#parts)).id });
      }
      default: {
        const story = await cardStory(method, parameters, peer, this.#parts);
        if (story === null) throw new AgentError('internal', { detail: `${method} has no story` });
        return story;
      }
    }
  }

  /** @returns whether it has succeeded */
  async #runStory(story: Story): Promise<boolean> {
    const person = new FrameConversation(this.#connection);
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
export function createAdminServer(parts: AdminServerParts): Doors {
  const { turns = new Turns() } = parts;
  const rated = new RatedLog(parts.log);
  return openDoors(LIMITS, (connection, places) => {
    const log = (line: string): void => {
      rated.say(connection.owner, line);
    };
    return new AdminConnection(connection, places, turns, { ...parts, log });
  });
}
