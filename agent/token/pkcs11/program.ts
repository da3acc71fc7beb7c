// The PKCS#11 driver: the program that scauthd runs for each module, as a driver of the kind `token`. A module is other
// people's code in this process, and only in this one. Usage: program.ts MODULE digits|printable [INIT_ARGS]
// Specification: DRIVERS.md; PKCS #11 2.40.

import { createHash } from 'node:crypto';
import {
  AgentError,
  asAgentError,
  describeError,
  printable,
  type AgentErrorCode,
} from '../../base/errors.ts';
import { codeOf, DriverUnfit, serve, textOf, type Request } from '../plugin/child.ts';
import type { JsonObject } from '../plugin/frames.ts';
import * as C from './constants.ts';
import * as keys from './machine-keys.ts';
import { isReader, Pkcs11Module, type TokenSlot } from './module.ts';
import { ObjectReader, readKeys } from './objects.ts';
import { reapChildren } from './reap.ts';
import { keysIn, requireKeys, SeenTokens, type SeenKeys } from './seen.ts';
import { pinLengths } from './pin-length.ts';
import { pinFailure } from './pin-outcome.ts';
import { sign } from './sign.ts';
import { isLow, ToldTries, triesLeftOf } from './tries.ts';

const PIN_CALLS: ReadonlySet<string> = new Set([
  ...['verifyPin', 'sign', 'changePin', 'newToken'],
  ...['createKey', 'signDocument', 'putCertificate', 'deleteKeys'],
]);
const MAX_IDENTITIES = 64;
/** What goes wrong otherwise than by the PIN may have left a module that keeps something in a bad state. */
const BY_THE_PIN: readonly AgentErrorCode[] = ['wrong-pin', 'pin-blocked', 'pin-reserve', 'pin-malformed'];

const [path = '', characters = 'digits', initArgs = ''] = process.argv.slice(2);
let loaded: Pkcs11Module | null = null;
const told = new ToldTries();
const seen = new SeenTokens();
/** Readers whose cards the module may know from before. */
const looked = new Set<string>();

function pkcs11Module(): Pkcs11Module {
  loaded ??= new Pkcs11Module(path, initArgs);
  return loaded;
}

/** A name for the token: its serial number, or where that cannot be one, a hash of what it says of itself. */
function serialOf({ serial, label, manufacturer, model }: TokenSlot): string {
  const clean = serial.replace(/[^A-Za-z0-9._-]/g, '').slice(0, 60);
  if (clean !== '') return clean;
  return createHash('sha256').update(`${manufacturer}\0${model}\0${label}`).digest('hex').slice(0, 16);
}

function notesOf({ label, flags }: TokenSlot): string[] {
  if ((flags & C.CKF_USER_PIN_LOCKED) !== 0) return [`${label}: the PIN is blocked`];
  if ((flags & C.CKF_USER_PIN_FINAL_TRY) !== 0) return [`${label}: one try is left for the PIN`];
  if ((flags & C.CKF_USER_PIN_COUNT_LOW) !== 0)
    return [`${label}: a wrong PIN was entered since the last right one`];
  return [];
}

/** A card with several PINs is several slots with one serial number: one token with several PINs. */
function groups(slots: readonly TokenSlot[]): TokenSlot[][] {
  return [...Map.groupBy(slots, (slot) => `${slot.description}\0${serialOf(slot)}\0${slot.model}`).values()];
}

function describePin(slot: TokenSlot, index: number, place: string): JsonObject {
  const triesLeft = triesLeftOf(slot.flags);
  told.tell(place, String(index), triesLeft);
  const onReader = (slot.flags & C.CKF_PROTECTED_AUTHENTICATION_PATH) !== 0;
  return {
    id: String(index),
    label: printable(slot.label),
    entry: onReader ? 'reader' : 'computer',
    ...pinLengths(slot.minPin, slot.maxPin),
    characters,
    // What is typed on the reader, and what is on a token that takes no changes, has no way here.
    change: !onReader && (slot.flags & C.CKF_WRITE_PROTECTED) === 0,
    triesLeft,
    low: isLow(slot.flags),
  };
}

function identitiesOf(slot: TokenSlot, index: number): { keys: SeenKeys; identities: JsonObject[] } {
  const module = pkcs11Module();
  return module.inSession(slot.slot, (session) => {
    const loginRequired = (slot.flags & C.CKF_LOGIN_REQUIRED) !== 0;
    const reader = new ObjectReader(module, session);
    const found = readKeys(reader, loginRequired);
    // A key for logins may be among what could not be read: the card is looked at again, and not called keyless.
    if (reader.failure !== null && !found.some(({ use }) => use === 'authentication')) throw reader.failure;
    const identities = found.map((key) => ({
      key: key.id,
      use: key.use,
      label: printable(key.label === '' ? `Key ${key.id}` : key.label),
      pin: String(index),
      ...(key.certificate !== null && { certificate: key.certificate.toString('base64') }),
      ...(key.publicKey !== null && { publicKey: key.publicKey.toString('base64') }),
    }));
    return { keys: keysIn(reader), identities };
  });
}

