// The conversation of Pair (PROTOCOL.md, 1.3, 1.4 and 2.1) from the relay's side: what scauthd says is shown, what it
// asks is asked, and the result comes back. It knows no wording; secrets pass in locked memory.

import { AgentError } from '../base/errors.ts';
import { SecretBuffer } from '../base/secret.ts';
import { encodeFrame, FRAME_VERSION, MAX_FRAME_BYTES, type Frame } from '../protocol/frames.ts';
import { FrameStream } from '../protocol/frame-stream.ts';
import { AgentConnection, AgentRefusal, refusalOf } from './agent.ts';

/** Who answers; null cancels. The caller of ask() releases the secret. */
export interface Person {
  ask(text: string, echo: boolean): Promise<SecretBuffer | null>;
  tell(kind: 'information' | 'error', text: string): void;
}

/** scauthd is heard at least each second while it works. */
const SILENCE_MS = 5000;
/** PROTOCOL.md, 1.4. */
const MAX_ASKS_AND_TELLS = 64;

async function sendAnswer(connection: AgentConnection, secret: SecretBuffer | null): Promise<void> {
  const frame = new SecretBuffer(MAX_FRAME_BYTES);
  try {
    const status = secret === null ? 'failed' : 'answered';
    const bytes = secret?.bytes ?? Buffer.alloc(0);
    await connection.write(encodeFrame({ type: 'answer', status, secret: bytes }, frame.bytes));
  } finally {
    secret?.release();
    frame.release();
  }
}

function resultOf(json: string): void {
  const result: unknown = JSON.parse(json);
  if (typeof result !== 'object' || result === null) throw new AgentError('malformed', { detail: 'result' });
  const fields = result as Record<string, unknown>;
  if (fields['error'] !== undefined) throw refusalOf(fields);
}

/**
 * Pairs the key with the caller's account; returns when it is paired.
 * @throws AgentRefusal in scauthd's words; AgentError `malformed`, `internal` (silence), `cancelled`; Error of the socket
 */
export async function pairKey(path: string, hash: string, person: Person, gone: AbortSignal): Promise<void> {
  const connection = await AgentConnection.connect(path);
  const ended = Promise.withResolvers<undefined>();
  let silence: NodeJS.Timeout | undefined;
  const listen = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      ended.reject(new AgentError('internal', { detail: 'scauthd does not answer' }));
    }, SILENCE_MS);
  };
  let shown = 0;
  const take = (frame: Frame): void => {
    if (frame.type !== 'wait' && frame.type !== 'result' && (shown += 1) > MAX_ASKS_AND_TELLS)
      throw new AgentError('malformed', { detail: 'too many asks and tells' });
    switch (frame.type) {
      case 'wait':
        listen();
        return;
      case 'tell':
        listen();
        person.tell(frame.kind, frame.text);
        return;
      case 'ask':
        // A person takes their time; scauthd has its own clock for them.
        clearTimeout(silence);
        void person
          .ask(frame.text, frame.echo)
          .then(async (secret) => {
            await sendAnswer(connection, secret);
            if (secret === null) throw new AgentError('cancelled');
            listen();
          })
          .catch((error: unknown) => {
            ended.reject(error instanceof Error ? error : new AgentError('internal'));
          });
        return;
      case 'result':
        // A refusal is scauthd's word and no malformed frame: it must not pass through the parser as one.
        try {
          resultOf(frame.json);
          ended.resolve(undefined);
        } catch (error) {
          ended.reject(error instanceof AgentRefusal ? error : new AgentError('malformed', { cause: error }));
        }
        return;
      default:
        throw new AgentError('malformed', { detail: `a ${frame.type} frame` });
    }
  };
  const frames = new FrameStream((frame, version) => {
    if (version !== FRAME_VERSION) throw new AgentError('malformed', { detail: 'version' });
    take(frame);
  });
  const push = (bytes: Buffer): void => {
    try {
      frames.push(bytes);
    } catch (error) {
      ended.reject(error instanceof Error ? error : new AgentError('malformed'));
    }
  };
  const abort = (): void => {
    ended.reject(new AgentError('no-card'));
  };
  gone.addEventListener('abort', abort, { once: true });
  void connection.closed.then(() => {
    ended.reject(new AgentError('internal', { detail: 'scauthd closed the connection' }));
  });
  listen();
  connection.stream('Pair', { hash }, 'upgrade', (reply, rest) => {
    if (reply.error !== null) {
      ended.reject(refusalOf({ code: reply.error, ...reply.parameters }));
      return;
    }
    connection.receive(push);
    push(rest());
  });
  try {
    await ended.promise;
  } finally {
    clearTimeout(silence);
    gone.removeEventListener('abort', abort);
    connection.close();
    frames.release();
  }
}
