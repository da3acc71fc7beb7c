// What a driver's process may answer, as schemas. A driver is not trusted: what does not fit is refused whole, what is
// text is made safe to print, and certificates are parsed here, each for itself.
// Specification: DRIVERS.md, "What a driver answers".

import * as v from 'valibot';
import { AgentError, describeError, printable, type AgentErrorCode } from '../../base/errors.ts';
import { UNKNOWN_SECRETS, type FactorySecrets } from '../../model/card/factory-secrets.ts';
import { parseCertificate, parsePublicKey, type Certificate, type PublicKey } from '../../model/key/key.ts';
import type { CardKeyProof } from '../../model/card/card-key.ts';
import type { ToldTries } from '../../model/card/pin-tries.ts';
import type { Proof } from '../../model/proof.ts';
import { parseTokenId, type CardPin, type Identity, type TokenId } from '../../model/card/token.ts';
import type { JsonObject } from './frames.ts';

const MAX_IDENTITIES = 64;
const MAX_NOTES = 32;

const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/));
/** A card's own text may be of any length: it is cut, not refused. */
const text = v.string();
const tries = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000)));
const base64 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*={0,2}$/));
const hex = v.pipe(v.string(), v.regex(/^([0-9A-Fa-f]{2})*$/));
const pinLength = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(255));

const pinStateSchema = v.strictObject({
  triesLeft: tries,
  triesTotal: v.optional(tries, null),
  low: v.optional(v.boolean(), false),
});

const pinSchema = v.pipe(
  v.strictObject({
    id: name,
    label: text,
    entry: v.optional(v.picklist(['computer', 'reader']), 'computer'),
    minLength: pinLength,
    maxLength: pinLength,
    characters: v.optional(v.picklist(['digits', 'printable']), 'digits'),
    change: v.optional(v.boolean(), false),
    triesLeft: tries,
    triesTotal: v.optional(tries, null),
    low: v.optional(v.boolean(), false),
  }),
  v.check(({ minLength, maxLength }) => minLength <= maxLength, 'no PIN is within these lengths'),
);

const identitySchema = v.strictObject({
  key: name,
  use: v.picklist(['authentication', 'signature', 'key-management', 'card-authentication', 'retired']),
  label: text,
  pin: name,
  certificate: v.optional(base64),
  publicKey: v.optional(base64),
  touch: v.optional(v.nullable(v.picklist(['never', 'always', 'cached'])), null),
});

const signature = {
  scheme: v.picklist(['rsa-pss-sha256', 'rsa-pkcs1-sha256', 'ecdsa-sha256', 'ecdsa-sha384', 'ed25519']),
  signature: v.pipe(base64, v.minLength(1), v.maxLength(700)),
};
const cardProofSchema = v.strictObject({ key: name, ...signature });
export type CardProofAnswer = v.InferOutput<typeof cardProofSchema>;

const told = v.nullable(v.boolean());
const factorySecretsSchema = v.strictObject({ pin: told, puk: told, managementKey: told });

const tokenSchema = v.strictObject({
  serial: name,
  place: v.optional(name),
  label: text,
  pins: v.pipe(v.array(pinSchema), v.minLength(1), v.maxLength(16)),
  identities: v.pipe(v.array(identitySchema), v.maxLength(MAX_IDENTITIES)),
  notes: v.optional(v.pipe(v.array(text), v.maxLength(MAX_NOTES)), []),
  cardProof: v.optional(v.nullable(cardProofSchema)),
  factorySecrets: v.optional(factorySecretsSchema),
  makesKeys: v.optional(v.boolean(), false),
});

