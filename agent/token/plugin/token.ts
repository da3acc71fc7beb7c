// A token whose driver is a process of its own. Here are the rules that no driver can break: what cannot be a PIN is not
// sent, only a Challenge is signed, only login keys sign, and the PIN is wiped on each path.

import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import { CARD_KEY_UNASKED, type CardKeyProof } from '../../model/card/card-key.ts';
import type { FactorySecrets } from '../../model/card/factory-secrets.ts';
import type { Challenge } from '../../model/challenge.ts';
import type { PinTries, TryMemory } from '../../model/card/pin-tries.ts';
import type { CardPin, Identity, PinState, PinTry, TokenId } from '../../model/card/token.ts';
import type { CardSlot } from '../../pcsc/channel.ts';
import type { KeyStore, ProofInHand, Token } from '../interface.ts';
import type { DescribedToken } from './answers.ts';
import type { TokenBackend } from './backend.ts';
import { PluginKeys } from './machine-keys.ts';

/** What names a token in a call: by the name alone it could be another one of the same name. */
export function addressOf({ serial, place }: DescribedToken): { token: string; place?: string } {
  return { token: serial, ...(place !== undefined && { place }) };
}

export class PluginToken implements Token {
  readonly id: TokenId;
  readonly driver: string;
  readonly label: string;
  readonly slot: CardSlot;
  readonly identities: readonly Identity[];
  readonly pins: readonly [CardPin, ...CardPin[]];
  readonly notes: readonly string[];
  /** Present where the driver says of the first PIN that it can be changed. */
  readonly changePin?: NonNullable<Token['changePin']>;
  /** Present where the driver says that keys can be made on it. */
  readonly keys?: KeyStore;
  readonly cardProof: CardKeyProof;
  readonly factorySecrets: FactorySecrets;
  readonly #described: DescribedToken;
  readonly #backend: TokenBackend;
  readonly #tries: ReadonlyMap<string, PinTries>;

  constructor(
    described: DescribedToken,
    slot: CardSlot,
    driver: string,
    backend: TokenBackend,
    memory: TryMemory,
  ) {
    this.id = described.id;
    this.driver = driver;
    this.label = described.label;
    this.slot = slot;
    this.identities = described.identities;
    this.pins = described.pins;
    this.notes = described.notes;
    this.cardProof = described.cardProof ?? CARD_KEY_UNASKED;
    this.factorySecrets = described.factorySecrets;
    this.#described = described;
    this.#backend = backend;
    this.#tries = new Map(this.pins.map(({ id }) => [id, this.#remembered(id, memory)]));
    if (backend.changePin !== undefined && described.rules.get(this.pins[0].id)?.change === true)
      this.changePin = (old, next, of = this.pins[0]) => this.#changePin(old, next, of);
    const [own] = this.pins;
    if (described.makesKeys)
      this.keys = new PluginKeys(own, backend, (pin, permit, use) => {
        this.#check(own, pin);
        return this.#triesOf(own).spend(permit, use);
      });
  }

  get lastPinState(): PinState {
    return this.#triesOf(this.pins[0]).state;
  }

  async pinState(of: CardPin = this.pins[0]): Promise<PinState> {
    const tries = this.#triesOf(of);
    tries.heard(await this.#backend.pinState(of.id));
    const { state } = tries;
    if (state.triesLeft === 0) throw new AgentError('pin-blocked', { triesLeft: 0 });
    return state;
  }

  acceptsPin(pin: Pin, of: CardPin = this.pins[0]): boolean {
    const rule = this.#described.rules.get(of.id);
    if (rule === undefined || pin.length < rule.minLength || pin.length > rule.maxLength) return false;
    if (rule.characters === 'digits') return pin.isDigits;
    return pin.peek((bytes) => bytes.every((byte) => byte >= 0x20 && byte !== 0x7f));
  }

  async prove(identity: Identity, challenge: Challenge, { pin, permit }: PinTry): Promise<ProofInHand> {
    try {
      if (!this.identities.includes(identity) || identity.use !== 'authentication')
        throw new AgentError('no-identity', { detail: `${identity.slot} is no key for login` });
      const own = this.pins.find(({ id }) => id === identity.pin) ?? this.pins[0];
      this.#check(own, pin);
      return await this.#triesOf(own).spend(permit, (admit) =>
        this.#backend.sign(identity.slot, own, challenge.message(), pin, admit),
      );
    } finally {
      pin?.wipe();
    }
  }

  async verifyPin({ pin, permit }: PinTry, of: CardPin = this.pins[0]): Promise<void> {
    try {
      this.#check(of, pin);
      await this.#triesOf(of).spend(permit, (admit) => this.#backend.verifyPin(of, pin, admit));
    } finally {
      pin?.wipe();
    }
  }

  async #changePin({ pin: old, permit }: PinTry, next: Pin, of: CardPin): Promise<void> {
    try {
      const change = this.#backend.changePin?.bind(this.#backend);
      if (change === undefined || this.#described.rules.get(of.id)?.change !== true)
        throw new AgentError('not-supported', { detail: `${this.driver} cannot change ${of.id}` });
      this.#check(of, old);
      this.#check(of, next);
      if (old === null)
        throw new AgentError('not-supported', { detail: 'a PIN that is typed on the reader' });
      await this.#triesOf(of).spend(permit, (admit) => change(of, old, next, admit));
    } finally {
      old?.wipe();
      next.wipe();
    }
  }

  /** @throws AgentError `invalid-argument` for a PIN of another token */
  #triesOf({ id }: CardPin): PinTries {
    const tries = this.#tries.get(id);
    if (tries === undefined) throw new AgentError('invalid-argument', { say: `no PIN ${id}` });
    return tries;
  }

  #remembered(id: string, memory: TryMemory): PinTries {
    const keys = this.identities.filter(({ pin }) => pin === id).map(({ publicKey }) => publicKey.pkhh);
    const tries = memory.of(this.id, id, ...keys);
    tries.heard(this.#described.pinStates.get(id) ?? { triesLeft: null, triesTotal: null });
    return tries;
  }

  /** @throws AgentError `pin-malformed` unless the PIN comes from where it should and can be one */
  #check(of: CardPin, pin: Pin | null): void {
    if ((pin === null) !== (of.entry === 'reader'))
      throw new AgentError('pin-malformed', { detail: `this PIN is typed at the ${of.entry}` });
    if (pin !== null && !this.acceptsPin(pin, of))
      throw new AgentError('pin-malformed', { detail: 'cannot be a PIN of this token' });
  }
}
