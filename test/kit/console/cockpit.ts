// The administrator's page in the real Cockpit: cockpit-ws of Debian on a port of 127.0.0.1, without TLS and without a login of
// its own, and behind it Debian's cockpit-bridge in a sandbox, as the account that is asked for. Both are unpacked and not
// installed (install/packages.json).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeConsole } from '../../../install/package/console.ts';
import { APP, REPOSITORY } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

const WS = join(REPOSITORY, 'build/cockpit-ws/usr/lib/cockpit/cockpit-ws');
const BRIDGE = `${APP}/build/cockpit-bridge/usr/bin/cockpit-bridge`;
/** Where Cockpit looks for pages. */
const SHARE = 'build/console';
const PATIENCE_MS = 30_000;
const POLL_MS = 20;

/** As cockpit-system has it for the shell: the bridge with root's rights is begun by sudo, which asks by way of the page. */
const SHELL = {
  bridges: [
    {
      privileged: true,
      environ: [`SUDO_ASKPASS=${APP}/build/cockpit-bridge/usr/lib/cockpit/cockpit-askpass`],
      spawn: ['sudo', '-k', '-A', BRIDGE, '--privileged'],
    },
  ],
};

/** Makes the page from its sources. @returns the folder with its files */
export async function buildConsole(): Promise<string> {
  const out = join(REPOSITORY, SHARE, 'cockpit/scauth');
  await makeConsole(REPOSITORY, out);
  const shell = join(REPOSITORY, SHARE, 'cockpit/shell');
  mkdirSync(shell, { recursive: true });
  writeFileSync(join(shell, 'manifest.json'), JSON.stringify(SHELL));
  return out;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}

export class Cockpit {
  /** Of the page. */
  readonly url: string;
  readonly #ws: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, ws: ChildProcess, folder: string) {
    this.url = `http://127.0.0.1:${port}/cockpit/@localhost/scauth/index.html`;
    this.#ws = ws;
    this.#folder = folder;
  }

  /**
   * @param user an account of the sandbox; without it, root
   * @throws Error with what cockpit-ws said
   */
  static async start(sandbox: Sandbox, user = 'root'): Promise<Cockpit> {
    const folder = mkdtempSync(join(tmpdir(), 'scauth-cockpit-'));
    const { initPid } = sandbox.namespace;
    const env = Object.entries({
      ...sandbox.environment(user),
      XDG_DATA_DIRS: `${APP}/${SHARE}:${APP}/build/cockpit-bridge/usr/share`,
      // A bridge that finds a bus of the session's asks it for things that a sandbox has not.
      XDG_RUNTIME_DIR: '/run/sandbox',
    }).map(([name, value]) => `${name}=${value}`);
    const become =
      user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'];
    // prettier-ignore
    const enter = ['nsenter', '--target', String(initPid), '--mount', '--net', '--pid', '--root', '--',
      'env', '-i', '--chdir=/', ...env, ...become, BRIDGE];
    const script = join(folder, 'bridge');
    const quoted = enter.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
    writeFileSync(script, `#!/bin/sh\nexec ${quoted}\n`, { mode: 0o700 });
    const port = await freePort();
    const ws = spawn(
      'setpriv',
      // prettier-ignore
      ['--pdeathsig', 'KILL', '--', WS, `--local-session=${script}`, '--no-tls', '--address', '127.0.0.1', '--port', String(port)],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', XDG_CONFIG_DIRS: folder, XDG_RUNTIME_DIR: folder },
      },
    );
    let said = '';

    ws.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const cockpit = new Cockpit(port, ws, folder);
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await answers(port))) {
      if (ws.exitCode !== null || ws.signalCode !== null || Date.now() > deadline) {
        await cockpit.stop();
        throw new Error(`cockpit-ws did not start. What it said:\n${said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return cockpit;
  }

  async stop(): Promise<void> {
    if (this.#ws.exitCode === null && this.#ws.signalCode === null) {
      const ended = once(this.#ws, 'exit');
      this.#ws.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
