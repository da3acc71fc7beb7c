// What scauthd tells of its drivers and cards over varlink, as `sc_auth drivers` and `sc_auth profile` get it.
import { connect } from 'node:net';
import { IO_SOCKET } from '../sandbox/services.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** One call without an upgrade. @throws Error for an error reply, and where the connection ends without a reply */
export function askScauthd(sandbox: Sandbox, method: string, parameters: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(sandbox.path(IO_SOCKET));
    let answer = '';
    socket.setEncoding('utf8');
    socket.write(`${JSON.stringify({ method: `io.scauth.${method}`, parameters })}\0`);
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.endsWith('\0')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (!answer.endsWith('\0')) {
        reject(new Error(`no reply to ${method}`));
        return;
      }
      const reply = JSON.parse(answer.slice(0, -1)) as { error?: string; parameters?: unknown };
      if (reply.error === undefined) resolve(reply.parameters);
      else reject(new Error(reply.error));
    });
  });
}

export interface ListedDriver {
  readonly id: string;
  readonly version: string;
  readonly state: string;
  readonly problems: readonly string[];
}

export async function listDrivers(sandbox: Sandbox): Promise<readonly ListedDriver[]> {
  const { drivers } = (await askScauthd(sandbox, 'ListDrivers')) as { drivers: readonly ListedDriver[] };
  return drivers;
}

/** What the list says is wrong with a driver, in one text. @throws Error where it is not in the list */
export async function problemsOf(sandbox: Sandbox, id: string): Promise<string> {
  const driver = (await listDrivers(sandbox)).find((one) => one.id === id);
  if (driver === undefined) throw new Error(`${id} is not in the list of drivers`);
  return driver.problems.join('\n');
}