export const helloAnswer = v.strictObject({ version: v.literal(1) });
export const probeAnswer = v.strictObject({ token: v.nullable(tokenSchema) });
export const lookAnswer = v.strictObject({ tokens: v.pipe(v.array(tokenSchema), v.maxLength(16)) });
const emptyAnswer = v.strictObject({});
const signAnswer = v.strictObject(signature);
const newKeyAnswer = v.strictObject({ key: name, publicKey: base64 });
/** An APDU to be sent; `pin` says where the PIN goes that the driver never sees. */
export const transmitMessage = v.strictObject({
  id: v.number(),
  transmit: v.pipe(hex, v.minLength(8), v.maxLength(2 * 65544)),
  pin: v.optional(
    v.strictObject({
      offset: v.pipe(v.number(), v.integer(), v.minValue(5), v.maxValue(259)),
      fit: v.optional(v.boolean(), false),
    }),
  ),
  /** Beside `pin`, in changePin: where the new one goes. */
  newPin: v.optional(
    v.strictObject({ offset: v.pipe(v.number(), v.integer(), v.minValue(5), v.maxValue(259)) }),
  ),
});
export const resultMessage = v.strictObject({ id: v.number(), result: v.looseObject({}) });
/** Failures that a driver may tell; any other word breaks the protocol. */
const failures = [
  'wrong-pin',
  'pin-blocked',
  'pin-reserve',
  'pin-malformed',
  'pin-expired',
  'pin-not-set',
  'module-fault',
  'no-identity',
  'no-card',
  'card-changed',
  'card-busy',
  'card-reset',
  'card-timeout',
  'card-fault',
  'cancelled',
  'not-supported',
] as const satisfies readonly AgentErrorCode[];
export const errorMessage = v.strictObject({
  id: v.number(),
  error: v.strictObject({
    code: v.picklist(failures),
    message: v.optional(text, ''),
    triesLeft: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000))), null),
  }),
});

/** @throws AgentError `driver-fault` where `value` is not what the driver should have answered */
export function parseAnswer<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = (issue.path ?? []).map(({ key }) => String(key)).join('.');
  throw new AgentError('driver-fault', { detail: `${what}: ${path}: ${printable(issue.message)}` });
}

const failedAnswer = v.strictObject({
  failed: v.strictObject({ code: v.picklist(failures), message: v.optional(text, '') }),
});

/**
 * What went wrong although the PIN was right; null: nothing did.
 * @throws AgentError `driver-fault` for an unknown failure
 */
export function failedAfterPin(answer: JsonObject): AgentError | null {
  if (answer['failed'] === undefined) return null;
  const { code, message } = parseAnswer(failedAnswer, answer, 'a change of keys').failed;
  return new AgentError(code, { detail: `the driver says: ${printable(message)}` });
}

/** What a driver said went wrong, as an error of ours. @throws AgentError `driver-fault` for an unknown failure */
export function failureOf(message: JsonObject): AgentError {
  const { code, message: detail, triesLeft } = parseAnswer(errorMessage, message, 'an error').error;
  return new AgentError(code, {
    detail: `the driver says: ${printable(detail)}`,
    ...(triesLeft !== null && { triesLeft }),
  });
}

export interface PinRule {
  readonly minLength: number;
  readonly maxLength: number;
  readonly characters: 'digits' | 'printable';
  /** The driver can give it a new value. */
  readonly change: boolean;
}

/** A token as its driver described it, checked. */
export interface DescribedToken {
  readonly id: TokenId;
  /** The driver's own name for it. */
  readonly serial: string;
  /** Where the driver saw it, in the driver's words; undefined: it says nothing of that. */
  readonly place: string | undefined;
  readonly label: string;
  readonly identities: readonly Identity[];
  readonly pins: readonly [CardPin, ...CardPin[]];
  readonly rules: ReadonlyMap<string, PinRule>;
  readonly pinStates: ReadonlyMap<string, ToldTries>;
  readonly notes: readonly string[];
  readonly cardProof?: CardKeyProof;
  readonly factorySecrets: FactorySecrets;
  /** Keys can be made on it, and deleted. */
  readonly makesKeys: boolean;
}

type TokenAnswer = v.InferOutput<typeof tokenSchema>;
type IdentityAnswer = TokenAnswer['identities'][number];

