// Replies of scauthd as typed values. Each field is checked once, here; fields that we do not know are left out,
// so that a newer scauthd may say more.

import type {
  Methods,
  SessionMethod,
  UpgradedMethod,
  WireDriver,
  WireExemption,
  WireExpiring,
  WireRefusedCard,
  WireFailure,
  WireIdentity,
  WireItem,
  WireKeyringCard,
  WireLink,
  WirePairing,
  WireReader,
  WireReaderDriver,
  WireStanding,
  WireStep,
  WireToken,
} from '../../protocol/io-scauth.ts';
import { agent as say } from '../../words/sc-auth.ts';
import { CommandError } from '../exit-codes.ts';

/** A reply that no scauthd of our version gives. */
export function notUnderstood(cause: unknown): CommandError {
  return new CommandError('malformed', say.notUnderstood, cause);
}

const TOKEN = {
  id: 'string',
  driver: 'string',
  label: 'string',
  reader: 'string',
  triesLeft: 'number?',
  triesTotal: 'number?',
  readAt: 'string?',
  notes: 'string[]',
} as const satisfies Record<keyof WireToken, Shape>;

const DRIVER = {
  id: 'string',
  version: 'string',
  displayName: 'string',
  shortName: 'string',
  parent: 'string?',
  uuid: 'string?',
  path: 'string',
  timestamp: 'string?',
  interfaceVersion: 'number?',
  kind: 'string',
  uid: 'number?',
  state: 'string',
  problems: 'string[]',
  builtIn: 'boolean',
  forLogin: 'boolean',
} as const satisfies Record<keyof WireDriver, Shape>;

const READER = {
  name: 'string',
  state: 'string',
  atr: 'string?',
  token: 'string?',
  error: 'string?',
} as const satisfies Record<keyof WireReader, Shape>;

const READER_DRIVER = {
  id: 'string',
  version: 'string?',
  path: 'string',
} as const satisfies Record<keyof WireReaderDriver, Shape>;

const ITEM = {
  token: 'string',
  readAt: 'string?',
  slot: 'string',
  use: 'string',
  algorithm: 'string',
  label: 'string',
  hash: 'string',
  publicKey: 'string',
  certificate: 'string?',
  sslTrust: 'string',
  x509Trust: 'string',
  trustDetail: 'string?',
  unfit: 'string?',
} as const satisfies Record<keyof WireItem, Shape>;

const STEP = {
  name: 'string',
  good: 'boolean',
  ms: 'number',
  note: 'string',
} as const satisfies Record<keyof WireStep, Shape>;

const IDENTITY = {
  hash: 'string',
  label: 'string',
  token: 'string',
  slot: 'string',
  use: 'string',
  algorithm: 'string',
  commonName: 'string?',
  issuer: 'string?',
  serial: 'string?',
  notBefore: 'string?',
  notAfter: 'string?',
  unfit: 'string?',
  pairedWith: 'string[]',
} as const satisfies Record<keyof WireIdentity, Shape>;

const PAIRING = {
  user: 'string',
  hash: 'string',
  label: 'string',
  token: 'string?',
  driver: 'string?',
  algorithm: 'string?',
  sha256: 'string?',
  keyKnown: 'boolean',
  pairedBy: 'string',
  pairedAt: 'string',
} as const satisfies Record<keyof WirePairing, Shape>;

const LINK = {
  name: 'string',
  ok: 'boolean',
  detail: 'string',
  remedy: 'string?',
} as const satisfies Record<keyof WireLink, Shape>;

const KEYRING_CARD = {
  hash: 'string',
  label: 'string',
  token: 'string?',
  enabled: 'boolean',
  sealedAt: 'string?',
  passwordChanged: 'boolean?',
} as const satisfies Record<keyof WireKeyringCard, Shape>;

const EXEMPTION = {
  user: 'string',
  until: 'string',
  by: 'string',
  at: 'string',
  reason: 'string',
} as const satisfies Record<keyof WireExemption, Shape>;

