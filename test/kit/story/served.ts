// A login as scauthd serves it, with everything around it a fake that does nothing.

import { accounts, FakeAudit, FakePerson, tokensOf } from './fakes.ts';
import type { AuthDecision } from '../../../agent/model/decision.ts';
import type { AuthRequest } from '../../../agent/model/request.ts';
import { LoginLimit } from '../../../agent/stories/login/logins-at-once.ts';
import { LoginRecord } from '../../../agent/stories/login/login-record.ts';
import type { LoginOutcome, LoginResult } from '../../../agent/stories/login/login-parts.ts';
import { serveLogin, type ServeParts } from '../../../agent/stories/serve-login.ts';
import { defaultPolicy } from '../../../policy/policy.ts';

export function outcomeOf(decision: AuthDecision, request: AuthRequest): LoginOutcome {
  const parts = { accounts, policy: () => defaultPolicy, audit: new FakeAudit(), log: () => undefined };
  const record = new LoginRecord(request, parts);
  const nothing = { password: null, keyring: null, tokenName: null, severalPairings: false, warning: null };
  return { decision, ...nothing, record };
}

/** @param more what is looked at in this test */
export function serveParts(more: Partial<ServeParts> = {}): ServeParts {
  return {
    login: (request) => Promise.resolve(outcomeOf({ kind: 'unavailable', reason: 'no-card' }, request)),
    memory: { begin: () => undefined, letIn: () => undefined },
    limit: new LoginLimit(),
    enforcement: { noteCardLogin: () => undefined },
    pairings: { noteUse: () => undefined },
    p11KitModules: () => Promise.resolve(new Set()),
    course: () => ({ granted: () => undefined, ended: () => undefined }),
    policy: () => defaultPolicy,
    tokens: tokensOf(),
    notices: { expiryTold: () => null, noteExpiryTold: () => undefined },
    clock: { nowMs: () => 42, monotonicMs: () => 0 },
    log: () => undefined,
    ...more,
  };
}

/** A login by somebody who is asked nothing. */
export function served(request: AuthRequest, more: Partial<ServeParts> = {}): Promise<LoginResult> {
  return serveLogin(request, new FakePerson([]), serveParts(more));
}
