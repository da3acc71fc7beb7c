// scauthd: reads the configuration and connects the parts. No decision is made here.
// Folders come from systemd's variables (systemd.exec(5)) or are the usual ones.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPolicy } from '../config/load.ts';
import { systemAccounts } from '../pam/accounts.ts';
import { checkPassword } from '../pam/password.ts';
import { FileAuditLog } from './audit/file-log.ts';
import { systemClock } from './base/clock.ts';
import { assertNever } from './base/assert.ts';
import { toHex } from './base/bytes.ts';
import { describeError, printable } from './base/errors.ts';
import { exitAtOnce, hardenProcess } from './harden.ts';
import { Login, type LoginParts } from './login/authenticate.ts';
import type { PairingParts } from './login/pair.ts';
import type { AuditEvent } from './model/audit-event.ts';
import { SqlitePairingTable } from './pairing/sqlite-table.ts';
import { createAdminServer } from './socket/admin-server.ts';
import { listenAt } from './socket/listen.ts';
import { createPamServer } from './socket/pam-server.ts';
import { PivDriver } from './token/piv/driver.ts';
import { TokenRegistry, type TokenEvent } from './token/registry.ts';
import { CardWatcher } from './pcsc/watcher.ts';
import { Winscard } from './pcsc/winscard.ts';

/** The PAM service by which an account password is checked at pairing. */
const PASSWORD_SERVICE = 'scauth';
const PASSWORD_CHECK_MS = 30_000;
/** How long a stop may take. */
const STOP_MS = 3000;

function folder(variable: string, usual: string): string {
  // systemd may name several, separated by colons; the first is ours.
  return process.env[variable]?.split(':')[0] ?? usual;
}

function log(line: string): void {
  process.stderr.write(`scauthd: ${line}\n`);
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function describeTokenEvent(event: TokenEvent): string {
  switch (event.kind) {
    case 'token-in':
      return `token in: ${event.token.id} in ${printable(event.token.slot.reader)}`;
    case 'token-out':
      return `token out: ${event.token.id}`;
    case 'card-unknown':
      return `no driver knows the card in ${printable(event.reader)} (ATR ${toHex(event.atr)})`;
    case 'card-broken':
      return `the card in ${printable(event.reader)} cannot be read: ${describeError(event.error)}`;
    case 'service':
      return event.up ? 'pcscd is reachable' : 'pcscd is not reachable';
    default:
      return assertNever(event);
  }
}

/** Cards in and out, for the audit log; null for what is not about a known card. */
function auditedTokenEvent(event: TokenEvent): AuditEvent | null {
  if (event.kind !== 'token-in' && event.kind !== 'token-out') return null;
  const { id, driver, slot } = event.token;
  const kind = event.kind === 'token-in' ? 'card-in' : 'card-out';
  return { kind, tokenId: id, driver, reader: printable(slot.reader) };
}

function logFailure(error: unknown): void {
  log(describeError(error));
}

async function main(): Promise<void> {
  for (const measure of hardenProcess()) log(`warning: not in force: ${measure}`);
  const runtime = folder('RUNTIME_DIRECTORY', '/run/scauth');
  const policy = loadPolicy(folder('CONFIGURATION_DIRECTORY', '/etc/scauth'));

  const pairings = new SqlitePairingTable(join(folder('STATE_DIRECTORY', '/var/lib/scauth'), 'scauth.db'));
  const auditPath =
    process.env['SCAUTH_AUDIT_LOG'] ?? join(folder('LOGS_DIRECTORY', '/var/log/scauth'), 'audit.jsonl');
  const audit = new FileAuditLog(auditPath, systemClock);
  const winscard = new Winscard();
  const watcher = new CardWatcher(winscard);
  const tokens = new TokenRegistry(watcher, [new PivDriver()]);
  tokens.onChange((event) => {
    log(describeTokenEvent(event));
    const audited = auditedTokenEvent(event);
    if (audited !== null) audit.record(audited).catch(logFailure);
  });

  const login: LoginParts = { policy: () => policy, accounts: systemAccounts, pairings, tokens, audit, log };
  const pairing: PairingParts = {
    policy: () => policy,
    pairings,
    tokens,
    audit,
    clock: systemClock,
    checkPassword: (user, password) =>
      checkPassword({ service: PASSWORD_SERVICE, user, password, timeoutMs: PASSWORD_CHECK_MS }),
  };
  const pamServer = createPamServer({
    login: (request, person) => new Login(request, person, login).run(),
    log,
  });
  const adminServer = createAdminServer({ ...pairing, accounts: systemAccounts, version: version(), log });

  // What is wrong with the log is said there at once; a log that cannot be opened now is tried again at each event.
  audit.start().catch(logFailure);
  watcher.start();
  await listenAt(pamServer, join(runtime, 'pam.sock'));
  await listenAt(adminServer, join(runtime, 'io.scauth'));
  log('ready');

  const stop = async (): Promise<void> => {
    pamServer.close();
    adminServer.close();
    await watcher.stop();
    tokens.close();
    await winscard.close();
    await audit.close();
    pairings.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      // A card that never answers keeps a native call, and an ordinary exit would wait for it for ever.
      const patience = new Promise((resolve) => setTimeout(resolve, STOP_MS));
      void Promise.race([stop(), patience]).finally(() => {
        exitAtOnce(0);
      });
    });
  }
}

main().catch((error: unknown) => {
  log(describeError(error));
  process.exitCode = 1;
});
