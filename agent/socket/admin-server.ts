// /run/scauth/io.scauth: varlink calls, one after the other a connection; Pair and VerifyPin upgrade to frames
// (PROTOCOL.md, 2.1).

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { debug } from '../base/debug.ts';
import { describeError } from '../base/errors.ts';
import { pairOwnCard } from '../login/pair.ts';
import { requireHere } from '../login/require-here.ts';
import { verifyCardPin } from '../login/verify-pin.ts';
import { callerAccount, callMethod, isUnexpected, type AdminParts } from './admin-methods.ts';
import { acceptConnections, type Connection } from './connection.ts';
import { cardStory, failureOf, type Story } from './card-stories.ts';
import { keyringWish } from './keyring-methods.ts';
import { FrameConversation } from './frame-conversation.ts';
import { FrameStream } from './frame-stream.ts';
import { FRAME_VERSION } from './frames.ts';
import { INTERFACE } from './io-scauth.ts';
import { monitor } from './monitor.ts';
import {
  InvalidParameter,
  onlyParameters,
  optionalTokenId,
  PermissionDenied,
  requiredPkhh,
} from './parameters.ts';
import { encodeMessage, MessageSplitter, parseCall, type VarlinkCall } from './varlink.ts';
import { wirePairing } from './wire.ts';

export interface AdminServerParts extends AdminParts {
  readonly log: (line: string) => void;
}

const SERVICE = 'org.varlink.service';
/** Calls after which sessions may see another state. */
const CHANGES = /\.(SetPairingPrompt|AddPairing|Unpair)$/;
/** A rehearsal says it as one of its steps. */
const SENDS_PIN = /\.(Pair|VerifyPin|ChangePin|UnblockPin|EnableKeyring|SignAnchor)$/;
const interfaceText = readFileSync(new URL('./io.scauth.varlink', import.meta.url), 'utf8');
const serviceText = readFileSync(new URL('./org.varlink.service.varlink', import.meta.url), 'utf8');

function errorReply(error: unknown): Record<string, unknown> {
  if (error instanceof InvalidParameter) {
    return { error: `${SERVICE}.InvalidParameter`, parameters: { parameter: error.parameter } };
  }
  if (error instanceof PermissionDenied) return { error: `${SERVICE}.PermissionDenied` };
  return { error: `${INTERFACE}.Failed`, parameters: failureOf(error) };
}

class AdminConnection {
  readonly #connection: Connection;
  readonly #parts: AdminServerParts;
  readonly #messages = new MessageSplitter();
  #busy = false;

  constructor(connection: Connection, parts: AdminServerParts) {
    this.#connection = connection;
    this.#parts = parts;
    connection.receive((bytes) => {
      try {
        this.#messages.push(bytes);
        this.#next();
      } catch (error) {
        this.#refuse(error);
      }
    });
  }

  /** One call at a time: the next is read when the last is answered. */
  #next(): void {
    if (this.#busy) return;
    const message = this.#messages.next();
    if (message === null) return;
    const call = parseCall(message);
    this.#busy = true;
    this.#answer(call)
      .then((upgraded) => {
        if (upgraded) return;
        this.#busy = false;
        this.#next();
      })
      .catch((error: unknown) => {
        this.#refuse(error);
      });
  }

  #refuse(error: unknown): void {
    this.#parts.log(`pid ${this.#connection.peer.pid}: ${describeError(error)}`);
    this.#connection.destroy();
  }

  /** @returns true when the connection carries frames from now on */
  async #answer(call: VarlinkCall): Promise<boolean> {
    const { pid, uid } = this.#connection.peer;
    debug('socket', () => `${call.method}${call.upgrade ? ' (upgraded)' : ''}, pid ${pid}, uid ${uid}`);
    let reply: Record<string, unknown>;
    try {
      const story = call.upgrade ? await this.#storyOf(call) : null;
      if (story !== null) {
        await this.#connection.send(encodeMessage({ parameters: {} }));
        await this.#runStory(story);
        return true;
      }
      if (call.more && call.method === `${INTERFACE}.Monitor`) {
        await this.#monitor(call);
        return true;
      }
      reply = await this.#replyOf(call);
      if (CHANGES.test(call.method)) this.#parts.sessionCards.tell();
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
    const account = await callerAccount(this.#connection.peer, this.#parts.accounts);
    await monitor(this.#connection, account, this.#parts, (state) =>
      this.#connection.send(encodeMessage({ parameters: state, continues: true })),
    );
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

  /** The story of an upgraded call; null when the call has none. */
  async #storyOf({ method, parameters }: VarlinkCall): Promise<Story | null> {
    const { peer } = this.#connection;
    if (SENDS_PIN.test(method)) await requireHere(peer, this.#parts.policy(), this.#parts.sessions);
    switch (method) {
      case `${INTERFACE}.Pair`: {
        onlyParameters(parameters, ['hash', 'keyring']);
        const pkhh = requiredPkhh(parameters);
        const wish = keyringWish(parameters);
        const account = await callerAccount(peer, this.#parts.accounts);
        return async (person) => ({
          pairing: wirePairing(await pairOwnCard(account, pkhh, peer, person, this.#parts, wish)),
        });
      }
      case `${INTERFACE}.VerifyPin`: {
        onlyParameters(parameters, ['token']);
        const id = optionalTokenId(parameters);
        return async (person) => ({ token: (await verifyCardPin(id, peer, person, this.#parts)).id });
      }
      default:
        return cardStory(method, parameters, peer, this.#parts);
    }
  }

  async #runStory(story: Story): Promise<void> {
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
    this.#parts.sessionCards.tell();
  }
}

function splitMethod(name: string): [interfaceName: string, method: string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1)];
}

/** The server, not yet listening. */
export function createAdminServer(parts: AdminServerParts): Server {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: false });
  acceptConnections(server, (connection) => new AdminConnection(connection, parts));
  return server;
}
