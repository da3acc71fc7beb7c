// What sc_auth enforce says to people: times as the clock on the wall has them, one account a line.

import type { Methods } from '../../socket/io-scauth.ts';

export type Enforced = Methods['GetEnforcement']['reply'];
export type Standing = Methods['PlanEnforcement']['reply']['accounts'][number];

/** Local time, to the minute. */
export function untilText(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function linesOfState({ state, since, until, by, breakGlass, exemptions }: Enforced): string[] {
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
  return [
    ...(known ?? [`Enforcement: ${state}.`]),
    ...exemptions.map(
      ({ user, until: end, by: giver, reason }) =>
        `Exempt: ${user} until ${untilText(end)}, by ${giver}${reason === '' ? '' : `: ${reason}`}`,
    ),
  ];
}

export function linesOfPlan(accounts: readonly Standing[]): string[] {
  const out = accounts.filter(({ keptInBy }) => keptInBy === null);
  const width = Math.max(0, ...accounts.map(({ user }) => user.length));
  const lines = accounts.map(({ user, keptInBy, pairings, lastCardLogin, why }) => {
    const cards = pairings === 1 ? '1 pairing' : `${pairings} pairings`;
    const last = lastCardLogin === null ? 'no card login' : `card login ${untilText(lastCardLogin)}`;
    return `${keptInBy === null ? 'SHUT OUT' : 'gets in '}  ${user.padEnd(width)}  ${cards}, ${last}: ${why}`;
  });
  return [
    ...lines,
    out.length === 0
      ? 'Nobody would be shut out. Switch it on: sudo sc_auth enforce on'
      : `${out.length} would be shut out: ${out.map(({ user }) => user).join(', ')}`,
  ];
}
