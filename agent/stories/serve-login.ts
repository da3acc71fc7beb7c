// Around a login, and what follows it, each in one order that stands here. Whatever is done here, the decision stays what
// the login came to; and what nobody has to wait for is put off until the answer is on its way.

import { withRank } from '../base/ahead.ts';
import { AgentError, describeError } from '../base/errors.ts';
import type { Pin } from '../base/pin.ts';
import { refusedByDefault, type AuthDecision, type GrantedDecision } from '../model/decision.ts';
import type { AuthRequest } from '../model/request.ts';
import { isService } from '../../policy/services.ts';
import type { PairingTable } from '../store/interface.ts';
import { deniedText, unavailableText } from '../words/login.ts';
import { personWith, type Conversation } from './card/conversation.ts';
import type { Enforcement } from './enforcement/enforcement.ts';
import type { LoginMemory } from './enforcement/login-memory.ts';
import { tellExpiry, type ExpiryParts } from './login/expiry-notice.ts';
import type { LoginLimit } from './login/logins-at-once.ts';
import type { LoginOutcome, LoginResult } from './login/login-parts.ts';

/** What users' sessions know of a login while it is in course (lock on removal, pairing dialog). */
export interface LoginCourse {
  granted(decision: GrantedDecision): void;
  ended(): void;
}

export interface ServeParts extends ExpiryParts {
  /** Runs the login story to its end; never throws. */
  readonly login: (request: AuthRequest, person: Conversation) => Promise<LoginOutcome>;
  readonly memory: Pick<LoginMemory, 'begin' | 'letIn'>;
  readonly limit: LoginLimit;
  readonly enforcement: Pick<Enforcement, 'noteCardLogin'>;
  readonly pairings: Pick<PairingTable, 'noteUse'>;
  readonly course: (request: AuthRequest) => LoginCourse;
  /** What desktops have loaded, by their files' names. */
  readonly p11KitModules: () => Promise<ReadonlySet<string>>;
}

interface Granted {
  readonly request: AuthRequest;
  readonly person: Conversation;
  readonly decision: GrantedDecision;
  readonly outcome: LoginOutcome;
  readonly stay: Stay;
  readonly result: { -readonly [Name in keyof LoginResult]: LoginResult[Name] };
}

type Step = readonly [what: string, take: (granted: Granted, parts: ServeParts) => void | Promise<void>];

/** What follows a yes. A step that fails is a line in the log, and the next one is taken. */
const AFTER_A_GRANT: readonly Step[] = [
  // First: the account phase of this login may come as soon as the answer has gone.
  [
    'the login was not remembered',
    ({ request, decision }, { memory }) => {
      memory.letIn(request, decision.user);
    },
  ],
  [
    'the card login was not noted',
    ({ request, decision: { user, pairing } }, { enforcement }) => {
      enforcement.noteCardLogin(user, pairing.pkhh, request.peer);
    },
  ],
  [
    'the session was not noted',
    ({ stay, decision }) => {
      stay.granted(decision);
    },
  ],
  // The answer carries the secret, so it has to wait for it.
  ['the keyring stays locked', openKeyring],
  ['the card was not named for the session', nameToken],
  [
    'the warning about the card was not told',
    ({ person, outcome: { warning } }) => {
      if (warning !== null) person.tell('error', warning);
    },
  ],
  [
    'the end of the certificate was not told',
    (granted, parts) => tellExpiry(granted.decision, granted.request, granted.person, parts),
  ],
  ['the use of the card was not noted', noteUse],
];

/** The keyring's secret goes with the answer, and how that went into the log. */
async function openKeyring({ request, person, decision, outcome, result }: Granted): Promise<void> {
  const { keyring, record } = outcome;
  if (keyring === null || record.key === null) return;
  const { secret, text, detail } = await keyring.open();
  result.keyringSecret = secret;
  const action = secret === null ? 'failed' : 'released';
  record.add({ kind: 'keyring', action, user: decision.user, actor: request.peer, key: record.key, detail });
  if (text !== null) person.tell('error', text);
}

/** A name that the session's programs do not know would be a card that is gone to them, and end the session at once. */
async function nameToken({ request, outcome, result }: Granted, parts: ServeParts): Promise<void> {
  const { tokenName } = outcome;
  if (tokenName === null || !isService(request.service, 'startsSession')) return;
  const loaded = await parts.p11KitModules();
  if (tokenName.modules.every((module) => loaded.has(module))) result.tokenName = tokenName.name;
}

