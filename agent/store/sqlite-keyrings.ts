// The secrets of login keyrings in scauth.db, sealed: one a pairing, gone with it. Nothing is opened here.

import { AgentError } from '../base/errors.ts';
import type { KeptSecret } from '../model/secret/keyring.ts';
import { parsePkhh, parsePublicKey, type Pkhh } from '../model/key/key.ts';
import { parseUsername, type Username } from '../model/request.ts';
import type { KeyringTable } from './interface.ts';
import { blob, text, type Row, type StateDatabase } from './state-database.ts';

function secretOf(row: Row): KeptSecret {
  return {
    user: parseUsername(text(row['user'])),
    pkhh: parsePkhh(text(row['pkhh'])),
    key: parsePublicKey(blob(row['public_key']) ?? Buffer.alloc(0)),
    sealed: blob(row['sealed']) ?? Buffer.alloc(0),
    passwordMark: blob(row['password_mark']),
    sealedAtMs: Number(row['sealed_at_ms']),
  };
}

export class SqliteKeyrings implements KeyringTable {
  readonly #state: StateDatabase;

  constructor(state: StateDatabase) {
    this.#state = state;
  }

  secretsOf(user: Username): KeptSecret[] {
    return this.#state.all(secretOf, 'SELECT * FROM keyring_secret WHERE user = ? ORDER BY pkhh', user);
  }

  keepSecret({ user, pkhh, key, sealed, passwordMark, sealedAtMs }: KeptSecret): void {
    const changes = this.#state.run(
      `INSERT OR REPLACE INTO keyring_secret (user, pkhh, public_key, sealed, password_mark, sealed_at_ms)
         SELECT user, pkhh, ?, ?, ?, ? FROM pairing WHERE user = ? AND pkhh = ?`,
      ...[key.spki, sealed, passwordMark, sealedAtMs, user, pkhh],
    );
    if (changes === 0) throw new AgentError('not-paired', { detail: `${user} has no ${pkhh}` });
  }

  dropSecrets(user: Username, pkhh: Pkhh | null): Pkhh[] {
    return this.#state.write((database) => {
      const kept = database.prepare('SELECT pkhh FROM keyring_secret WHERE user = ?').all(user);
      const going = kept
        .map((row) => parsePkhh(text(row['pkhh'])))
        .filter((hash) => pkhh === null || hash === pkhh);
      const statement = database.prepare('DELETE FROM keyring_secret WHERE user = ? AND pkhh = ?');
      for (const hash of going) statement.run(user, hash);
      return going;
    });
  }
}
