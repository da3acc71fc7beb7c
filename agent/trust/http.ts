// One request over plain HTTP, with a limit on everything: bytes, time, no redirect. What comes back is signed, so TLS
// would add nothing (RFC 5280, 4.2.1.13; RFC 6960, A).

import { request } from 'node:http';
import { AgentError } from '../base/errors.ts';

export interface HttpQuestion {
  readonly url: string;
  /** POST with this body and type; null: GET. */
  readonly body: { readonly bytes: Buffer; readonly type: string } | null;
  readonly maxBytes: number;
  /** For the whole, from the name look-up to the last byte. */
  readonly timeoutMs: number;
}

/** Whether a URI can be asked at all. */
export function isHttpUrl(text: string): boolean {
  const url = text.length <= 1000 ? URL.parse(text) : null;
  return url?.protocol === 'http:' && url.username === '' && url.password === '';
}

/** @throws AgentError `malformed` with why, safe to print */
export function askHttp({ url, body, maxBytes, timeoutMs }: HttpQuestion): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      reject(new AgentError('malformed', { detail: `${url}: ${why}` }));
      asking.destroy();
    };
    const headers = body === null ? {} : { 'Content-Type': body.type, 'Content-Length': body.bytes.length };
    const asking = request(url, {
      method: body === null ? 'GET' : 'POST',
      headers,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    });
    asking.on('error', (error) => {
      fail(
        error.name === 'AbortError' || error.name === 'TimeoutError'
          ? `no answer in ${timeoutMs} ms`
          : error.message,
      );
    });
    asking.on('response', (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      if (response.statusCode !== 200) {
        fail(`answered ${String(response.statusCode)}`);
        return;
      }
      response.on('data', (part: Buffer) => {
        length += part.length;
        if (length > maxBytes) fail(`longer than ${maxBytes} bytes`);
        else parts.push(part);
      });
      response.on('error', (error) => {
        fail(error.name === 'AbortError' ? `no answer in ${timeoutMs} ms` : error.message);
      });
      response.on('end', () => {
        resolve(Buffer.concat(parts));
      });
    });
    asking.end(body?.bytes);
  });
}