const STANDING = {
  user: 'string',
  uid: 'number',
  pairings: 'number',
  lastCardLogin: 'string?',
  inExemptGroup: 'boolean',
  exemptUntil: 'string?',
  keptInBy: 'string?',
  why: 'string',
} as const satisfies Record<keyof WireStanding, Shape>;

const HEALTH = {
  version: 'string',
  notInForce: 'string[]',
  configRefused: 'string?',
  shutOut: 'string[]',
  shutOutCount: 'number',
  shutOutSoon: 'string[]',
  shutOutSoonCount: 'number',
} as const;
const REFUSED_CARD = {
  user: 'string',
  hash: 'string',
  rule: 'string',
  why: 'string',
} as const satisfies Record<keyof WireRefusedCard, Shape>;
const SETTINGS_FOUND = {
  problem: 'string?',
  enforced: 'boolean',
  shutOut: 'string[]',
  shutOutCount: 'number',
  newlyShutOut: 'string[]',
  newlyShutOutCount: 'number',
  closesRemote: 'boolean',
} as const;
const EXPIRING = {
  what: 'string',
  user: 'string?',
  hash: 'string',
  label: 'string',
  notAfter: 'string',
} as const satisfies Record<keyof WireExpiring, Shape>;

const ENFORCEMENT = {
  state: 'string',
  since: 'string?',
  until: 'string?',
  by: 'string?',
  breakGlass: 'boolean',
} as const;

type Shape = 'string' | 'string?' | 'number' | 'number?' | 'boolean' | 'boolean?' | 'string[]';
interface Shapes {
  string: string;
  'string?': string | null;
  number: number;
  'number?': number | null;
  boolean: boolean;
  'boolean?': boolean | null;
  'string[]': readonly string[];
}
type Shaped<S extends Readonly<Record<string, Shape>>> = { readonly [K in keyof S]: Shapes[S[K]] };

