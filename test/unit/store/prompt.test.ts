// The pairing prompt's levels in the real table.

import { join } from 'node:path';
import test from 'ava';
import type { PromptScope } from '../../../agent/model/pairing-prompt.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { parseTokenId } from '../../../agent/model/card/token.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';
import { temporaryFolder } from '../base/folders.ts';

test('the pairing prompt is kept for the machine, for each user and for each card of theirs', (t) => {
  const path = join(temporaryFolder(t), 'scauth.db');
  const table = new SqlitePairingTable(new StateDatabase(path));
  const ada = parseUsername('ada');
  const scopes: readonly PromptScope[] = [
    { level: 'machine' },
    { level: 'user', user: ada },
    { level: 'user', user: parseUsername('bob') },
    { level: 'card', user: ada, tokenId: parseTokenId('org.scauth.piv:1') },
    { level: 'card', user: ada, tokenId: parseTokenId('org.scauth.piv:2') },
  ];
  const settings = (of: SqlitePairingTable) => scopes.map((scope) => of.promptSetting(scope));
  t.deepEqual(settings(table), [null, null, null, null, null]);
  scopes.forEach((scope, index) => {
    table.setPrompt(scope, index % 2 === 1);
  });
  table.close();
  const again = new SqlitePairingTable(new StateDatabase(path));
  t.deepEqual(settings(again), [false, true, false, true, false]);
  again.close();
});
