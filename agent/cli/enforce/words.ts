// What sc_auth enforce says to people: times as the clock on the wall has them, one account a line.

import type { Methods } from '../../protocol/io-scauth.ts';

/** More names in a sentence are not read. */
const MAX_NAMED = 20;

export type Enforced = Methods['GetEnforcement']['reply'];
/** Without the list. */
export type State = Omit<Enforced, 'exemptions' | 'next'>;
export type Standing = Methods['PlanEnforcement']['reply']['accounts'][number];

/** Local time, to the minute. */
export function untilText(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function linesOfState({ state, since, until, by, breakGlass }: State): string[] {
  const code = breakGlass
    ? 'There is a break-glass code.'
    : 'There is no break-glass code any more. Make one: sudo sc_auth enforce code';
  const words = {
    off: ['Enforcement is off: a password is enough.'],
    trial: [
      `Enforcement is on trial until ${untilText(until ?? '')}, switched on by ${by ?? ''}.`,
      'A login by card confirms it; else it goes off by itself.',
      code,
    ],
    on: [`Enforcement is on since ${untilText(since ?? '')}, switched on by ${by ?? ''}.`, code],
  };
  const known = new Map<string, readonly string[]>(Object.entries(words)).get(state);
  return [...(known ?? [`Enforcement: ${state}.`])];
}

export function lineOfExemption({ user, until, by, reason }: Enforced['exemptions'][number]): string {
  return `Exempt: ${user} until ${untilText(until)}, by ${by}${reason === '' ? '' : `: ${reason}`}`;
}

/** A part of the plan: names are set in a column of their own width. */
export function linesOfPlan(accounts: readonly Standing[]): string[] {
  const width = Math.max(0, ...accounts.map(({ user }) => user.length));
  return accounts.map(({ user, keptInBy, pairings, lastCardLogin, why }) => {
    const cards = pairings === 1 ? '1 pairing' : `${pairings} pairings`;
    const last = lastCardLogin === null ? 'no card login' : `card login ${untilText(lastCardLogin)}`;
    return `${keptInBy === null ? 'SHUT OUT' : 'gets in '}  ${user.padEnd(width)}  ${cards}, ${last}: ${why}`;
  });
}

/** @param uncovered services that a password would go on to open */
export function verdictOfPlan(shutOut: readonly string[], uncovered: readonly string[]): string {
  if (shutOut.length === 0)
    return uncovered.length === 0
      ? 'Nobody would be shut out. Switch it on: sudo sc_auth enforce on'
      : `Nobody would be shut out, and a password would go on to open ${uncovered.join(', ')}.`;
  const named = shutOut.slice(0, MAX_NAMED).join(', ');
  const more = shutOut.length > MAX_NAMED ? ` and ${shutOut.length - MAX_NAMED} more` : '';
  return `${shutOut.length} would be shut out: ${named}${more}`;
}
