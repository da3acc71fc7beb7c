// Runs one login on the fakes and looks at all that it left: the decision, the words, the card, the log, and that no
// secret stayed behind.

import type { ExecutionContext } from 'ava';
import { freeSecretSlots, secretBlock } from '../../../agent/base/secret.ts';
import { Login } from '../../../agent/stories/login/authenticate.ts';
import type { LoginParts } from '../../../agent/stories/login/login-parts.ts';
import { serveLogin } from '../../../agent/stories/serve-login.ts';
import type { AuditEvent } from '../../../agent/model/sealed-log/audit-event.ts';
import type { AuthDecision } from '../../../agent/model/decision.ts';
import type { AuthRequest } from '../../../agent/model/request.ts';
import type { Token, TokenSource } from '../../../agent/token/interface.ts';
import type { PairingTable } from '../../../agent/store/interface.ts';
import { defaultPolicy, type Policy } from '../../../policy/policy.ts';
import { makeSigner } from '../../unit/model/signer.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  type Answer,
  noKeyring,
  noLogind,
} from './fakes.ts';
import { policyWith, type PolicyChanges } from './policy-with.ts';
import { serveParts } from './served.ts';

export const victim = makeSigner('p256');
export const attacker = makeSigner('p256');

export interface Scene {
  readonly answers?: readonly Answer[];
  readonly tokens?: readonly Token[] | TokenSource;
  readonly pairings?: PairingTable;
  readonly audit?: FakeAudit;
  readonly policy?: PolicyChanges | (() => Policy);
  readonly request?: Partial<AuthRequest>;
  readonly parts?: Partial<LoginParts>;
  /** Happens when a card begins to be waited for. */
  readonly onHold?: (person: FakePerson) => void;
  /** Answers that nobody asks for are no fault. */
  readonly lenient?: boolean;
}

export interface Seen {
  readonly decision: AuthDecision;
  /** `denied bad-proof`, `unavailable no-card`, `granted`, … */
  readonly outcome: string;
  /** What the next module would get as the password. */
  readonly password: string | null;
  /** What the keyring's module would get. */
  readonly keyringSecret: string | null;
  readonly asked: readonly string[];
  readonly held: readonly string[];
  readonly told: readonly string[];
  readonly kinds: readonly string[];
  readonly events: readonly AuditEvent[];
  readonly log: readonly string[];
}

/** alice, paired with the victim's key. */
export function pairedTable(): FakePairings {
  const table = new FakePairings();
  table.rows.push(pairing(alice.name, victim.publicKey));
  return table;
}

/** Whether one of the digits strings of the tests is still in the locked block. */
function secretsLeft(): boolean {
  return [PIN, '000000', 'correct horse'].some((secret) => secretBlock().includes(secret));
}

export async function runLogin(t: ExecutionContext | null, scene: Scene): Promise<Seen> {
  const free = freeSecretSlots();
  const person = new FakePerson(scene.answers ?? []);
  person.onHold = () => scene.onHold?.(person);
  const audit = scene.audit ?? new FakeAudit();
  const log: string[] = [];
  const { tokens = [], policy = {} } = scene;
  const snapshot = typeof policy === 'function' ? null : policyWith(policy);
  const parts: LoginParts = {
    policy: typeof policy === 'function' ? policy : () => snapshot ?? defaultPolicy,
    accounts,
    pairings: scene.pairings ?? pairedTable(),
    tokens: 'present' in tokens ? tokens : tokensOf(...tokens),
    trust: noTrust,
    helpDesk: noHelpDesk,
    audit,
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
    loginUidOf: () => null,
    driverGate: () => true,
    passwordInstead: () => 'yes',
    keyring: noKeyring,
    sessions: noLogind,
    log: (line) => log.push(line),
    ...scene.parts,
  };
  const request: AuthRequest = {
    id: 'r1',
    phase: 'authenticate',
    service: 'sudo',
    user: alice.name,
    tty: '/dev/pts/1',
    rhost: null,
    ruser: null,
    flags: 0,
    peer: { pid: 7, uid: 0, gid: 0 },
    ...scene.request,
  };
  const serving = serveParts({
    ...{ policy: parts.policy, log: parts.log, clock: parts.clock, pairings: parts.pairings },
    login: () => new Login(request, person, parts).run(),
  });
  const { decision, password, keyringSecret = null } = await serveLogin(request, person, serving);
  // Refusals are recorded without waiting.
  await new Promise(setImmediate);
  const typed = password?.peek((bytes) => bytes.toString()) ?? null;
  password?.wipe();
  const handedOn = keyringSecret?.peek((bytes) => bytes.toString()) ?? null;
  keyringSecret?.wipe();
  const left = freeSecretSlots() - free;
  if (left !== 0 || secretsLeft()) throw new Error(`a secret was left behind (${left} slots)`);
  if (person.unused > 0 && scene.lenient !== true)
    throw new Error(`${person.unused} answers were not asked for`);
  t?.is(left, 0);
  t?.false(log.some((line) => line.includes(PIN)));
  const reason = 'reason' in decision ? ` ${decision.reason}` : '';
  return {
    decision,
    outcome: `${decision.kind}${reason}`,
    password: typed,
    keyringSecret: handedOn,
    asked: person.asked.map((question) => question.text),
    held: person.held,
    told: person.told,
    kinds: person.kinds,
    events: audit.events,
    log,
  };
}
