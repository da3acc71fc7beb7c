// The PIV driver in a process of its own (`[piv] isolate = true`): the same code, over the public protocol. It never
// has the PIN: where it would send one, it says at which place of the APDU scauthd is to put it.
// Run by scauthd as a driver of the kind `card`. Specification: DRIVERS.md.

import { AgentError, type AgentErrorCode } from '../../base/errors.ts';
import { fromHex, toHex } from '../../base/bytes.ts';
import { Pin } from '../../base/pin.ts';
import type { Challenge } from '../../model/challenge.ts';
import type { PinTry } from '../../model/card/token.ts';
import { leaving, type CardChannel, type CardSlot } from '../../pcsc/channel.ts';
import { PivDriver } from './driver.ts';
import type { Token } from '../interface.ts';
import { serve, textOf, type Request } from '../plugin/child.ts';
import type { JsonObject } from '../plugin/frames.ts';

const INS_VERIFY = 0x20;
/** CHANGE REFERENCE DATA: the old PIN's block, then the new one's. */
const INS_CHANGE = 0x24;
const PIN_AT = 5;
const BLOCK_BYTES = 8;
/** Stands for the PIN that this process does not have; its bytes never leave it (SP 800-73-4 part 2, 2.4.3: 8 bytes). */
const STAND_IN = '00000000';
const PIN_BLOCK = { minLength: 6, maxLength: 8 };
/** Failures of a card that scauthd may tell in the middle of a call. */
const CHANNEL_FAILURES: readonly string[] = [
  'no-card',
  'card-reset',
  'card-timeout',
  'card-busy',
  'no-service',
];

/** A card, as far as a call of scauthd lends it. */
class RelayedSlot implements CardSlot {
  readonly reader: string;
  readonly atr: Buffer;
  request: Request | null = null;
  #open = 0;
  #allClosed: () => void = () => undefined;

  constructor(reader: string, atr: Buffer) {
    this.reader = reader;
    this.atr = atr;
  }

  open(): Promise<CardChannel> {
    this.#open += 1;
    let closed = false;
    return Promise.resolve({
      extendedLength: false,
      transmit: (command: Uint8Array) => Promise.resolve(this.#transmit(Buffer.from(command))),
      close: () => {
        if (!closed) this.#open -= 1;
        closed = true;
        if (this.#open === 0) this.#allClosed();
        return Promise.resolve(false); // scauthd does it
      },
    });
  }

  /** The token may keep its channel for some milliseconds; scauthd takes the card back with our answer. */
  async untilClosed(): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
  }

  #transmit(command: Buffer): Buffer {
    if (this.request === null) throw new AgentError('card-reset', { detail: 'no call is open' });
    const isChange = command[1] === INS_CHANGE;
    const hasPin = (isChange || command[1] === INS_VERIFY) && command.length > PIN_AT;
    const blocks = Buffer.alloc(isChange ? 2 * BLOCK_BYTES : BLOCK_BYTES, 0xff);
    const apdu = hasPin ? Buffer.concat([command.subarray(0, PIN_AT), blocks]) : command;
    const answer = this.request.ask({
      transmit: toHex(apdu),
      ...(hasPin && { pin: { offset: PIN_AT } }),
      ...(isChange && { newPin: { offset: PIN_AT + BLOCK_BYTES } }),
    });
    if (typeof answer['response'] === 'string') return fromHex(answer['response']);
    const failed = String(answer['failed']);
    throw new AgentError(CHANNEL_FAILURES.includes(failed) ? (failed as AgentErrorCode) : 'card-fault');
  }
}

/** The challenge of the probe that is under way, and the card's answer to it; scauthd judges. */
let cardChallenge: Challenge | null = null;
let cardProof: JsonObject | null = null;

const driver = new PivDriver({
  begin: () => {
    if (cardChallenge === null) return null;
    return {
      challenge: cardChallenge,
      conclude: (_key, { scheme, signature }) => {
        cardProof = { key: '9E', scheme, signature: Buffer.from(signature).toString('base64') };
        return { kind: 'none' };
      },
    };
  },
});
/** A card from its probe to the next one in the same reader. */
interface Probed {
  readonly slot: RelayedSlot;
  readonly token: Token;
}
/** By the name of the place that scauthd gives back: cards may share a serial. */
const probed = new Map<string, Probed>();
let probes = 0;

