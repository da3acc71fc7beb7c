// Calls of io.scauth from a client's side (PROTOCOL.md, section 2): what is sent, and each reply, or scauthd's refusal.

import { AgentError } from '../../base/errors.ts';
import { INTERFACE, readFailure } from '../io-scauth.ts';
import {
  encodeMessage,
  InvalidParameter,
  MessageSplitter,
  parseReply,
  PermissionDenied,
  type VarlinkReply,
} from '../varlink.ts';
import type { AgentLink } from './link.ts';

/** scauthd's own refusal; its message is scauthd's sentence. A newer scauthd may know codes that we do not. */
export class AgentRefusal extends Error {
  readonly code: string;
  readonly triesLeft: number | null;

  /** @param failure as it came, unchecked. @throws AgentError `malformed` */
  constructor(failure: unknown) {
    const { code, message, triesLeft } = readFailure(failure);
    super(message);
    this.code = code;
    this.triesLeft = triesLeft;
  }
}

function refusalOf({ error, parameters }: VarlinkReply): Error | null {
  switch (error) {
    case null:
      return null;
    case `${INTERFACE}.Failed`:
      return new AgentRefusal(parameters);
    case 'org.varlink.service.PermissionDenied':
      return new PermissionDenied();
    case 'org.varlink.service.InvalidParameter':
      return new InvalidParameter(String(parameters['parameter']));
    default:
      return new AgentError('malformed', { detail: error });
  }
}

/** One call on a link: `send` it, then take its replies. */
export class AgentCall {
  readonly #link: AgentLink;
  readonly #splitter = new MessageSplitter();

  constructor(link: AgentLink) {
    this.#link = link;
  }

  /** @throws LinkError `closed` */
  async send(method: string, parameters: object, how: 'once' | 'more' | 'upgrade'): Promise<void> {
    const flags = how === 'once' ? {} : { [how]: true };
    await this.#link.write(encodeMessage({ method: `${INTERFACE}.${method}`, parameters, ...flags }));
  }

  /**
   * @param waitMs null: as long as it takes
   * @throws AgentRefusal; PermissionDenied, InvalidParameter; LinkError as its `read`; AgentError `malformed`
   */
  async reply(waitMs: number | null): Promise<VarlinkReply> {
    const deadlineMs = performance.now() + (waitMs ?? 0);
    for (;;) {
      const whole = this.#splitter.next();
      if (whole !== null) {
        const reply = parseReply(whole);
        const refusal = refusalOf(reply);
        if (refusal !== null) throw refusal;
        return reply;
      }
      const leftMs = waitMs === null ? null : Math.max(1, Math.ceil(deadlineMs - performance.now()));
      this.#splitter.push(await this.#link.read(leftMs, undefined, waitMs));
    }
  }

  /** What came behind the reply to an upgraded call. */
  rest(): Buffer {
    return this.#splitter.takeRest();
  }
}
