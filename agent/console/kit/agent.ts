// scauthd, as the page speaks with it: varlink over a channel of Cockpit's to its socket, one channel a call (PROTOCOL.md, 2).
// Who calls is whoever the bridge runs as, or root where the person has Cockpit's privileges; scauthd decides by that.

import { AgentError } from '../../base/errors.ts';
import {
  INTERFACE,
  readFailure,
  readReply,
  type MethodName,
  type Methods,
  type Reply,
  type UpgradedMethod,
} from '../../protocol/io-scauth.ts';
import { MAX_MESSAGE_BYTES, parseReply } from '../../protocol/varlink.ts';
import { FAILED, GONE, NOT_YOURS, UNKNOWN_METHOD } from '../../words/console.ts';

const SOCKET = '/run/scauth/io.scauth';
/** A list longer than so many pages is not taken to its end. */
const MOST_PAGES = 2000;

/** A method that needs a secret is none of the page's: a PIN would be a string in a browser. */
export type PageMethod = Exclude<MethodName, UpgradedMethod>;

/** What came of a call that was not answered with a reply. The message is for the person. */
export class CallFailure extends Error {
  /** A public code of scauthd's, or `gone`, `denied`, `unknown-method`, `malformed`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

function failureOf(error: string, parameters: object): CallFailure {
  if (error === `${INTERFACE}.Failed`) {
    const { code, message } = readFailure(parameters);
    return new CallFailure(code, message);
  }
  if (error === 'org.varlink.service.PermissionDenied') return new CallFailure('denied', NOT_YOURS);
  if (error === 'org.varlink.service.MethodNotFound')
    return new CallFailure('unknown-method', UNKNOWN_METHOD(PAGE_VERSION));
  return new CallFailure('malformed', FAILED);
}

/** Any thrown value as a sentence. */
export function sentenceOf(error: unknown): string {
  return error instanceof CallFailure ? error.message : FAILED;
}

/** Whole messages of a stream; each byte is looked at once. */
class Messages {
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @throws AgentError `malformed` for a message above the cap */
  push(bytes: Uint8Array, take: (message: Uint8Array) => void): void {
    let from = 0;
    for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, from)) {
      this.#keep(bytes.subarray(from, end));
      from = end + 1;
      take(this.#takeAll());
    }
    this.#keep(bytes.subarray(from));
  }

  #keep(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > MAX_MESSAGE_BYTES) throw new AgentError('malformed');
    this.#parts.push(bytes.slice());
  }

  #takeAll(): Uint8Array {
    const message = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      message.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#length = 0;
    return message;
  }
}

/**
 * Calls a method, and takes each reply until the last.
 * @returns ends with the last reply; `close` ends it before
 */
function callEach<M extends PageMethod>(
  method: M,
  parameters: Methods[M]['parameters'],
  more: boolean,
  take: (reply: Reply<M>) => void,
): { readonly ended: Promise<void>; readonly close: () => void } {
  const channel = cockpit.channel({ payload: 'stream', unix: SOCKET, binary: true, superuser: 'try' });
  const messages = new Messages();
  const ended = new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(error instanceof CallFailure ? error : new CallFailure('malformed', FAILED));
      channel.close();
    };
    channel.addEventListener('message', (_event, data) => {
      try {
        messages.push(data, (message) => {
          const { error, parameters: given, continues } = parseReply(message);
          if (error !== null) throw failureOf(error, given);
          take(readReply(method, given));
          if (continues) return;
          resolve();
          channel.close();
        });
      } catch (error) {
        fail(error);
      }
    });
    channel.addEventListener('close', (_event, { problem }) => {
      reject(new CallFailure(problem === 'access-denied' ? 'denied' : 'gone', GONE));
    });
  });
  const call = { method: `${INTERFACE}.${method}`, parameters, ...(more && { more }) };
  channel.send(new TextEncoder().encode(`${JSON.stringify(call)}\0`));
  return {
    ended,
    close: () => {
      channel.close();
    },
  };
}

/** @throws CallFailure */
export async function callAgent<M extends PageMethod>(
  method: M,
  parameters: Methods[M]['parameters'],
): Promise<Reply<M>> {
  const replies: Reply<M>[] = [];
  await callEach(method, parameters, false, (reply) => {
    replies.push(reply);
  }).ended;
  const [reply] = replies;
  if (reply === undefined) throw new CallFailure('malformed', FAILED);
  return reply;
}

/** Each page of a list, as it comes. @throws CallFailure */
export async function callPages<M extends PageMethod>(
  method: M,
  parameters: Methods[M]['parameters'],
  take: (reply: Reply<M>) => void,
): Promise<void> {
  let pages = 0;
  await callEach(method, parameters, true, (reply) => {
    pages += 1;
    if (pages > MOST_PAGES) throw new CallFailure('malformed', FAILED);
    take(reply);
  }).ended;
}

/** All pages of a list, as one array. @throws CallFailure */
export async function callList<M extends PageMethod, One>(
  method: M,
  parameters: Methods[M]['parameters'],
  items: (reply: Reply<M>) => readonly One[],
): Promise<One[]> {
  const all: One[] = [];
  await callPages(method, parameters, (reply) => {
    all.push(...items(reply));
  });
  return all;
}

/** A call that goes on until it is closed, or scauthd does. */
export function follow<M extends PageMethod>(
  method: M,
  parameters: Methods[M]['parameters'],
  take: (reply: Reply<M>) => void,
): { readonly ended: Promise<void>; readonly close: () => void } {
  return callEach(method, parameters, true, take);
}