/** The message comes from scauthd, which built the Challenge; only its message() is used here. */
function challengeOf(purpose: Challenge['purpose'], base64: string): Challenge {
  const message = Buffer.from(base64, 'base64');
  return { purpose, message: () => message } as unknown as Challenge;
}

/** scauthd has asked for the permit, in this transaction. */
function standIn(): PinTry & { readonly pin: Pin } {
  return { pin: new Pin(Buffer.from(STAND_IN)), permit: () => undefined };
}

function describe(found: Token, place: string): JsonObject {
  const { triesLeft, triesTotal } = found.lastPinState;
  const other = new Pin(Buffer.from('abcdef'));
  const characters = found.acceptsPin(other) ? 'printable' : 'digits';
  other.wipe();
  return {
    serial: found.id.slice(found.id.indexOf(':') + 1),
    place,
    label: found.label,
    pins: found.pins.map(({ id, label }) => ({
      ...{ id, label, entry: 'computer', ...PIN_BLOCK, characters, change: true, triesLeft, triesTotal },
    })),
    identities: found.identities.map(({ slot: key, use, publicKey, certificate, pin, label, touch }) => ({
      ...{ key, use, pin, touch },
      // Ours is `TOKEN:NAME (HOLDER)`: scauthd puts the two around it.
      label: label.slice(found.label.length + 1).replace(/ \([^)]*\)$/, ''),
      publicKey: publicKey.spki.toString('base64'),
      ...(certificate !== null && { certificate: certificate.der.toString('base64') }),
    })),
    notes: found.notes.slice(0, 32),
    cardProof,
    factorySecrets: { ...found.factorySecrets },
  };
}

async function probe(params: JsonObject, request: Request): Promise<JsonObject> {
  const slot = new RelayedSlot(textOf(params, 'reader'), fromHex(textOf(params, 'atr')));
  for (const [place, { slot: earlier }] of probed) if (earlier.reader === slot.reader) probed.delete(place);
  const { cardChallenge: message } = params;
  cardChallenge = typeof message === 'string' ? challengeOf('card', message) : null;
  cardProof = null;
  return withCard(slot, request, async () => {
    const channel = await slot.open();
    const token = await leaving(channel, () => driver.probe(channel, slot));
    if (token === null) return { token: null };
    // Over this protocol a token is described once.
    await token.readRest?.().catch(() => undefined);
    const place = String((probes += 1));
    probed.set(place, { slot, token });
    return { token: describe(token, place) };
  });
}

/** Lends a card for one call. */
async function withCard<T>(slot: RelayedSlot, request: Request, act: () => Promise<T>): Promise<T> {
  slot.request = request;
  try {
    return await act();
  } finally {
    await slot.untilClosed();
    slot.request = null;
  }
}

async function sign(token: Token, params: JsonObject): Promise<JsonObject> {
  const identity = token.identities.find(({ slot: key }) => key === textOf(params, 'key'));
  if (identity === undefined) throw new AgentError('no-identity');
  const challenge = challengeOf('login', textOf(params, 'message'));
  const { proof, released } = await token.prove(identity, challenge, standIn());
  await released;
  return { scheme: proof.scheme, signature: Buffer.from(proof.signature).toString('base64') };
}

async function askToken(token: Token, { method, params }: Request): Promise<JsonObject> {
  switch (method) {
    case 'pinState': {
      const { triesLeft, triesTotal } = await token.pinState();
      return { triesLeft, triesTotal };
    }
    case 'sign':
      return sign(token, params);
    case 'verifyPin':
      await token.verifyPin(standIn());
      return {};
    case 'changePin':
      await token.changePin?.(standIn(), standIn().pin);
      return {};
    default:
      throw new AgentError('card-fault', { detail: `no method ${method}` });
  }
}

await serve(async (request) => {
  const { method, params } = request;
  if (method === 'hello') return {};
  if (method === 'probe') return probe(params, request);
  const found = probed.get(textOf(params, 'place'));
  if (found === undefined)
    throw new AgentError('no-card', { detail: 'this card was probed by an earlier process' });
  return withCard(found.slot, request, () => askToken(found.token, request));
});
