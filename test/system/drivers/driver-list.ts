// What scauthd tells of its drivers and cards: as `sc_auth drivers` shows it, and over varlink.
import { connect } from 'node:net';
import { IO_SOCKET } from '../../kit/sandbox/token-count.ts';
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';

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
  const { stdout, stderr } = await sandbox.exec(['sc_auth', 'drivers', '--json']);
  if (stderr !== '') throw new Error(stderr);
  return (JSON.parse(stdout) as { drivers: readonly ListedDriver[] }).drivers;
}

/** What `sc_auth drivers` says is wrong with a driver, in one text. @throws Error where it is not in the list */
export async function problemsOf(sandbox: Sandbox, id: string): Promise<string> {
  const { stdout } = await sandbox.exec(['sc_auth', 'drivers']);
  const lines = stdout.split('\n');
  const at = lines.findIndex((line) => line.slice(5).startsWith(`${id}(`));
  if (at < 0) throw new Error(`${id} is not in the list of drivers:\n${stdout}`);
  const behind = lines.slice(at + 1);
  const end = behind.findIndex((line) => !line.startsWith('         '));
  return behind
    .slice(0, end)
    .map((line) => line.trim())
    .join('\n');
}