function describeToken(slots: readonly TokenSlot[], reader: string | null): JsonObject[] {
  const [first] = slots;
  if (first === undefined) return [];
  const read = slots.map((slot, index) => ({ slot, ...identitiesOf(slot, index) }));
  const all = read.flatMap(({ identities }) => identities);
  // A place for computing (NSS has one), and no token of anybody's.
  if (all.length === 0 && slots.every(({ flags }) => (flags & C.CKF_LOGIN_REQUIRED) === 0)) return [];
  const place = seen.add({ reader, pins: read });
  const notes = slots.flatMap(notesOf);
  if (all.length > MAX_IDENTITIES) notes.push(`${all.length - MAX_IDENTITIES} more keys were left out`);
  return [
    {
      serial: serialOf(first),
      place,
      label: printable(first.label === '' ? first.model : first.label),
      pins: slots.map((slot, index) => describePin(slot, index, place)),
      identities: all.slice(0, MAX_IDENTITIES),
      makesKeys: reader === null && keys.makesKeys(pkcs11Module(), first),
      notes,
    },
  ];
}

function look(params: JsonObject): JsonObject {
  const reader = typeof params['reader'] === 'string' ? params['reader'] : null;
  pkcs11Module().only(reader);
  // A second look at a card is one at what is on it by now: it may have been personalised while it was in.
  if (reader !== null && looked.has(reader)) letGo();
  if (reader !== null) looked.add(reader);
  const here = pkcs11Module().slots((slot) => (reader === null ? !slot.removable : isReader(slot, reader)));
  seen.forget(reader);
  return {
    tokens: groups(here)
      .slice(0, 16)
      .flatMap((slots) => describeToken(slots, reader)),
  };
}

/**
 * The slot of a token's PIN where it was seen, with flags that are true now: a module may answer with what it read
 * before, until it is initialised anew. @throws AgentError `no-card`, `card-changed`
 */
function slotOf(params: JsonObject): TokenSlot {
  const [place, pin] = [textOf(params, 'place'), textOf(params, 'pin')];
  const module = pkcs11Module();
  if (!module.keeps) letGo();
  return seen.slotOf(place, pin, module.slotsNow(seen.placeOf(place, pin)));
}

/** Others may have the cards now. What is no card nobody waits for, and some modules cannot often begin anew. */
function letGo(): void {
  if (seen.someStand) return;
  looked.clear();
  pkcs11Module().rest();
}

/**
 * One try of a PIN, in a session on the slot that was shown to the person, with its keys in it.
 * @throws AgentError `no-card`, `card-changed`; `pin-reserve` for a last try that scauthd does not know to be it
 */
function inTry<T>(
  params: JsonObject,
  act: (slot: TokenSlot, session: Buffer, reader: ObjectReader) => T,
  kind: 'read' | 'write' = 'read',
): T {
  const [place, pin] = [textOf(params, 'place'), textOf(params, 'pin')];
  const module = pkcs11Module();
  const slot = slotOf(params);
  told.check(place, pin, triesLeftOf(slot.flags));
  return module.inSession(
    slot.slot,
    (session) => {
      const reader = new ObjectReader(module, session);
      requireKeys(seen.pin(place, pin).keys, reader);
      return act(slot, session, reader);
    },
    kind,
  );
}

function pinState(params: JsonObject): JsonObject {
  const { flags } = slotOf(params);
  const triesLeft = triesLeftOf(flags);
  told.tell(textOf(params, 'place'), textOf(params, 'pin'), triesLeft);
  return { triesLeft, triesTotal: null, low: isLow(flags) };
}

/** @throws AgentError `wrong-pin` (with what the flags say then), `pin-blocked`, `pin-malformed`, … */
function login(slot: TokenSlot, session: Buffer, userType: number, pin: Buffer | null): void {
  const module = pkcs11Module();
  const code = module.pins.login(session, userType, pin);
  if (code === C.CKR_OK || (code === C.CKR_USER_ALREADY_LOGGED_IN && userType !== C.CKU_USER)) return;
  throw pinFailure(code, 'C_Login', slot.flags, () => flagsNow(slot));
}

/** The flags after a PIN was sent. */
function flagsNow(slot: TokenSlot): number | null {
  try {
    return pkcs11Module().pkcs11.C_GetTokenInfo(slot.slot).flags;
  } catch {
    return null;
  }
}

/** C_SetPIN proves the old PIN by itself; nobody is logged in before or after. */
function changePin({ params, secret, newSecret }: Request): JsonObject {
  if (secret === null || newSecret === null)
    throw new AgentError('malformed', { detail: 'two PINs are needed' });
  const setPin = (slot: TokenSlot, session: Buffer): void => {
    const code = pkcs11Module().pins.setPin(session, secret, newSecret);
    if (code !== C.CKR_OK) throw pinFailure(code, 'C_SetPIN', slot.flags, () => flagsNow(slot));
  };
  inTry(params, setPin, 'write');
  return {};
}

