// Makes test/vectors/tables/schema-N.db, N being the schema of the code that is here: run it before a step is added.
//   node test/unit/store/make-table.ts

import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCertificateFile, publicKeyOf, type PublicKey } from '../../../agent/model/key/key.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { parseTokenId } from '../../../agent/model/card/token.ts';
import { STEPS } from '../../../agent/store/migrations.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';

const VECTORS = join(import.meta.dirname, '../../vectors');
const path = join(VECTORS, 'tables', `schema-${STEPS.length}.db`);
if (existsSync(path)) throw new Error(`${path} is there, and is never made again.`);

function vectorKey(name: string): PublicKey {
  return publicKeyOf(createPublicKey(readFileSync(join(VECTORS, 'keys', `${name}.pem`))));
}

const ada = parseUsername('ada');
const p256 = vectorKey('p256');
const certified = parseCertificateFile(readFileSync(join(VECTORS, 'cacert-user.pem')));
const card = {
  tokenId: parseTokenId('org.scauth.piv:00112233'),
  driver: 'org.scauth.piv',
  label: 'PIV (Ada Lovelace)',
  certificate: null,
  cardKey: null,
  pairedBy: 'root',
} as const;
const byHash = { ...card, tokenId: null, driver: null, label: 'by hash', publicKey: null };
const table = new SqlitePairingTable(new StateDatabase(path));
table.add({ ...card, user: ada, pkhh: p256.pkhh, publicKey: p256, pairedAtMs: 1_700_000_000_000 });
table.add({
  ...card,
  user: ada,
  pkhh: certified.publicKey.pkhh,
  publicKey: certified.publicKey,
  certificate: certified.der,
  pairedBy: 'ada',
  pairedAtMs: 1_700_000_001_000,
});
table.add({
  ...byHash,
  user: parseUsername('bob'),
  pkhh: vectorKey('rsa2048').pkhh,
  pairedAtMs: 1_700_000_002_000,
});
table.setPrompt({ level: 'machine' }, false);
table.setLoginDriver('org.scauth.pkcs11', true);
table.noteUse(ada, p256.pkhh, 1_700_000_003_000);
table.close();
console.log(path);
