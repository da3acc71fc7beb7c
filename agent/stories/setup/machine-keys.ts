// The stories of macOS' sc_auth create-ctk-identity, create-ctk-csr and delete-ctk-identity, on the machine's own chip: a key
// for logins that cannot be taken out of it, used with the PIN of its token. Pairing is `sc_auth pair`, as with a card.
// Why: DECISIONS.md D250, D251.

import { systemClock } from '../../base/clock.ts';
import { AgentError, asAgentError, type AgentErrorCode } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { Account } from '../../model/account.ts';
import type { MachineKeyAlgorithm } from '../../model/card/issuing.ts';
import type { Pkhh } from '../../model/key/key.ts';
import type { PinTry } from '../../model/card/token.ts';
import { UnsignedDocument, type Subject } from '../../model/key/unsigned-document.ts';
import { CARD_READING_MS, type KeyStore, type MachineKey, type Token } from '../../token/interface.ts';
import * as say from '../../words/machine-keys.ts';
import { tooWeak } from '../../words/pairing.ts';
import { refusesPairing } from '../../../policy/permit-pairing.ts';
import { auditedCard } from '../card/audited-card.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import type { Asked } from '../card/conversation.ts';
import type { TryConsent } from '../card/ask-pin/last-try.ts';
import { askCardPin, tryConsent } from '../card/prove-card.ts';
import { ownersOf } from '../card/find/user-of-card.ts';
import type { PairingParts } from '../pair/pair.ts';
import { askStrongPin } from './new-secrets.ts';

export interface MachineKeyWish {
  /** Id or label; null: the only one. */
  readonly token: string | null;
  readonly newToken: boolean;
  /** At most 32 bytes. */
  readonly label: string;
  readonly algorithm: MachineKeyAlgorithm;
  readonly subject: Subject;
}

type AskedHere = Asked<PairingParts>;

type KeyToken = Token & { readonly keys: KeyStore };

const holdsKeys = (token: Token): token is KeyToken => token.keys !== undefined;

/** @throws AgentError `no-card`, `invalid-argument` (several, or none of this name), as TokenSource.present */
async function tokenNamed(name: string | null, { tokens }: PairingParts): Promise<KeyToken> {
  const present = (await tokens.present(CARD_READING_MS)).filter(holdsKeys);
  const named = present.filter(({ id, label }) => name === null || id === name || label === name);
  const [token, ...others] = named;
  if (token === undefined)
    throw new AgentError('invalid-argument', {
      say: present.length === 0 ? say.NO_TOKEN : say.NO_SUCH_TOKEN,
    });
  if (others.length > 0) throw new AgentError('invalid-argument', { say: say.SEVERAL_TOKENS });
  return token;
}

/** A token whose PIN the person has typed. */
interface Opened {
  readonly token: KeyToken;
  readonly pin: Pin;
  readonly consent: TryConsent;
}

/** The caller wipes the PIN. */
async function openToken(token: KeyToken, asked: AskedHere): Promise<Opened> {
  const { pin, consent } = await askCardPin(token, asked);
  if (pin === null) throw new AgentError('not-supported', { detail: 'a PIN that is typed on the reader' });
  return { token, pin, consent };
}

/** The next step with the PIN that was typed. */
function next<T>({ pin, consent }: Opened, use: (attempt: PinTry) => Promise<T>): Promise<T> {
  return consent.send(pin.copy(), use);
}

function isPin(pin: Pin): boolean {
  return pin.isDigits && pin.length >= say.NEW_PIN_DIGITS.least && pin.length <= say.NEW_PIN_DIGITS.most;
}

/** @throws AgentError as TokenSource.newToken */
async function makeToken(label: string, asked: AskedHere): Promise<Opened> {
  const { person, peer, parts } = asked;
  const { tokens, audit } = parts;
  const before = (await tokens.present(CARD_READING_MS)).filter(holdsKeys);
  if (before.some((token) => token.label === label))
    throw new AgentError('invalid-argument', { say: say.LABEL_TAKEN });
  if (tokens.newToken === undefined)
    throw new AgentError('not-supported', { detail: 'no driver makes tokens' });
  const pin = await askStrongPin(person, { acceptsPin: isPin }, parts.policy(), label);
  try {
    await tokens.newToken(label, pin.copy());
    const token = (await tokens.present(CARD_READING_MS))
      .filter(holdsKeys)
      .find((one) => one.label === label && one.identities.length === 0);
    if (token === undefined) throw new AgentError('card-fault', { detail: 'the new token is not there' });
    const card = { ...auditedCard(token, parts.pairings), actor: peer };
    await audit.record({ kind: 'pin-changed', how: 'set-up', good: true, ...card });
    return { token, pin: pin.copy(), consent: tryConsent(token, asked) };
  } finally {
    pin.wipe();
  }
}