/** Only who has several pairings can be asked which, so only there the last one matters. */
function noteUse({ decision: { user, pairing }, outcome }: Granted, { pairings, clock }: ServeParts): void {
  if (!outcome.severalPairings) return;
  setImmediate(() => {
    try {
      pairings.noteUse(user, pairing.pkhh, clock.nowMs());
    } catch (error) {
      outcome.record.say(`the use of the card was not noted: ${describeError(error)}`);
    }
  });
}

function tellRefusal(decision: AuthDecision, person: Conversation): void {
  if (decision.kind !== 'denied' && decision.kind !== 'unavailable') return;
  const text = decision.kind === 'denied' ? deniedText(decision.reason) : unavailableText(decision.reason);
  if (text !== null) person.tell('error', text);
}

/**
 * How long a login keeps its place while its person types nothing. The prompt stays as long as its program does (a
 * greeter's for days); nobody's prompts that stand open may take the card from another login.
 */
const KEEPS_PLACE_MS = 120_000;

/** The place of one login, and what users' sessions know of it. */
class Stay {
  readonly #request: AuthRequest;
  readonly #parts: ServeParts;
  #place: { readonly leave: () => void; readonly course: LoginCourse } | null = null;

  constructor(request: AuthRequest, parts: ServeParts) {
    this.#request = request;
    this.#parts = parts;
  }

  /** @returns false: there is no place */
  enter(): boolean {
    const leave = this.#parts.limit.take(this.#request.user, this.#request.peer);
    if (leave === null) return false;
    try {
      this.#place = { leave, course: this.#parts.course(this.#request) };
    } catch (error) {
      leave();
      throw error;
    }
    return true;
  }

  leave(): void {
    const place = this.#place;
    this.#place = null;
    try {
      place?.course.ended();
    } finally {
      place?.leave();
    }
  }

  granted(decision: GrantedDecision): void {
    this.#place?.course.granted(decision);
  }

  /** @throws AgentError `internal` where no place is left when the person has typed */
  async ask(person: Conversation, text: string, echo: boolean): Promise<Pin | null> {
    const timer = setTimeout(() => {
      this.leave();
    }, KEEPS_PLACE_MS);
    const typed = await person.ask(text, echo).finally(() => {
      clearTimeout(timer);
    });
    if (this.#place !== null || typed === null || this.enter()) return typed;
    typed.wipe();
    throw new AgentError('internal', { detail: TOO_MANY });
  }
}

const TOO_MANY = 'too many logins at once';

async function follow(
  request: AuthRequest,
  person: Conversation,
  outcome: LoginOutcome,
  stay: Stay,
  parts: ServeParts,
): Promise<LoginResult> {
  const { decision, password, keyring } = outcome;
  const result = { decision, password, keyringSecret: null };
  if (decision.kind !== 'granted') {
    keyring?.wipe();
    tellRefusal(decision, person);
    return result;
  }
  const granted: Granted = { request, person, decision, outcome, stay, result };
  for (const [failed, take] of AFTER_A_GRANT) {
    try {
      await take(granted, parts);
    } catch (error) {
      outcome.record.say(`${failed}: ${describeError(error)}`);
    }
  }
  return result;
}

/** One login; never throws. The caller wipes `password` and `keyringSecret`. */
export async function serveLogin(
  request: AuthRequest,
  person: Conversation,
  parts: ServeParts,
): Promise<LoginResult> {
  // First of all: whoever finds no place was asked all the same, and the account phase has to know.
  parts.memory.begin(request);
  const stay = new Stay(request, parts);
  if (!stay.enter()) {
    parts.log(`${request.id}: ${TOO_MANY}`);
    return { decision: refusedByDefault, password: null };
  }
  try {
    const asked = personWith(person, { ask: (text, echo) => stay.ask(person, text, echo) });
    // What root's programs ask for is for somebody in front of them; whoever comes by themselves waits beside them.
    const ahead = request.peer.uid === 0;
    const outcome = await withRank(ahead, () => parts.login(request, asked));
    return await follow(request, person, outcome, stay, parts);
  } finally {
    stay.leave();
  }
}
