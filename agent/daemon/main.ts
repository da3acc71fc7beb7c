// scauthd: reads the configuration and connects the parts. No decision is made here.
// Folders come from systemd's variables (systemd.exec(5)) or are the usual ones.

import { join } from 'node:path';
import { PolicyFile } from '../../config/policy-file.ts';
import { systemAccounts } from '../accounts/accounts.ts';
import { systemDirectory } from '../accounts/account-list.ts';
import { pamAsksForPassword, pamOpensKeyrings } from '../accounts/keyring-modules.ts';
import { checkPassword } from '../accounts/password.ts';
import { passwordMark } from '../accounts/shadow.ts';
import { FairAuditLog } from '../audit/fair-log.ts';
import { FileAuditLog } from '../audit/file-log.ts';
import { Forwarder } from '../audit/forward/forward.ts';
import { systemClock } from '../base/clock.ts';
import { assertNever } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import { describeError, printable } from '../base/errors.ts';
import { loginUidOf } from '../base/login-uid.ts';
import { productVersion } from '../base/product-version.ts';
import { exitAtOnce, hardenProcess } from './harden.ts';
import { driverFacts } from '../stories/enforcement/card-outlook.ts';
import { Login } from '../stories/login/authenticate.ts';
import type { LoginParts } from '../stories/login/login-parts.ts';
import { serveLogin, type ServeParts } from '../stories/serve-login.ts';
import { p11KitModules } from '../token/p11-kit.ts';
import { BreakGlass } from '../stories/enforcement/break-glass.ts';
import { cardKeyCheck } from '../stories/card/card-check.ts';
import { renewPresent, warmCertificates } from '../stories/card/gates/check-certificate.ts';
import { trustWords } from '../stories/card/trust-words.ts';
import { unknownKeys } from '../stories/card/find/ask-book.ts';
import { driverGate } from '../stories/card/gates/driver-gate.ts';
import { Enforcement } from '../stories/enforcement/enforcement.ts';
import { enforcementText, writeEnforcementFile } from '../stories/enforcement/enforcement-file.ts';
import { LoginLimit } from '../stories/login/logins-at-once.ts';
import { LoginMemory } from '../stories/enforcement/login-memory.ts';
import { LogindSessions } from '../logind/peer-sessions.ts';
import type { PairingParts } from '../stories/pair/pair.ts';
import { tellShutOut, tellShutOutAtStart } from '../stories/enforcement/shut-out-by-settings.ts';
import type { PlanParts } from '../stories/enforcement/enforcement-plan.ts';
import { permitEntry, type EntryParts } from '../stories/enforcement/account-phase.ts';
import { offerKeyring } from '../stories/keyring/offer-keyring.ts';
import { passwordChanged } from '../stories/keyring/reseal-keyring.ts';
import type { AuditEvent } from '../model/sealed-log/audit-event.ts';
import type { Inventory } from '../model/inventory.ts';
import { SqliteEnforcement } from '../store/sqlite-enforcement.ts';
import { SqliteDesk } from '../store/sqlite-desk.ts';
import { SqliteLost } from '../store/sqlite-lost.ts';
import { HelpDesk } from '../stories/card/help-desk.ts';
import { SqliteKeyrings } from '../store/sqlite-keyrings.ts';
import { StateDatabase } from '../store/state-database.ts';
import { reportReady } from './service-manager.ts';
import { createAdminServer } from '../socket/admin-server.ts';
import { listenAtBoth } from '../socket/peers/listen.ts';
import { SignedBooks } from '../socket/methods/signed-books.ts';
import { OpenLogins } from '../socket/open-logins.ts';
import { createPamServer } from '../socket/pam-server.ts';
import { Turns } from '../socket/turns.ts';
import type { Token } from '../token/interface.ts';
import { ReaderReport } from '../token/reader-report.ts';
import { TokenRegistry, type TokenEvent } from '../token/registry.ts';
import { InfoPipe } from '../sssd/infopipe.ts';
import { ChainTrust } from '../trust/certificate-trust.ts';
import { readReaderDrivers } from '../pcsc/reader-drivers.ts';
import { CardWatcher } from '../pcsc/watcher.ts';
import { Winscard } from '../pcsc/winscard.ts';
import type { Policy } from '../../policy/policy.ts';
import { wireDrivers } from './drivers.ts';
import { wirePairings } from './pairings.ts';
import { wireSessions } from './sessions.ts';

/** The PAM service by which an account password is checked at pairing. */
const PASSWORD_SERVICE = 'scauth';
const PASSWORD_CHECK_MS = 30_000;
/** How long a stop may take, and how much of it for cards that are at work for a login. */
const STOP_MS = 4000;
const FINISH_MS = 2500;

function folder(variable: string, usual: string): string {
  // systemd may name several, separated by colons; the first is ours.
  return process.env[variable]?.split(':')[0] ?? usual;
}

function log(line: string): void {
  process.stderr.write(`scauthd: ${line}\n`);
}

