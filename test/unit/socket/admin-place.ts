// A server of io.scauth with the fakes of the login stories around it, for the tests of this folder.

import type { ExecutionContext } from 'ava';
import { SignedBooks } from '../../../agent/socket/methods/signed-books.ts';
import { NO_FLEET } from '../../../agent/model/book/book-state.ts';
import { AgentError } from '../../../agent/base/errors.ts';
import { SessionCards } from '../../../agent/stories/removal/session-cards.ts';
import { NOT_EVALUATED } from '../../../agent/model/inventory.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { createAdminServer, type AdminServerParts } from '../../../agent/socket/admin-server.ts';
import { Turns } from '../../../agent/socket/turns.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { noFiles } from '../../kit/story/policy-with.ts';
import { NOBODY } from '../base/folders.ts';
import {
  FakeAudit,
  FakePairings,
  FakeToken,
  noKeyring,
  noLogind,
  noHelpDesk,
  noTrust,
  tokensOf,
} from '../../kit/story/fakes.ts';
import { victim } from '../../kit/story/run-login.ts';
import { enforcedScene } from '../stories/enforcement/enforcement-fakes.ts';
import { serveAt } from './clients.ts';

export const PASSWORD = 'correct horse';
export const nobody = { name: parseUsername('nobody'), uid: NOBODY };
const known = [{ name: parseUsername('root'), uid: 0 }, nobody, { name: parseUsername('alice'), uid: 1000 }];
export const clock = { nowMs: () => 0, monotonicMs: () => 0 };

export interface Place {
  readonly path: string;
  readonly table: FakePairings;
  readonly audit: FakeAudit;
  readonly log: string[];
}

export async function serve(t: ExecutionContext, more: Partial<AdminServerParts> = {}): Promise<Place> {
  const table = new FakePairings();
  const audit = new FakeAudit();
  const log: string[] = [];
  const server = createAdminServer({
    policy: () => defaultPolicy,
    pairings: table,
    lost: table.lost,
    lockOpened: () => Promise.resolve(0),
    tokens: tokensOf(new FakeToken(victim)),
    trust: noTrust,
    helpDesk: noHelpDesk,
    audit,
    clock,
    offerRider: () => null,
    checkPassword: (_user, password) =>
      password.use(async (bytes) => {
        await Promise.resolve();
        if (bytes.toString() !== PASSWORD) throw new AgentError('wrong-password');
      }),
    accounts: {
      byName: (name) => Promise.resolve(known.find((one) => one.name === name) ?? null),
      byUid: (uid) => Promise.resolve(known.find((one) => one.uid === uid) ?? null),
    },
    inventory: {
      drivers: () => [],
      readers: () => [],
      readerDrivers: () => [],
      trustOf: () => Promise.resolve(NOT_EVALUATED),
    },
    sessionCards: new SessionCards(clock),
    anchors: { lastRecord: () => null },
    loginDrivers: { loginDriver: () => null, setLoginDriver: () => undefined },
    enforcement: enforcedScene(),
    keyring: noKeyring,
    sessions: noLogind,
    health: { notInForce: [], configRefused: () => null },
    fleet: () => NO_FLEET,
    signedBooks: new SignedBooks({ nowMs: () => 0, monotonicMs: () => 0 }),
    settingsFiles: noFiles,
    removalTaken: () => Promise.resolve(),
    turns: new Turns(),
    version: '1.2.3',
    log: (line) => log.push(line),
    ...more,
  });
  return { path: await serveAt(t, server), table, audit, log };
}
