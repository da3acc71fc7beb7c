// What a decision costs without I/O, and whether the number of pairings matters: the same look-up and decision on the
// real table with 10 pairings and with 100,000.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseUsername } from '../../agent/model/request.ts';
import { SqlitePairingTable } from '../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../agent/store/state-database.ts';
import { permitAttempt } from '../../policy/permit-attempt.ts';
import { permitCard } from '../../policy/permit-card.ts';
import { permitCertificate } from '../../policy/permit-certificate.ts';
import { permitReader } from '../../policy/permit-reader.ts';
import { permitTry } from '../../policy/permit-try.ts';
import { defaultPolicy, type Policy } from '../../policy/policy.ts';
import { figure, median, type Figure } from './figures.ts';
import { DISK_FOLDER } from './rig.ts';

const USER = parseUsername('user5');
const ROUNDS = 40;
const POLICY: Policy = { ...defaultPolicy, trust: { ...defaultPolicy.trust, level: 3, pinned: ['AA'] } };
const ATR = Buffer.from('3B8D018073C021C057736F66747061', 'hex');
const FINDINGS = {
  chainFault: null,
  authorities: ['AA'],
  revocation: 'good',
  revocationDetail: null,
} as const;

/** All that policy is asked in a login. */
function decide(): boolean {
  return (
    permitAttempt(POLICY, { service: 'sudo', rhost: null, session: 'local', peerUid: 0, userUid: 1000 })
      .permitted &&
    permitReader(POLICY, { reader: 'Virtual PCD 00 00', atr: ATR }) &&
    permitCertificate(POLICY.trust, FINDINGS).permitted &&
    permitCard(POLICY, { paired: null, shown: { kind: 'none' } }).permitted &&
    permitTry(POLICY, { triesLeft: 3, triesTotal: 3 }) === 'permitted'
  );
}

/**
 * Microseconds of one call of each, the median of rounds of `count`; in turn, so that what else the machine does falls on
 * all of them alike, and by processor time, which others do not use up.
 */
function microseconds(acts: readonly (() => unknown)[], count: number): number[] {
  const taken: number[][] = acts.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [at, act] of acts.entries()) {
      const from = process.cpuUsage();
      for (let done = 0; done < count; done += 1) act();
      const { user, system } = process.cpuUsage(from);
      taken[at]?.push((user + system) / count);
    }
  return taken.map(median);
}

/** A table with so many pairings, of as many users. */
function tableOf(path: string, pairings: number): { table: SqlitePairingTable; state: StateDatabase } {
  const state = new StateDatabase(path);
  const table = new SqlitePairingTable(state);
  table.hostId();
  state.close();
  const database = new DatabaseSync(path);
  database.exec('BEGIN');
  const insert = database.prepare(
    "INSERT INTO pairing (user, pkhh, label, paired_by, paired_at_ms) VALUES (?, ?, 'card', 'root', 1)",
  );
  for (let number = 0; number < pairings; number += 1)
    insert.run(`user${number}`, number.toString(16).toUpperCase().padStart(40, '0'));
  database.exec('COMMIT');
  database.close();
  return { table, state };
}

export function decisionFigures(): Figure[] {
  const folder = mkdtempSync(join(DISK_FOLDER, 'scauth-bench-'));
  const [few, many] = [10, 100_000].map((count) => tableOf(join(folder, `${count}.db`), count));
  try {
    if (few === undefined || many === undefined || !decide()) throw new Error('no decision to measure');
    const look = (table: SqlitePairingTable) => () => {
      if (table.forUser(USER).length !== 1 || !decide()) throw new Error('not the pairing that was made');
    };
    const [alone = NaN] = microseconds([decide], 20_000);
    const looks = [few, many].map(({ table }) => look(table));
    // Not the cold start of either.
    microseconds(looks, 20);
    const [of10 = NaN, of100k = NaN] = microseconds(looks, 400);
    return [
      figure('policy-decision', alone, 'µs', 50),
      figure('pairing-and-decision-10-pairings', of10, 'µs'),
      figure('pairing-and-decision-100000-pairings', of100k, 'µs'),
      figure('pairings-100000-to-10', of100k / of10, 'ratio', 1.2),
    ];
  } finally {
    few?.state.close();
    many?.state.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
