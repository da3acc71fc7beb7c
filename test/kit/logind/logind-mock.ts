// logind as python3-dbusmock plays it (its template `logind`), on a bus of its own. Whoever starts it says where the
// programs run: on the machine, or in a sandbox. The sessions are what a test says; nothing here judges them.

import { type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient, Variant, type MessageBus } from 'dbus-native';
import type { Sandbox } from '../sandbox/sandbox.ts';

const NAME = 'org.freedesktop.login1';
const ROOT = '/org/freedesktop/login1';
const MOCK = 'org.freedesktop.DBus.Mock';
const PATIENCE_MS = 20_000;
const POLL_MS = 20;

/** Everybody may do everything on this bus: who may ask logind is not what is tested. */
const BUS_CONFIG = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    <allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
  </policy>
</busconfig>
`;

export interface LogindPlace {
  /** Starts a program there, as root; its output is piped. */
  readonly spawn: (argv: readonly string[], env: Readonly<Record<string, string>>) => ChildProcess;
  /** The machine's id of what was started so; absent: the child's own. */
  readonly pidOf?: (child: ChildProcess) => number | null;
  /** A path there, as the test finds it. */
  readonly path: (inside: string) => string;
  /** Where the bus listens, as programs there find it. Its folder is there. */
  readonly socket: string;
}

export interface MockSession {
  readonly id: string;
  readonly uid: number;
  readonly user: string;
  readonly seat?: string | null;
  readonly remoteHost?: string;
  readonly remote?: boolean;
  readonly class?: string;
  readonly type?: string;
  readonly state?: string;
  readonly display?: string;
  readonly tty?: string;
}

export class LogindMock {
  readonly #bus: MessageBus;
  readonly #mock: ChildProcess;
  /** dbusmock, the bus. */
  readonly #pids: readonly [number, number];

  private constructor(bus: MessageBus, mock: ChildProcess, pids: readonly [number, number]) {
    this.#bus = bus;
    this.#mock = mock;
    this.#pids = pids;
  }

  /** In a sandbox, where the system's bus is looked for. @throws Error as {@link start} */
  static startIn(sandbox: Sandbox): Promise<LogindMock> {
    mkdirSync(sandbox.path('/run/dbus'), { recursive: true });
    return LogindMock.start({
      spawn: (argv, env) => sandbox.namespace.spawn(argv, { env: { ...sandbox.environment(), ...env } }),
      pidOf: (child) => sandbox.namespace.pidOf(child),
      path: (path) => sandbox.path(path),
      socket: '/run/dbus/system_bus_socket',
    });
  }

  /** @throws Error with what the programs said when they do not come up */
  static async start(place: LogindPlace): Promise<LogindMock> {
    const config = `${place.socket}.conf`;
    writeFileSync(place.path(config), BUS_CONFIG.replace('SOCKET', place.socket));
    let said = '';
    const start = (argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess => {
      const child = place.spawn(argv, env);
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
      return child;
    };
    const daemon = start([
      'dbus-daemon',
      `--config-file=${config}`,
      '--nofork',
      '--nopidfile',
      '--print-address',
    ]);
    await until(
      () => Promise.resolve(said.includes('unix:path=')),
      () => said,
    );
    const bus = createClient({ stream: connect(place.path(place.socket)), authMethods: ['EXTERNAL'] });
    // Debian's python3 has the module; another that comes first on the path may not.
    const mock = start(['/usr/bin/python3', '-m', 'dbusmock', '--system', '--template', 'logind'], {
      DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${place.socket}`,
    });
    const owned = async (): Promise<boolean> => (await bus.listNames()).includes(NAME);
    await until(owned, () => said);
    const pidOf = (child: ChildProcess): number => (place.pidOf ?? ((one) => one.pid ?? null))(child) ?? 0;
    const logind = new LogindMock(bus, mock, [pidOf(mock), pidOf(daemon)]);
    // The template's own adds a number to a text.
    await logind.addMethod('GetUser', 'u', 'o', 'ret = "/org/freedesktop/login1/user/%u" % args[0]');
    return logind;
  }

  async add(session: MockSession): Promise<void> {
    const { id, uid, user, seat = 'seat0', remoteHost = '' } = session;
    await this.#call(ROOT, MOCK, 'AddSession', 'ssusb', [id, 'seat0', uid, user, true]);
    await this.change(id, {
      Seat: new Variant('(so)', seat === null ? ['', '/'] : [seat, `${ROOT}/seat/${seat}`]),
      Remote: new Variant('b', session.remote ?? remoteHost !== ''),
      RemoteHost: new Variant('s', remoteHost),
      Class: new Variant('s', session.class ?? 'user'),
      Type: new Variant('s', session.type ?? 'x11'),
      State: new Variant('s', session.state ?? 'active'),
      Display: new Variant('s', session.display ?? ''),
      TTY: new Variant('s', session.tty ?? ''),
    });
  }

  change(id: string, properties: Readonly<Record<string, Variant>>): Promise<void> {
    return this.#update(`${ROOT}/session/${id}`, `${NAME}.Session`, properties);
  }

  /** Which of the user's sessions logind takes for theirs. */
  setDisplay(uid: number, id: string): Promise<void> {
    const display = new Variant('(so)', [id, `${ROOT}/session/${id}`]);
    return this.#update(`${ROOT}/user/${uid}`, `${NAME}.User`, { Display: display });
  }

  /** Takes a session away, and its user's with it when it was the last. */
  async remove({ id, uid }: Pick<MockSession, 'id' | 'uid'>): Promise<void> {
    const path = `${ROOT}/session/${id}`;
    const face = 'org.freedesktop.DBus.Properties';
    const sessions = await this.#call(`${ROOT}/user/${uid}`, face, 'Get', 'ss', [`${NAME}.User`, 'Sessions']);
    const left = (sessions as [string, string][]).filter(([one]) => one !== id);
    await this.#update(`${ROOT}/user/${uid}`, `${NAME}.User`, { Sessions: new Variant('a(so)', left) });
    await this.#call(ROOT, MOCK, 'RemoveObject', 's', [path]);
  }

  /** Adds a method of the manager's that the template lacks. @param code Python that sets `ret` */
  addMethod(name: string, inputs: string, output: string, code: string): Promise<unknown> {
    return this.#call(ROOT, MOCK, 'AddMethod', 'sssss', [`${NAME}.Manager`, name, inputs, output, code]);
  }

  /** The arguments of each call of one of the manager's methods, oldest first. */
  async callsOf(method: string): Promise<unknown[][]> {
    const calls = await this.#call(ROOT, MOCK, 'GetMethodCalls', 's', [method]);
    return (calls as [unknown, unknown[]][]).map(([, args]) => args);
  }

  /** From now on it takes calls and gives no answer. */
  freeze(frozen: boolean): void {
    process.kill(this.#pids[0], frozen ? 'SIGSTOP' : 'SIGCONT');
    // nsenter stops with the program that it started, and would never see its end.
    if (!frozen) this.#mock.kill('SIGCONT');
  }

  stop(): void {
    this.#bus.connection.on('error', () => undefined);
    this.#bus.connection.stream.destroy();
    for (const pid of this.#pids) process.kill(pid, 'SIGKILL');
    this.#mock.kill('SIGCONT');
  }

  async #update(path: string, face: string, properties: Readonly<Record<string, Variant>>): Promise<void> {
    for (const [name, value] of Object.entries(properties))
      await this.#call(path, 'org.freedesktop.DBus.Properties', 'Set', 'ssv', [face, name, value]);
  }

  async #call(
    path: string,
    face: string,
    member: string,
    signature: string,
    body: unknown[],
  ): Promise<unknown> {
    return await this.#bus.invoke<unknown>({
      destination: NAME,
      path,
      interface: face,
      member,
      signature,
      body,
    });
  }
}

async function until(what: () => Promise<boolean>, otherwise: () => string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`logind's part is not played:\n${otherwise()}`);
    await pause(POLL_MS);
  }
}
