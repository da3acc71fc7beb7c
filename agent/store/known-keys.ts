// Keys that were parsed before, by their whole SPKI: a login reads its row three times, and parsing a key takes longer
// than reading it. It trusts nothing: the same bytes are the same key.

import { parsePublicKey, type PublicKey } from '../model/key/key.ts';

/** More than the people of one machine use in a day; then it starts anew. */
const MAX_KNOWN_KEYS = 64;

export class KnownKeys {
  readonly #keys = new Map<string, PublicKey>();

  /** @throws AgentError as parsePublicKey */
  parse(spki: Buffer): PublicKey {
    const name = spki.toString('latin1');
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = parsePublicKey(spki);
    if (this.#keys.size >= MAX_KNOWN_KEYS) this.#keys.clear();
    this.#keys.set(name, key);
    return key;
  }
}