function fits(value: unknown, shape: Shape): boolean {
  switch (shape) {
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === shape;
    case 'string?':
      return value === null || typeof value === 'string';
    case 'number?':
      return value === null || typeof value === 'number';
    case 'boolean?':
      return value === null || typeof value === 'boolean';
    case 'string[]':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
}

function readObject<S extends Readonly<Record<string, Shape>>>(value: unknown, shapes: S): Shaped<S> {
  if (typeof value !== 'object' || value === null) throw notUnderstood('not an object');
  const given = new Map<string, unknown>(Object.entries(value));
  const entries = Object.entries(shapes).map(([name, shape]) => {
    // varlink leaves out what is null.
    const field = given.get(name) ?? null;
    if (!fits(field, shape)) throw notUnderstood(`field ${name}`);
    return [name, field] as const;
  });
  return Object.fromEntries(entries) as Shaped<S>;
}

function readList<S extends Readonly<Record<string, Shape>>>(value: unknown, shapes: S): Shaped<S>[] {
  if (!Array.isArray(value)) throw notUnderstood('not a list');
  return value.map((item) => readObject(item, shapes));
}

type Parameters = Readonly<Record<string, unknown>>;
type PlainMethod = Exclude<keyof Methods, UpgradedMethod | SessionMethod>;

const readers: { readonly [M in PlainMethod]: (reply: Parameters) => Methods[M]['reply'] } = {
  ListTokens: (reply) => ({ tokens: readList(reply['tokens'], TOKEN) }),
  ListIdentities: (reply) => ({ identities: readList(reply['identities'], IDENTITY), ...readNext(reply) }),
  ListItems: (reply) => ({ items: readList(reply['items'], ITEM), ...readNext(reply) }),
  ListDrivers: (reply) => ({ drivers: readList(reply['drivers'], DRIVER) }),
  ListReaders: (reply) => ({
    readers: readList(reply['readers'], READER),
    drivers: readList(reply['drivers'], READER_DRIVER),
  }),
  SetDriverForLogin: () => ({}),
  ListPairings: (reply) => ({ pairings: readList(reply['pairings'], PAIRING), ...readPlace(reply) }),
  AddPairing: (reply) => ({ pairing: readPairing(reply['pairing']) }),
  Unpair: (reply) => ({ removed: readList(reply['removed'], PAIRING) }),
  Explain: (reply) => ({ ...readObject(reply, { user: 'string' }), links: readList(reply['links'], LINK) }),
  GetKeyring: (reply) => ({
    ...readObject(reply, { user: 'string', allowed: 'boolean', pam: 'boolean', services: 'string[]' }),
    cards: readList(reply['cards'], KEYRING_CARD),
  }),
  DisableKeyring: (reply) => readObject(reply, { disabled: 'string[]' }),
  GetHealth: (reply) => {
    const { notInForce, shutOut, shutOutSoon, ...health } = readObject(reply, HEALTH);
    return {
      ...health,
      notInForce: [...notInForce],
      expiring: readList(reply['expiring'], EXPIRING),
      refusedCards: readList(reply['refusedCards'], REFUSED_CARD),
      shutOut: [...shutOut],
      shutOutSoon: [...shutOutSoon],
    };
  },
  ReloadSettings: (reply) => ({ changed: [...readObject(reply, { changed: 'string[]' }).changed] }),
  CheckSettings: (reply) => {
    const { shutOut, newlyShutOut, ...found } = readObject(reply, SETTINGS_FOUND);
    return { ...found, shutOut: [...shutOut], newlyShutOut: [...newlyShutOut] };
  },
  GetPairingPrompt: (reply) => readObject(reply, { enabled: 'boolean', level: 'string' }),
  SetPairingPrompt: () => ({}),
  GetEnforcement: (reply) => ({
    ...readObject(reply, ENFORCEMENT),
    exemptions: readList(reply['exemptions'], EXEMPTION),
    ...readPlace(reply),
  }),
  PlanEnforcement: (reply) => ({ accounts: readList(reply['accounts'], STANDING), ...readPlace(reply) }),
  StartEnforcement: (reply) => {
    const { until, shutOut } = readObject(reply, { until: 'string', shutOut: 'string[]' });
    return { until, shutOut: [...shutOut] };
  },
  ConfirmEnforcement: (reply) => readObject(reply, { user: 'string', at: 'string' }),
  StopEnforcement: () => ({}),
  SetBreakGlass: () => ({}),
  Exempt: (reply) => ({ exemption: readObject(reply['exemption'], EXEMPTION) }),
  Unexempt: (reply) => readObject(reply, { removed: 'boolean' }),
};

/** @throws CommandError `malformed` */
export function readReply<M extends PlainMethod>(method: M, reply: Parameters): Methods[M]['reply'] {
  return readers[method](reply);
}

function readNext(reply: Parameters): { next: number | null } {
  return readObject(reply, { next: 'number?' });
}

function readPlace(reply: Parameters): { next: string | null } {
  return readObject(reply, { next: 'string?' });
}

/** The card that a conversation was about. @throws CommandError `malformed` */
export function readTokenId({ token }: Parameters): string {
  if (typeof token !== 'string') throw notUnderstood('result: token');
  return token;
}

const REHEARSAL = {
  user: 'string',
  service: 'string',
  token: 'string?',
  hash: 'string?',
  granted: 'boolean',
} as const;

const FAILURE = {
  code: 'string',
  message: 'string',
  triesLeft: 'number?',
} as const satisfies Record<keyof WireFailure, Shape>;

export interface Rehearsal extends Shaped<typeof REHEARSAL> {
  readonly steps: readonly WireStep[];
  /** null exactly when a login would be granted. */
  readonly failure: WireFailure | null;
}

/** A yes that its own steps gainsay is none. @throws CommandError `malformed` */
export function readRehearsal(result: Parameters): Rehearsal {
  const { failure: given = null } = result;
  const facts = readObject(result, REHEARSAL);
  const steps = readList(result['steps'], STEP);
  const failure = given === null ? null : readObject(given, FAILURE);
  const good = steps.length > 0 && steps.every((step) => step.good);
  if (facts.granted !== (failure === null) || (facts.granted && !good))
    throw notUnderstood('result: granted');
  return { ...facts, steps, failure };
}

/** @throws CommandError `malformed` */
export function readPairing(value: unknown): WirePairing {
  return readObject(value, PAIRING);
}
