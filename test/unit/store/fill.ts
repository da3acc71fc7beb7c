// Fills a table with as many pairings and exemptions as a large site has, in one transaction: real keys, and now and then
// a certificate. For what is measured or held at 10,000 and at 100,000.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseCertificateFile, publicKeyOf } from '../../../agent/model/key/key.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';

export interface Filling {
  readonly users: number;
  /** Pairings of each of them. */
  readonly each: number;
  readonly exemptions?: number;
}

/** The names of the accounts, in the order of the table. */
export function nameOf(index: number): string {
  return `p${String(index).padStart(6, '0')}`;
}

const CERTIFICATE_EACH = 10;
const PAIRED_AT_MS = Date.UTC(2026, 0, 1);

/** @param path of scauth.db; scauthd does not run */
export function fillTable(path: string, { users, each, exemptions = 0 }: Filling): void {
  const table = new SqlitePairingTable(new StateDatabase(path));
  table.prepare();
  table.close();
  const pem = readFileSync(join(import.meta.dirname, '../../vectors/cacert-user.pem'));
  const { der } = parseCertificateFile(pem);
  const database = new DatabaseSync(path);
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  const pair = database.prepare(
    `INSERT INTO pairing (user, pkhh, public_key, sha256, token_id, driver, label, certificate, card_key, paired_by,
       paired_at_ms) VALUES (?, ?, ?, ?, ?, 'org.scauth.piv', ?, ?, NULL, 'root', ?)`,
  );
  for (let index = 0; index < users * each; index += 1) {
    const user = nameOf(Math.floor(index / each));
    const key = publicKeyOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey);
    const certificate = index % CERTIFICATE_EACH === 0 ? der : null;
    const token = `org.scauth.piv:${index.toString(16).padStart(32, '0')}`;
    pair.run(user, key.pkhh, key.spki, key.sha256, token, `Card ${index}`, certificate, PAIRED_AT_MS + index);
  }
  const exempt = database.prepare(
    "INSERT INTO exemption (user, until_ms, made_by, made_at_ms, reason) VALUES (?, ?, 'root', ?, 'new here')",
  );
  for (let index = 0; index < exemptions; index += 1)
    exempt.run(nameOf(index), PAIRED_AT_MS + 400 * 86_400_000, PAIRED_AT_MS);
  database.exec('COMMIT');
  database.close();
}

/** Lines of passwd(5) for the users of a filling. */
export function passwdLines(users: number, firstUid = 20_000): string {
  return [...Array(users).keys()]
    .map((index) => `${nameOf(index)}:x:${firstUid + index}:${firstUid + index}::/nonexistent:/bin/sh\n`)
    .join('');
}
