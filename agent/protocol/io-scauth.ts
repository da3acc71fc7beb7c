// The interface io.scauth as TypeScript: what goes over the wire, for the server (agent/socket/methods) and for clients
// (agent/cli, agent/session). The definition is io.scauth.varlink; its table is generated (npm run protocol), and types and
// the reader of what has come are made of that table here.

import { AgentError } from '../base/errors.ts';
import { METHODS, TYPES } from './io-scauth.generated.ts';
import { InvalidParameter } from './varlink.ts';

export const INTERFACE = 'io.scauth';

type Types = typeof TYPES;
type Table = Readonly<Record<string, string>>;

type ValueOf<T> = T extends `?${infer Of}`
  ? ValueOf<Of> | null
  : T extends `[]${infer Of}`
    ? readonly ValueOf<Of>[]
    : T extends 'string'
      ? string
      : T extends 'int' | 'float'
        ? number
        : T extends 'bool'
          ? boolean
          : T extends keyof Types
            ? Fields<Types[T]>
            : never;
export type Fields<T> = { readonly [Name in keyof T]: ValueOf<T[Name]> };
type Optional<T> = { [Name in keyof T]: T[Name] extends `?${string}` ? Name : never }[keyof T];
/** What may be null may also be left out. */
type Parameters<T> = Fields<Omit<T, Optional<T>>> & Partial<Fields<Pick<T, Optional<T>>>>;

/** Method name → parameters and reply. */
export type Methods = {
  readonly [M in keyof typeof METHODS]: {
    readonly parameters: Parameters<(typeof METHODS)[M]['parameters']>;
    readonly reply: Fields<(typeof METHODS)[M]['reply']>;
  };
};

export type MethodName = keyof Methods;
export type Reply<M extends MethodName> = Methods[M]['reply'];
/** Parameters as they were read: null for what was left out. */
export type Given<M extends MethodName> = Fields<(typeof METHODS)[M]['parameters']>;

type Wire<Name extends keyof Types> = Fields<Types[Name]>;
export type WireToken = Wire<'Token'>;
export type WireDriver = Wire<'Driver'>;
export type WireReader = Wire<'Reader'>;
export type WireReaderDriver = Wire<'ReaderDriver'>;
export type WireItem = Wire<'Item'>;
export type WireIdentity = Wire<'Identity'>;
export type WirePairing = Wire<'Pairing'>;
/** A card that is in, as one user may know it. */
export type WireSessionCard = Wire<'SessionCard'>;
/** A removal after which a session of the user's was to be locked or ended. */
export type WireRemoval = Wire<'Removal'>;
export type WireFailure = Wire<'Failed'>;
/** A pairing, and whether its card opens the login keyring. */
export type WireKeyringCard = Wire<'KeyringCard'>;
export type WireExemption = Wire<'Exemption'>;
export type WireLost = Wire<'Lost'>;
/** What `sc_auth enforce plan` says of an account. */
export type WireStanding = Wire<'Standing'>;
/** A setting in force, its meaning, and where it stands. */
export type WireSetting = Wire<'Setting'>;
/** A certificate on the way to an authority. */
export type WireChainLink = Wire<'ChainLink'>;
export type WireLink = Wire<'Link'>;
/** A certificate that is about to end. */
export type WireExpiring = Wire<'Expiring'>;
/** A paired card that no login takes as the machine is set up. */
export type WireRefusedCard = Wire<'RefusedCard'>;

/** One step of a rehearsal, in its result frame. */
export const STEP = { name: 'string', good: 'bool', ms: 'float', note: 'string' } as const;
export type WireStep = Fields<typeof STEP>;

/** Calls of a session's program (agent/session). */
export type SessionMethod = 'Monitor' | 'Claim';

/** Calls that go on as a conversation (PROTOCOL.md, 2.1). */
export type UpgradedMethod =
  | 'Pair'
  | 'Renew'
  | 'VerifyPin'
  | 'ChangePin'
  | 'UnblockPin'
  | 'SetUp'
  | 'AnswerChallenge'
  | 'CreateKey'
  | 'RequestCertificate'
  | 'DeleteKeys'
  | 'TakeOwnSecrets'
  | 'ImportCertificate'
  | 'Rehearse'
  | 'SignAnchor'
  | 'SignBook'
  | 'EnableKeyring';

type Fault = (name: string) => Error;

const malformed: Fault = (name) => new AgentError('malformed', { detail: `field ${name}` });

function readValue(value: unknown, type: string, name: string, fault: Fault): unknown {
  if (type.startsWith('?')) return value === null ? null : readValue(value, type.slice(1), name, fault);
  if (type.startsWith('[]')) {
    if (!Array.isArray(value)) throw fault(name);
    return value.map((item: unknown) => readValue(item, type.slice(2), name, fault));
  }
  if (Object.hasOwn(TYPES, type)) return readFields(value, TYPES[type as keyof Types], fault);
  const word = { string: 'string', int: 'number', float: 'number', bool: 'boolean' }[type];
  if (typeof value !== word || (type === 'int' && !Number.isSafeInteger(value))) throw fault(name);
  return value;
}

/**
 * A JSON object as typed fields, each checked once. Those that the table does not have are left out, so that the other end
 * may be newer; varlink leaves out what is null.
 * @param fault what a field that is not as it should be throws
 * @throws AgentError `malformed`
 */
export function readFields<T extends Table>(value: unknown, table: T, fault = malformed): Fields<T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AgentError('malformed', { detail: 'not an object' });
  const given = new Map<string, unknown>(Object.entries(value));
  const fields = Object.entries(table).map(([name, type]) => [
    name,
    readValue(given.get(name) ?? null, type, name, fault),
  ]);
  return Object.fromEntries(fields) as Fields<T>;
}

/**
 * What a caller gave: only what the method has, in its types; no number of this interface is below zero.
 * @throws InvalidParameter
 */
export function readParameters<M extends MethodName>(
  method: M,
  given: Readonly<Record<string, unknown>>,
): Given<M> {
  const table: Table = METHODS[method].parameters;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(table, name));
  if (unknown !== undefined) throw new InvalidParameter(unknown);
  const fields = readFields(given, table, (name) => new InvalidParameter(name));
  for (const [name, value] of Object.entries(fields))
    if (typeof value === 'number' && value < 0) throw new InvalidParameter(name);
  return fields;
}

/** @throws AgentError `malformed` */
export function readReply<M extends keyof Methods>(method: M, reply: unknown): Methods[M]['reply'] {
  return readFields(reply, METHODS[method].reply);
}

/** @throws AgentError `malformed` */
export function readPairing(value: unknown): WirePairing {
  return readFields(value, TYPES.Pairing);
}

/** @throws AgentError `malformed` */
export function readFailure(value: unknown): WireFailure {
  return readFields(value, TYPES.Failed);
}
