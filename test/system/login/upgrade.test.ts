// scauthd over an upgrade: a table of an older schema is brought up to date at its start and logs in; a table of a newer
// one is refused in plain words, and the password opens sudo. Who is in the middle of a login gets in.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { STEPS } from '../../../agent/store/migrations.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
let database: string;

test.before(async () => {
  sandbox = await Sandbox.start();
  database = sandbox.path('/run/sandbox/state/scauth.db');
  await person.pairCard(sandbox);
});
test.after.always(() => sandbox.stop());

/**
 * Runs SQL on copies of the sandbox's table, `now`, and of another, `main`, and puts that in the table's place. SQLite
 * cannot open a file through the path by which the sandbox is reached.
 */
function replaceTable(by: string, ...statements: string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-upgrade-'));
  for (const [from, to] of [
    [by, 'main.db'],
    [database, 'now.db'],
  ] as const)
    writeFileSync(join(folder, to), readFileSync(from));
  const file = new DatabaseSync(join(folder, 'main.db'));
  for (const sql of [`ATTACH '${join(folder, 'now.db')}' AS now`, ...statements]) file.exec(sql);
  file.close();
  for (const old of ['', '-wal', '-shm']) rmSync(`${database}${old}`, { force: true });
  writeFileSync(database, readFileSync(join(folder, 'main.db')), { mode: 0o600 });
  rmSync(folder, { recursive: true });
}

test.serial(
  'a table of the first schema: brought up to date at the start, kept beside it, logs in',
  async (t) => {
    await sandbox.stopAgent();
    // The file that the first scauth wrote, with the pairing of this card in it.
    const columns =
      'user, pkhh, public_key, sha256, token_id, driver, label, certificate, card_key, paired_by, paired_at_ms';
    replaceTable(
      join(import.meta.dirname, '../../vectors/tables/schema-1.db'),
      'DELETE FROM main.pairing',
      `INSERT INTO main.pairing (${columns}) SELECT ${columns} FROM now.pairing`,
    );
    await sandbox.startAgent();
    await sandbox.untilCardRead();
    t.true(existsSync(`${database}.schema-1`), 'at the start, before anybody logs in');
    await person.expectCardLogin(sandbox);
    t.regex((await sandbox.exec(['sc_auth', 'list'])).stdout, new RegExp(sandbox.user));
  },
);

test.serial(
  'a table of a newer schema: said at the start, to the person and to root; the password',
  async (t) => {
    await sandbox.stopAgent();
    replaceTable(database, 'PRAGMA user_version = 99');
    const from = sandbox.agentLog().length;
    await sandbox.startAgent();
    await sandbox.untilCardRead();
    const newer = `written by a newer scauth (schema 99; this one knows ${STEPS.length})`;
    t.true((await person.untilAgentSays(sandbox, 'store-newer', from)).includes(newer));
    const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(code, 0, screen);
    t.true(
      screen.includes(
        'The card pairings were written by a newer scauth than the one that runs. Use your password',
      ),
      screen,
    );
    const listed = await sandbox.exec(['sc_auth', 'list']);
    t.not(listed.code, 0);
    t.true(
      listed.stderr.includes(`The card pairings were ${newer}. Install that version again`),
      listed.stderr,
    );
    await sandbox.stopAgent();
    replaceTable(database, `PRAGMA user_version = ${STEPS.length}`);
    await sandbox.startAgent();
    await sandbox.untilCardRead();
    await person.expectCardLogin(sandbox);
  },
);

test.serial('restarted while somebody types the PIN: it asks once more, and the card logs in', async (t) => {
  await person.freshCard(sandbox);
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  await sandbox.restartAgent();
  pty.send(`${sandbox.pin}\n`);
  await pty.expect(PIN_PROMPT);
  t.is(await sandbox.card.verifyCount(), 0, 'the first answer went nowhere');
  pty.send(`${sandbox.pin}\n`);
  const { code, screen } = await person.untilEnd(pty);
  t.is(code, 0, screen);
  t.notRegex(screen, /password[^\n]*: /i);
  t.is(await sandbox.card.verifyCount(), 1);
});

test.serial('stopped while the card works: the login comes to its verdict first', async (t) => {
  await sandbox.card.misbehave({ kind: 'hang', ins: '87' });
  const reached = sandbox.card.waitFor({ ins: '87' });
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  pty.send(`${sandbox.pin}\n`);
  await reached;
  const stopped = sandbox.stopAgent();
  await sandbox.card.release();
  const { code, screen } = await person.untilEnd(pty);
  t.is(code, 0, screen);
  t.notRegex(screen, /password[^\n]*: /i);
  await stopped;
  await sandbox.startAgent();
  await sandbox.untilCardRead();
  await person.expectCardLogin(sandbox);
});
