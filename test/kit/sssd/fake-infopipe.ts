// A bus with nothing on it but InfoPipe, as SSSD 2.8 answers, or as a test wants it to.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createConnection,
  messageType,
  Variant,
  type BrokerOptions,
  type DBusConnection,
  type Message,
} from 'dbus-native';

/** Its time limit for who never says who they are would go on after the test. The types name it for a broker alone. */
const PATIENT: BrokerOptions = { authTimeout: 0 };
const USERS = '/org/freedesktop/sssd/infopipe/Users';

export interface FakeUser {
  readonly name: unknown;
  readonly uid: unknown;
  /** a{sas}, as pairs; another Variant is sent as it is. */
  readonly attributes?: readonly (readonly [string, readonly string[]])[] | Variant;
}

/** null: no answer at all. */
export type FakeAnswer =
  { readonly signature: string; readonly body: unknown[] } | { readonly error: string } | null;

export class FakeInfoPipe {
  readonly folder = mkdtempSync(join(tmpdir(), 'scauth-bus-'));
  readonly socketPath = join(this.folder, 'bus');
  /** Who is listed, by the last part of their path. */
  users: readonly FakeUser[] = [];
  /** Before the usual answer; undefined: that. */
  answer: (message: Message, connection: DBusConnection) => FakeAnswer | undefined = () => undefined;
  readonly calls: { readonly member: string; readonly body: readonly unknown[] }[] = [];
  readonly sockets = new Set<Socket>();
  #server: Server | null = null;
  #serial = 1;

  async start(): Promise<this> {
    const server = createServer((stream) => {
      const connection = createConnection({ stream, server: true, ...PATIENT });
      this.sockets.add(stream);
      stream.once('close', () => this.sockets.delete(stream));
      connection.on('error', () => undefined);
      connection.on('message', (message: Message) => {
        this.#hear(message, connection);
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
    return this;
  }

  stop(): void {
    this.#server?.close();
    for (const socket of this.sockets) socket.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #hear(message: Message, connection: DBusConnection): void {
    const { member = '', body = [] } = message as { member?: string; body?: unknown[] };
    const isBus = member === 'Hello';
    if (!isBus) this.calls.push({ member, body });
    const answer = isBus ? { signature: 's', body: [':1.1'] } : this.answer(message, connection);
    const said = answer === undefined ? this.#usual(member, message, body) : answer;
    if (said === null) return;
    const reply = { serial: this.#serial++, replySerial: (message as { serial?: number }).serial };
    if ('error' in said)
      connection.message({
        ...{ ...reply, type: messageType.error, errorName: said.error },
        ...{ signature: 's', body: ['no'] },
      } as Message);
    else connection.message({ ...reply, type: messageType.methodReturn, ...said } as Message);
  }

  #usual(member: string, message: Message, body: readonly unknown[]): FakeAnswer {
    if (member === 'ListByCertificate')
      return { signature: 'ao', body: [this.users.map((_, at) => `${USERS}/example/${at}`)] };
    const path = (message as { path?: string }).path ?? '';
    const user = this.users[Number(path.slice(path.lastIndexOf('/') + 1))];
    if (user === undefined) return { error: 'sbus.Error.NotFound' };
    const { name, uid, attributes = [] } = user;
    const values: Record<string, Variant> = {
      name: name instanceof Variant ? name : new Variant('s', name),
      uidNumber: uid instanceof Variant ? uid : new Variant('u', uid),
      extraAttributes: attributes instanceof Variant ? attributes : new Variant('a{sas}', attributes),
    };
    const value = values[String(body[1])];
    return value === undefined ? { error: 'sbus.Error.UnknownProperty' } : { signature: 'v', body: [value] };
  }
}
