// SSSD's InfoPipe on the system's D-Bus (sssd-ifp(5)): whose a certificate is. It asks and reads, and judges nothing.
// userCertificate is never asked for: InfoPipe cannot send what is not text, and ends (seen with SSSD 2.8).

import type { MessageBus } from 'dbus-native';
import { AgentError } from '../base/errors.ts';
import { toPem } from '../base/pem.ts';
import type { DirectoryUser } from '../model/key/directory-user.ts';
import type { CertificateUsers } from './interface.ts';

const NAME = 'org.freedesktop.sssd.infopipe';
const ROOT = '/org/freedesktop/sssd/infopipe';
const SYSTEM_BUS = '/run/dbus/system_bus_socket';
const USER_PATH = /^\/org\/freedesktop\/sssd\/infopipe\/Users\/[A-Za-z0-9_]{1,255}\/[A-Za-z0-9_]{1,255}$/;

/** Of one attribute of an account: more values, or longer ones, are no answer. */
const MAX_VALUES = 64;
const MAX_VALUE_LENGTH = 2048;
const MAX_NAME_LENGTH = 255;

function malformed(what: string): AgentError {
  return new AgentError('internal', { detail: `InfoPipe's answer makes no sense: ${what}` });
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength;
}

/** @param attributes a{sas} */
function valuesOf(attributes: unknown, name: string): readonly string[] {
  if (attributes === null || typeof attributes !== 'object') throw malformed('extraAttributes');
  const values: unknown = Object.hasOwn(attributes, name)
    ? (attributes as Record<string, unknown>)[name]
    : [];
  if (!Array.isArray(values) || values.length > MAX_VALUES) throw malformed(name);
  return values.map((value: unknown) => {
    if (!isText(value, MAX_VALUE_LENGTH)) throw malformed(name);
    return value;
  });
}

export class InfoPipe implements CertificateUsers {
  readonly #socketPath: string;

  constructor(socketPath = SYSTEM_BUS) {
    this.#socketPath = socketPath;
  }

  async usersOf(certificate: Buffer, limit: number, signal: AbortSignal): Promise<readonly DirectoryUser[]> {
    // Loaded when it is needed first: a machine without SSSD never does.
    const { dbusClient } = await import('../base/dbus.ts');
    // A connection for each question: no login waits for another one's, or loses its answer with it.
    const bus = dbusClient(this.#socketPath);
    try {
      const body = [toPem(certificate, 'CERTIFICATE'), limit];
      const paths = await call(
        bus,
        signal,
        `${ROOT}/Users`,
        `${NAME}.Users`,
        'ListByCertificate',
        'su',
        body,
      );
      if (!Array.isArray(paths) || paths.length > limit) throw malformed('the list of users');
      return await Promise.all(paths.map((path: unknown) => userAt(path, bus, signal)));
    } finally {
      bus.connection.stream.destroy();
    }
  }
}

async function userAt(path: unknown, bus: MessageBus, signal: AbortSignal): Promise<DirectoryUser> {
  if (typeof path !== 'string' || !USER_PATH.test(path)) throw malformed('the path of a user');
  // One by one: among all of them are the groups, which may be asked of the directory.
  const get = (property: string): Promise<unknown> =>
    call(bus, signal, path, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [`${NAME}.Users.User`, property]);
  const [name, uid, attributes] = await Promise.all(['name', 'uidNumber', 'extraAttributes'].map(get));
  if (!isText(name, MAX_NAME_LENGTH) || name === '') throw malformed('name');
  if (typeof uid !== 'number' || !Number.isSafeInteger(uid)) throw malformed('uidNumber');
  return {
    name,
    uid,
    sids: valuesOf(attributes, 'objectSIDString'),
    securityIdentities: valuesOf(attributes, 'altSecurityIdentities'),
    principalNames: valuesOf(attributes, 'userPrincipalName'),
  };
}

async function call(
  bus: MessageBus,
  signal: AbortSignal,
  path: string,
  face: string,
  member: string,
  signature: string,
  body: unknown[],
): Promise<unknown> {
  try {
    return await bus.invoke<unknown>(
      { destination: NAME, path, interface: face, member, signature, body },
      { signal },
    );
  } catch (cause) {
    throw new AgentError('internal', { detail: `InfoPipe does not answer ${member}`, cause });
  }
}