/**
 * @returns the token and the new key's hash
 * @throws AgentError `weak-key`, `invalid-argument`, `not-supported`, those of askCardPin and KeyStore
 */
export async function createMachineKey(
  account: Account,
  wish: MachineKeyWish,
  asked: AskedHere,
): Promise<{ readonly token: Token; readonly key: MachineKey }> {
  const { parts } = asked;
  // A key that no pairing would take is not made; one more pairing is not its business.
  const rule = refusesPairing(parts.policy(), wish.algorithm, 0);
  if (rule !== null) throw new AgentError('weak-key', { say: tooWeak(rule) });
  const opened = wish.newToken
    ? await makeToken(wish.label, asked)
    : await openToken(await tokenNamed(wish.token, parts), asked);
  const { token } = opened;
  const { keys } = token;
  try {
    const { algorithm, label } = wish;
    const key = await auditedPinUse({ kind: 'pin-checked' }, token, asked, () =>
      next(opened, (attempt) => keys.createKey({ algorithm, label }, attempt)),
    );
    try {
      const about = { use: 'login', publicKey: key.publicKey, subject: wish.subject } as const;
      const document = UnsignedDocument.certificate({ ...about, nowMs: systemClock.nowMs() });
      const der = await next(opened, (attempt) => keys.signDocument(key, document, attempt));
      await next(opened, (attempt) => keys.putCertificate(key, der, attempt));
    } catch (error) {
      await takeBack(key, opened, asAgentError(error));
      throw error;
    }
    return { token, key };
  } finally {
    opened.pin.wipe();
    await parts.tokens.readAgain?.(token, CARD_READING_MS);
  }
}

const IN_DOUBT: readonly AgentErrorCode[] = [
  'wrong-pin',
  'pin-blocked',
  'pin-reserve',
  'pin-not-yours',
  'pin-malformed',
];

/** A key that has no certificate is half a login. Where the PIN is in doubt it is not sent once more; never rejects. */
async function takeBack(key: MachineKey, opened: Opened, { code }: AgentError): Promise<void> {
  if (IN_DOUBT.includes(code)) return;
  await next(opened, (attempt) => opened.token.keys.deleteKeys([key], attempt)).catch(() => undefined);
}

/** @throws AgentError `no-identity` */
async function tokenWithKey(
  pkhh: Pkhh,
  { tokens }: PairingParts,
): Promise<{ token: KeyToken; key: MachineKey }> {
  for (const token of (await tokens.present(CARD_READING_MS)).filter(holdsKeys)) {
    const key = token.identities.find(({ publicKey }) => publicKey.pkhh === pkhh);
    if (key !== undefined) return { token, key };
  }
  throw new AgentError('invalid-argument', { say: say.NO_SUCH_KEY });
}

/** @returns PKCS#10, DER @throws AgentError `invalid-argument`, those of askCardPin and KeyStore */
export async function requestForMachineKey(pkhh: Pkhh, subject: Subject, asked: AskedHere): Promise<Buffer> {
  const { token, key } = await tokenWithKey(pkhh, asked.parts);
  const document = UnsignedDocument.request({ use: 'login', publicKey: key.publicKey, subject });
  const opened = await openToken(token, asked);
  try {
    return await auditedPinUse({ kind: 'pin-checked' }, token, asked, () =>
      next(opened, (attempt) => token.keys.signDocument(key, document, attempt)),
    );
  } finally {
    opened.pin.wipe();
  }
}

/**
 * @param pkhh null: all keys of a token
 * @returns the hashes of what was deleted
 * @throws AgentError `invalid-argument` also for a key that is paired: `unpair` asks whether that would shut somebody out
 */
export async function deleteMachineKeys(
  pkhh: Pkhh | null,
  name: string | null,
  asked: AskedHere,
): Promise<readonly Pkhh[]> {
  const { parts } = asked;
  const token = pkhh === null ? await tokenNamed(name, parts) : (await tokenWithKey(pkhh, parts)).token;
  const keys = token.identities.filter(({ publicKey }) => pkhh === null || publicKey.pkhh === pkhh);
  if (keys.length === 0) return [];
  const paired = keys.find(({ publicKey }) => ownersOf(publicKey, parts.pairings).length > 0);
  if (paired !== undefined)
    throw new AgentError('invalid-argument', { say: say.stillPaired(paired.publicKey.pkhh) });
  const opened = await openToken(token, asked);
  try {
    await auditedPinUse({ kind: 'pin-checked' }, token, asked, () =>
      next(opened, (attempt) => token.keys.deleteKeys(keys, attempt)),
    );
    return keys.map(({ publicKey }) => publicKey.pkhh);
  } finally {
    opened.pin.wipe();
    await parts.tokens.readAgain?.(token, CARD_READING_MS);
  }
}
