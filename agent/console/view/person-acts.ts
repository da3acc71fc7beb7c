// What can be done about a person's cards: said what will come of it, then done by scauthd, which may refuse it.

import type { Reply, WireIdentity, WirePairing } from '../../protocol/io-scauth.ts';
import { PERSON as say } from '../../words/console.ts';
import { callAgent, callList } from '../kit/agent.ts';
import { ask, field, tick } from '../kit/ask.ts';
import { around, h, outside } from '../kit/dom.ts';
import { byName, isAdministrator } from '../kit/live.ts';

export interface Person {
  readonly user: string;
  /** null: no such account any more. */
  readonly links: Reply<'Explain'>['links'] | null;
  readonly pairings: readonly WirePairing[];
  readonly enforcement: string;
  readonly exemptUntil: string | null;
}

const DAY_MS = 86_400_000;
/** As scauthd has it. */
const MOST_DAYS = 366;
const MOST_REASON = 200;

/** What is left when this card no longer logs in. */
function whatIsLeft(pairing: WirePairing, { user, pairings, enforcement, exemptUntil }: Person): Node[] {
  const others = pairings.filter(({ hash, lost }) => hash !== pairing.hash && lost !== true).length;
  if (others > 0) return [around(say.othersLeft(others), user)];
  if (enforcement === 'off') return [around(say.passwordLeft, user)];
  return [around(exemptUntil === null ? say.nothingLeft : say.exemptionLeft(exemptUntil.slice(0, 10)), user)];
}

export function askUnpair(pairing: WirePairing, of: Person): Promise<void> {
  const { user } = of;
  const although = h('input', { type: 'checkbox' });
  const isEnforced = isAdministrator() && of.enforcement !== 'off';
  return ask({
    title: say.unpair,
    consequences: [around(say.willUnpair, pairing.label, user), ...whatIsLeft(pairing, of)],
    ...(isEnforced && { fields: [tick(although, say.although)] }),
    yes: say.unpair,
    run: async () => {
      await callAgent('Unpair', { user, hash: pairing.hash, shutOut: although.checked });
      return [];
    },
  });
}

export function askLost(pairing: WirePairing, of: Person): Promise<void> {
  return ask({
    title: say.sayLost,
    consequences: [
      around(say.willBeLost, pairing.label),
      say.sessions,
      ...whatIsLeft(pairing, of),
      say.undoLost,
    ],
    yes: say.sayLost,
    run: async () => {
      const user = isAdministrator() ? null : of.user;
      const { notes } = await callAgent('SayLost', { user, hash: pairing.hash, by: await byName() });
      return notes;
    },
  });
}

export function askFound(pairing: WirePairing): Promise<void> {
  return ask({
    title: say.found,
    consequences: [around(say.willBeFound, pairing.label)],
    yes: say.found,
    run: async () => (await callAgent('SayFound', { hash: pairing.hash })).notes,
  });
}

/** Keys for logins on cards that are in, nobody's first. */
async function keysToPair(of: Person): Promise<WireIdentity[]> {
  const all = await callList('ListIdentities', {}, (reply) => reply.identities);
  const own = new Set(of.pairings.map(({ hash }) => hash));
  return all
    .filter(({ use, unfit, hash }) => use === 'authentication' && unfit === null && !own.has(hash))
    .sort((one, other) => one.pairedWith.length - other.pairedWith.length);
}

export async function askPair(of: Person): Promise<void> {
  const { user } = of;
  const keys = await keysToPair(of);
  const choice = h('select', { required: true });
  for (const { hash, label, pairedWith } of keys)
    choice.append(
      h('option', { value: hash }, outside(label).textContent, pairedWith.length > 0 ? say.taken : ''),
    );
  const shared = h('input', { type: 'checkbox' });
  const isTaken = keys.some(({ pairedWith }) => pairedWith.length > 0);
  await ask({
    title: say.pair,
    consequences: keys.length === 0 ? [say.noKeyToPair] : [around(say.willPair, user), say.noPin],
    fields: keys.length === 0 ? [] : [field(say.key, choice), ...(isTaken ? [tick(shared, say.shared)] : [])],
    yes: say.pair,
    run: async () => {
      const parameters = { user, hash: choice.value, shared: shared.checked };
      await callAgent('AddPairing', { ...parameters, dryRun: true });
      await callAgent('AddPairing', parameters);
      return [];
    },
  });
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function askExempt({ user }: Person): Promise<void> {
  const nowMs = Date.now();
  const until = h('input', {
    type: 'date',
    required: true,
    min: dayOf(nowMs + DAY_MS),
    max: dayOf(nowMs + (MOST_DAYS - 1) * DAY_MS),
    value: dayOf(nowMs + 7 * DAY_MS),
  });
  const reason = h('input', { type: 'text', maxlength: MOST_REASON });
  return ask({
    title: say.exempt,
    consequences: [around(say.willExempt, user)],
    fields: [field(say.until, until), field(say.reason, reason)],
    yes: say.exempt,
    run: async () => {
      const end = new Date(`${until.value}T23:59:59`).toISOString();
      await callAgent('Exempt', { user, until: end, reason: reason.value, by: await byName() });
      return [];
    },
  });
}

export function askUnexempt({ user }: Person): Promise<void> {
  const although = h('input', { type: 'checkbox' });
  return ask({
    title: say.unexempt,
    consequences: [around(say.willUnexempt, user)],
    fields: [tick(although, say.although)],
    yes: say.unexempt,
    run: async () => {
      await callAgent('Unexempt', { user, shutOut: although.checked });
      return [];
    },
  });
}