/** The key of an identity: its certificate's, or the bare one. What cannot be used becomes a note. */
function keyOf(
  answer: IdentityAnswer,
  notes: string[],
): { publicKey: PublicKey; certificate: Certificate | null } | null {
  const note = (what: string, error: unknown): void => {
    const key = `key ${answer.key} (${answer.label.slice(0, 60)})`;
    notes.push(printable(`${key}: its ${what} cannot be read: ${describeError(error)}`));
  };
  if (answer.certificate !== undefined) {
    try {
      const certificate = parseCertificate(Buffer.from(answer.certificate, 'base64'));
      return { publicKey: certificate.publicKey, certificate };
    } catch (error) {
      note('certificate', error);
    }
  }
  if (answer.publicKey === undefined) return null;
  try {
    return { publicKey: parsePublicKey(Buffer.from(answer.publicKey, 'base64')), certificate: null };
  } catch (error) {
    note('public key', error);
    return null;
  }
}

/**
 * A token's description as identities and PINs. A broken certificate costs its identity only.
 * @throws AgentError `driver-fault` where the description contradicts itself
 */
export function describeToken(driver: string, answer: TokenAnswer): DescribedToken {
  const id = parseTokenId(`${driver}:${answer.serial}`);
  const label = printable(answer.label === '' ? answer.serial : answer.label, 100);
  const notes = answer.notes.map((note) => printable(note));
  const pinIds = new Set(answer.pins.map((pin) => pin.id));
  if (pinIds.size !== answer.pins.length)
    throw new AgentError('driver-fault', { detail: 'two PINs have one id' });
  const identities: Identity[] = [];
  for (const entry of answer.identities) {
    if (!pinIds.has(entry.pin))
      throw new AgentError('driver-fault', { detail: `no PIN has the id ${entry.pin}` });
    const key = keyOf(entry, notes);
    if (key === null) continue;
    const holder = key.certificate === null ? '' : ` (${key.certificate.holder})`;
    identities.push({
      ...{ tokenId: id, slot: entry.key, use: entry.use, pin: entry.pin, touch: entry.touch, ...key },
      label: printable(`${label}:${printable(entry.label, 100)}${holder}`, 300),
    });
  }
  const [first, ...others] = answer.pins.map((pin): CardPin => ({
    id: pin.id,
    label: printable(pin.label, 100),
    entry: pin.entry,
  }));
  if (first === undefined) throw new AgentError('driver-fault', { detail: 'no PIN' });
  return {
    factorySecrets: answer.factorySecrets ?? UNKNOWN_SECRETS,
    ...{ id, serial: answer.serial, place: answer.place, label, identities, notes },
    makesKeys: answer.makesKeys,
    pins: [first, ...others],
    rules: new Map(answer.pins.map((pin) => [pin.id, pin])),
    pinStates: new Map(
      answer.pins.map(({ id: pin, triesLeft, triesTotal, low }) => [pin, { triesLeft, triesTotal, low }]),
    ),
  };
}

/** @throws AgentError `driver-fault` */
export function proofOf(answer: JsonObject): Proof {
  const { scheme, signature } = parseAnswer(signAnswer, answer, 'sign');
  return { scheme, signature: Buffer.from(signature, 'base64') };
}

/** @throws AgentError `driver-fault`, `weak-key` */
export function newKeyOf(answer: JsonObject): { slot: string; publicKey: PublicKey } {
  const { key, publicKey } = parseAnswer(newKeyAnswer, answer, 'createKey');
  return { slot: key, publicKey: parsePublicKey(Buffer.from(publicKey, 'base64')) };
}

/** @throws AgentError `driver-fault` */
export function pinStateOf(answer: JsonObject): ToldTries {
  return parseAnswer(pinStateSchema, answer, 'pinState');
}

/** @throws AgentError `driver-fault` where the driver answers more than that it is done */
export function emptyOf(answer: JsonObject): void {
  parseAnswer(emptyAnswer, answer, 'an answer');
}