function signWith({ params, secret }: Request): JsonObject {
  return inTry(params, (slot, session, reader) => {
    login(slot, session, C.CKU_USER, secret);
    return signIn(slot, session, reader, { params, secret });
  });
}

/** With the user logged in. */
function signIn(
  slot: TokenSlot,
  session: Buffer,
  reader: ObjectReader,
  { params, secret }: Pick<Request, 'params' | 'secret'>,
): JsonObject {
  const module = pkcs11Module();
  const id = textOf(params, 'key');
  const message = Buffer.from(textOf(params, 'message'), 'base64');
  const key = reader.find(C.CKO_PRIVATE_KEY).find((object) => object.id === id);
  if (key === undefined)
    throw reader.failure ?? new AgentError('no-identity', { detail: `no private key ${id}` });
  // Hidden until the login: with it known, the key may turn out not to be one for logins.
  const use = readKeys(reader, true).find((found) => found.id === id)?.use;
  if (use !== 'authentication')
    throw reader.failure ?? new AgentError('no-identity', { detail: `key ${id} is for ${use ?? 'nothing'}` });
  const again = reader.flag(key.handle, C.CKA_ALWAYS_AUTHENTICATE) === true;
  const { scheme, signature } = sign(
    module,
    slot.slot,
    session,
    {
      handle: key.handle,
      keyType: reader.number(key.handle, C.CKA_KEY_TYPE),
      ecParams: reader.bytes(key.handle, C.CKA_EC_PARAMS),
    },
    message,
    () => {
      if (again) login(slot, session, C.CKU_CONTEXT_SPECIFIC, secret);
    },
  );
  return { scheme, signature: signature.toString('base64') };
}

/** What went wrong with the user logged in: the PIN was right, whatever the module's word. */
function failureAnswer(error: unknown): JsonObject {
  const code = codeOf(error);
  return { code: BY_THE_PIN.includes(code) ? 'module-fault' : code, message: describeError(error) };
}

/** What changes the keys on a token, with its user logged in. */
function withKeys(
  { params, secret }: Request,
  act: (module: Pkcs11Module, session: Buffer, reader: ObjectReader, slot: TokenSlot) => JsonObject,
): JsonObject {
  const inLogin = (slot: TokenSlot, session: Buffer, reader: ObjectReader): JsonObject => {
    if (slot.removable) throw new AgentError('not-supported', { detail: 'a card' });
    login(slot, session, C.CKU_USER, secret);
    try {
      return act(pkcs11Module(), session, reader, slot);
    } catch (error) {
      if (error instanceof DriverUnfit) throw error;
      return { failed: failureAnswer(error) };
    }
  };
  return inTry(params, inLogin, 'write');
}

/** null: it is not one of these. */
function changeKeys(request: Request): JsonObject | null {
  const { method, params, secret } = request;
  const text = (name: string): string => textOf(params, name);
  switch (method) {
    case 'newToken':
      if (secret === null) throw new AgentError('malformed', { detail: 'a PIN is needed' });
      keys.newToken(pkcs11Module(), text('label'), secret);
      return {};
    case 'createKey':
      return withKeys(request, (module, session, reader) => {
        const wanted = { algorithm: text('algorithm'), label: text('label') };
        const { id, publicKey } = keys.createKey(reader, wanted);
        return { key: id, publicKey: publicKey.toString('base64') };
      });
    case 'signDocument':
      return withKeys(request, (_module, session, reader, slot) => signIn(slot, session, reader, request));
    case 'putCertificate':
      return withKeys(request, (module, session, reader) => {
        const certificate = Buffer.from(text('certificate'), 'base64');
        keys.putCertificate(reader, text('key'), certificate);
        return {};
      });
    case 'deleteKeys':
      return withKeys(request, (module, session, reader) => {
        keys.deleteKeys(reader, text('keys').split(' '));
        return {};
      });
    default:
      return null;
  }
}

function handle(request: Request): JsonObject {
  const { method, params, secret } = request;
  switch (method) {
    case 'hello':
      pkcs11Module();
      return {};
    case 'look':
      return look(params);
    case 'pinState':
      return pinState(params);
    case 'verifyPin':
      inTry(params, (slot, session) => {
        login(slot, session, C.CKU_USER, secret);
      });
      return {};
    case 'sign':
      return signWith(request);
    case 'changePin':
      return changePin(request);
    case 'rest':
      if (!pkcs11Module().keeps) letGo();
      return {};
    default: {
      const changed = changeKeys(request);
      if (changed === null) throw new AgentError('card-fault', { detail: `no method ${method}` });
      return changed;
    }
  }
}

await serve((request) => {
  try {
    return handle(request);
  } catch (error) {
    loaded?.giveBack(PIN_CALLS.has(request.method));
    if (loaded?.keeps === true && !BY_THE_PIN.includes(asAgentError(error).code)) letGo();
    throw error;
  } finally {
    loaded?.giveBack(PIN_CALLS.has(request.method));
    reapChildren();
  }
});
