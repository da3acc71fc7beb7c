// Keys on a token of the machine's own, by its driver's process. The rules that no driver can break: only what a key says of
// itself is signed (UnsignedDocument), and the PIN is wiped on each path.

import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { MachineKeyAlgorithm } from '../../model/card/issuing.ts';
import type { Admit } from '../../model/card/pin-tries.ts';
import type { CardPin, PinTry, TryPermit } from '../../model/card/token.ts';
import type { UnsignedDocument } from '../../model/key/unsigned-document.ts';
import type { KeyStore, MachineKey } from '../interface.ts';
import { emptyOf, failedAfterPin, newKeyOf, proofOf } from './answers.ts';
import type { JsonObject } from './frames.ts';
import type { KeyChange, TokenBackend } from './backend.ts';

/** Runs `use` when a try of the PIN may be used for it. @throws AgentError `pin-malformed`, and what the permit throws */
type Spend = <T>(pin: Pin | null, permit: TryPermit, use: (admit: Admit) => Promise<T>) => Promise<T>;

export class PluginKeys implements KeyStore {
  readonly #pin: CardPin;
  readonly #backend: TokenBackend;
  readonly #spend: Spend;

  constructor(pin: CardPin, backend: TokenBackend, spend: Spend) {
    this.#pin = pin;
    this.#backend = backend;
    this.#spend = spend;
  }

  createKey(
    key: { readonly algorithm: MachineKeyAlgorithm; readonly label: string },
    pin: PinTry,
  ): Promise<MachineKey> {
    return this.#change({ method: 'createKey', params: { ...key } }, pin, newKeyOf);
  }

  async signDocument(key: MachineKey, document: UnsignedDocument, pin: PinTry): Promise<Buffer> {
    const params = { key: key.slot, message: document.body().toString('base64') };
    const { signature } = await this.#change({ method: 'signDocument', params }, pin, proofOf);
    return document.signed(signature);
  }

  putCertificate(key: MachineKey, der: Buffer, pin: PinTry): Promise<void> {
    const params = { key: key.slot, certificate: der.toString('base64') };
    return this.#change({ method: 'putCertificate', params }, pin, emptyOf);
  }

  deleteKeys(keys: readonly MachineKey[], pin: PinTry): Promise<void> {
    const params = { keys: keys.map(({ slot }) => slot).join(' ') };
    return this.#change({ method: 'deleteKeys', params }, pin, emptyOf);
  }

  /** A failure with the PIN that was right spends nobody's try. */
  async #change<T>(change: KeyChange, { pin, permit }: PinTry, parse: (answer: JsonObject) => T): Promise<T> {
    const call = this.#backend.changeKeys?.bind(this.#backend);
    const parseOrFailed = (answer: JsonObject): AgentError | { readonly value: T } =>
      failedAfterPin(answer) ?? { value: parse(answer) };
    try {
      if (call === undefined) throw new AgentError('not-supported', { detail: change.method });
      const result = await this.#spend(pin, permit, (admit) =>
        call(change, this.#pin, pin, admit, parseOrFailed),
      );
      if (result instanceof AgentError) throw result;
      return result.value;
    } finally {
      pin?.wipe();
    }
  }
}