function describeTokenEvent(event: TokenEvent): string {
  switch (event.kind) {
    case 'token-in':
      return [
        `token in: ${event.token.id} in ${printable(event.token.slot.reader)}`,
        ...event.token.notes,
      ].join('; ');
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

/** Cards in and out, for the audit log; nothing for what is not about a known card. */
function auditedTokenEvents(event: TokenEvent): AuditEvent[] {
  if (event.kind !== 'token-in' && event.kind !== 'token-out') return [];
  const { id: tokenId, driver, slot, cardProof } = event.token;
  const reader = printable(slot.reader);
  if (event.kind === 'token-out') return [{ kind: 'card-out', tokenId, driver, reader }];
  const cardIn = { kind: 'card-in', tokenId, driver, reader } as const;
  if (cardProof?.kind !== 'failed') return [cardIn];
  const { detail } = cardProof;
  const suspect = { check: 'card-authentication', tokenId, user: null, key: null, detail } as const;
  return [cardIn, { kind: 'card-suspect', ...suspect }];
}

function logFailure(error: unknown): void {
  log(describeError(error));
}

async function main(): Promise<void> {
  const notInForce = hardenProcess();
  for (const measure of notInForce) log(`warning: not in force: ${measure}`);
  const runtime = folder('RUNTIME_DIRECTORY', '/run/scauth');
  const settings = new PolicyFile(folder('CONFIGURATION_DIRECTORY', '/etc/scauth'));
  const policy = (): Policy => settings.current;
  let warmPresent = (): void => undefined;

  const reload = (): readonly string[] => {
    try {
      const before = policy();
      const { changes, waiting } = settings.reload();
      const changed = [
        ...changes.map(({ setting }) => setting),
        ...waiting.map((setting) => `${setting} (after a restart)`),
      ];
      log(
        changed.length === 0
          ? 'configuration read: nothing changed'
          : `new configuration: ${changed.join(', ')}`,
      );
      if (changes.length > 0) {
        audit.record({ kind: 'policy-changed', actor: null, changes }).catch(logFailure);
        void fleet.refresh();
        enforcement.publish();
        void tellShutOut(before, entry);
      }
      if (changes.some(({ setting }) => setting.startsWith('trust.'))) warmPresent();
      return changed;
    } catch (error) {
      log(`the new configuration is refused, the old one stays: ${describeError(error)}`);
      throw error;
    }
  };
  // First of all: until there is a handler, a SIGHUP ends the process, and administrators send it at any time.
  process.on('SIGHUP', () => {
    try {
      reload();
    } catch {
      // It is in the log.
    }
  });

  const stateFolder = folder('STATE_DIRECTORY', '/var/lib/scauth');
  const database = new StateDatabase(join(stateFolder, 'scauth.db'));
  const isRequired = (): boolean => enforcement.isOn;
  const { local, fleet, pairings } = wirePairings(database, runtime, { policy, isRequired, log });
  const enforced = new SqliteEnforcement(database);
  const auditPath =
    process.env['SCAUTH_AUDIT_LOG'] ?? join(folder('LOGS_DIRECTORY', '/var/log/scauth'), 'audit.jsonl');
  const { forward, anchorEvery } = settings.atStart.audit;
  const forwarder = new Forwarder({ to: forward, anchorEvery, log });
  const auditFile = new FileAuditLog(auditPath, systemClock, (record) => {
    forwarder.pass(record);
  });
  const audit = new FairAuditLog(auditFile, () => systemClock.nowMs(), log);
  const winscard = new Winscard({ pinPadDenied: () => policy().reader.pinpadDeny });
  const watcher = new CardWatcher(winscard);
  const { drivers, list } = wireDrivers(
    settings.atStart,
    cardKeyCheck(() => pairings.hostId()),
    log,
  );
  const tokens = new TokenRegistry(watcher, drivers);
  const readers = new ReaderReport(watcher, tokens);
  const trust = new ChainTrust(systemClock);
  const sssd = new InfoPipe();
  const sessions = new LogindSessions({ log });
  const inventory: Inventory = {
    drivers: list,
    readers: () => readers.readers(),
    readerDrivers: () => readReaderDrivers(),
    trustOf: (certificate) => trustWords(policy().trust, certificate, trust),
  };
  const warm = (token: Token): void => {
    void warmCertificates(policy().trust, token, trust).then((lines) => {
      lines.forEach(log);
    });
  };
  warmPresent = (): void => {
    // Without a reader service there is nothing to find out.
    tokens.present(0).then(
      (present) => {
        present.forEach(warm);
      },
      () => undefined,
    );
  };
  tokens.onChange((event) => {
    log(describeTokenEvent(event));
    for (const audited of auditedTokenEvents(event)) audit.record(audited).catch(logFailure);
    if (event.kind === 'token-in') {
      warm(event.token);
      fleet.cardIn(() => unknownKeys(event.token, pairings));
    }
    userSessions.hear(event);
  });

  const keyring = { table: new SqliteKeyrings(database), passwordMark, pamOpensKeyrings, pamAsksForPassword };
  const helpDesk = new HelpDesk(new SqliteDesk(database), pairings);
  const userSessions = wireSessions({
    source: sessions,
    policy,
    accounts: systemAccounts,
    tokens,
    audit,
    clock: systemClock,
    changedFile: join(runtime, 'changed'),
    log,
  });
  const login: LoginParts = {
    policy,
    accounts: systemAccounts,
    pairings,
    tokens,
    trust,
    sssd,
    audit,
    clock: systemClock,
    log,
    keyring,
    loginUidOf,
    driverGate: driverGate({ drivers: list, table: local, loginUidOf }),
    passwordInstead: (user) => enforcement.passwordInstead(user),
    helpDesk,
    sessions,
    book: fleet,
  };
  const memory = new LoginMemory(systemClock);
  const enforcement = new Enforcement({
    table: enforced,
    pairings,
    audit,
    clock: systemClock,
    // And a copy from which tmpfiles.d(5) makes it at the next boot, before we run.
    publish: (state) => {
      for (const folder of [runtime, stateFolder])
        writeEnforcementFile(join(folder, 'enforcement'), enforcementText(state, policy()));
      userSessions.cards.policyChanged();
    },
    log,
  });
  const entry: EntryParts & PlanParts = {
    policy,
    pairings,
    fleet: () => fleet.standing(),
    enforced,
    directory: systemDirectory,
    enforcement,
    memory,
    trust,
    drivers: () => driverFacts(list()),
    breakGlass: new BreakGlass({ table: enforced, clock: systemClock, log }),
    accounts: systemAccounts,
    sessions,
    audit,
    clock: systemClock,
    log,
  };
  const limit = new LoginLimit();
  const serving = (log: (line: string) => void): ServeParts => ({
    ...login,
    log,
    login: (request, person) => new Login(request, person, { ...login, log }).run(),
    p11KitModules: () => p11KitModules(),
    memory,
    limit,
    enforcement,
    notices: local,
    course: (request) => userSessions.loginBegins(request),
  });
  const pairing: PairingParts = {
    policy,
    offerRider: (scene, password) => offerKeyring(scene, password, { audit, clock: systemClock, keyring }),
    pairings,
    tokens,
    trust,
    audit,
    accounts: systemAccounts,
    clock: systemClock,
    helpDesk,
    checkPassword: (user, password) =>
      checkPassword({ service: PASSWORD_SERVICE, user, password, timeoutMs: PASSWORD_CHECK_MS }),
  };
  const open = new OpenLogins();
  const turns = new Turns();
  const pamServer = createPamServer({
    open,
    turns,
    login: (request, person, say) => serveLogin(request, person, serving(say)),
    enter: (request, person, say) => permitEntry(request, person, { ...entry, log: say }),
    passwordChanged: (request, person, say) => passwordChanged(request, person, { ...login, log: say }),
    log,
  });
  const adminServer = createAdminServer({
    ...pairing,
    sssd,
    keyring,
    turns,
    sessions,
    accounts: systemAccounts,
    anchors: auditFile,
    inventory,
    sessionCards: userSessions.cards,
    lost: new SqliteLost(database),
    lockOpened: (isLost) => userSessions.removal.lockOpened(isLost),
    removalTaken: (removal) => userSessions.removal.taken(removal),
    loginDrivers: local,
    enforcement: entry,
    version: productVersion(),
    health: { notInForce, configRefused: () => settings.refused?.detail ?? null },
    fleet: () => fleet.standing(),
    signedBooks: new SignedBooks(systemClock),
    settingsFiles: {
      get isPublic() {
        return settings.isPublic;
      },
      report: (withFiles) => settings.report(withFiles),
      readAnew: () => settings.readAnew(),
      reload,
    },
    log,
  });

  // What is wrong with the log is said there at once; a log that cannot be opened now is tried again at each event.
  auditFile.start().catch(logFailure);
  // An upgrade's change of the tables belongs here, and a fault is said before somebody logs in; logins try again.
  try {
    local.prepare();
  } catch (error) {
    logFailure(error);
  }
  fleet.start();
  enforcement.publish();
  void tellShutOutAtStart(entry);
  renewPresent(() => policy().trust, tokens, trust);
  watcher.start();
  tokens.start();
  userSessions.watching();
  await listenAtBoth(pamServer, join(runtime, 'pam.sock'));
  await listenAtBoth(adminServer, join(runtime, 'io.scauth'));
  log('ready');
  const reportStopping = reportReady();

  const stop = async (): Promise<void> => {
    reportStopping();
    pamServer.close();
    adminServer.close();
    await open.finish(FINISH_MS);
    await watcher.stop();
    tokens.close();
    userSessions.close();
    await winscard.close();
    await audit.renew();
    await auditFile.close();
    forwarder.close();
    sessions.close();
    fleet.close();
    local.close();
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
