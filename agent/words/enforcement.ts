// What is said about enforcement: by `sc_auth enforce`, and by scauthd to whoever must use the card.

import { timeText } from '../base/local-time.ts';
import { namedOf } from './repairs.ts';

/** More names in a sentence are not read. */
const MAX_NAMED = 20;

const NOTHING = 'Nothing was switched on.';
const SEE_HELP = 'See: sc_auth enforce --help';

export const OFF = 'Enforcement is off: a password is enough.';

/** Local time, to the minute. */
export function untilText(iso: string): string {
  return timeText(Date.parse(iso)).slice(0, -':00'.length);
}

export const code = {
  keep: 'Keep it where you find it without this machine. It opens one login where the card is asked for.',
  is: (text: string) => `Break-glass code: ${text}`,
  there: 'There is a break-glass code.',
  none: 'There is no break-glass code any more. Make one: sudo sc_auth enforce code',
  unchanged: 'Nothing was changed. Another break-glass code: sudo sc_auth enforce code',
};

export const started = {
  trial: (until: string) => `Enforcement is on trial until ${untilText(until)}.`,
  shutOut: (user: string) => `${user} is shut out.`,
  uncovered: (service: string) => `A password still opens ${service}.`,
  confirmIt:
    'Log in by card before then, for example: sudo -k sc_auth enforce confirm. Otherwise enforcement is switched off again.',
};

export const confirmed = {
  nothing: 'Enforcement is off, so there is nothing to confirm. Switch it on: sudo sc_auth enforce on',
  by: (user: string, at: string) =>
    `Enforcement is on, confirmed by the card login of ${user} (${untilText(at)}).`,
};

export const exemption = {
  untilWhen: 'Say until when: sc_auth enforce exempt USER --until 2w',
  made: (user: string, until: string) => `${user} needs no card until ${untilText(until)}.`,
  none: (user: string) => `${user} is not exempt: sc_auth enforce status`,
  removed: (user: string) => `${user} is not exempt any more.`,
};

interface State {
  readonly state: string;
  readonly since: string | null;
  readonly until: string | null;
  readonly by: string | null;
  readonly breakGlass: boolean;
}

export function linesOfState({ state, since, until, by, breakGlass }: State): string[] {
  const withCode = breakGlass ? code.there : code.none;
  switch (state) {
    case 'off':
      return [OFF];
    case 'trial':
      return [
        `Enforcement is on trial until ${untilText(until ?? '')}, switched on by ${by ?? ''}.`,
        'A login by card confirms it; otherwise it is switched off again.',
        withCode,
      ];
    case 'on':
      return [`Enforcement is on since ${untilText(since ?? '')}, switched on by ${by ?? ''}.`, withCode];
    default:
      return [`Enforcement: ${state}.`];
  }
}

interface Exemption {
  readonly user: string;
  readonly until: string;
  readonly by: string;
  readonly reason: string;
}

export function lineOfExemption({ user, until, by, reason }: Exemption): string {
  return `Exempt: ${user} until ${untilText(until)}, by ${by}${reason === '' ? '' : `: ${reason}`}`;
}

export interface Standing {
  readonly user: string;
  readonly keptInBy: string | null;
  readonly pairings: number;
  readonly lastCardLogin: string | null;
  readonly why: string;
}

/** One account of the plan. */
export const planned = {
  verdict: ({ keptInBy }: Standing) => (keptInBy === null ? 'SHUT OUT' : 'gets in '),
  because: ({ pairings, lastCardLogin, why }: Standing) => {
    const cards = pairings === 1 ? '1 pairing' : `${pairings} pairings`;
    const last = lastCardLogin === null ? 'no card login' : `card login ${untilText(lastCardLogin)}`;
    return `${cards}, ${last}: ${why}`;
  },
};

/** Whom one lost card would keep out. */
export function onlyOneCard(users: readonly string[]): string {
  return `${users.length} with one card alone: ${namedOf(users.slice(0, MAX_NAMED), users.length)}. When it is lost they are shut out; a second card: sc_auth pair --spare`;
}

/** @param uncovered services that a password would go on to open */
export function verdictOfPlan(shutOut: readonly string[], uncovered: readonly string[]): string {
  if (shutOut.length > 0)
    return `${shutOut.length} would be shut out: ${namedOf(shutOut.slice(0, MAX_NAMED), shutOut.length)}`;
  return uncovered.length === 0
    ? 'Nobody would be shut out. Switch it on: sudo sc_auth enforce on'
    : `Nobody would be shut out, and a password would still open ${uncovered.join(', ')}.`;
}

export const usage = {
  options: (said: string) => `${said}. ${SEE_HELP}`,
  oneAccount: (verb: string) => `Name one account: sc_auth enforce ${verb} USER. ${SEE_HELP}`,
  noName: (verb: string) => `${verb} takes no name. ${SEE_HELP}`,
  onlyExempt: `--until and --reason belong to exempt. ${SEE_HELP}`,
  onlyShutOut: `--shut-out belongs to on and unexempt. ${SEE_HELP}`,
  onlyOn: `--uncovered, --agent-absent, --by and --no-rehearsal belong to on. ${SEE_HELP}`,
  onlyPlan: `--services belongs to plan. ${SEE_HELP}`,
  agentAbsent: `--agent-absent takes open or closed. ${SEE_HELP}`,
  until: `--until takes a date (2026-12-31) or a span of time (8h, 7d, 2w). ${SEE_HELP}`,
  past: `--until must be in the future. ${SEE_HELP}`,
};

const CHOICES = [
  {
    word: 'open',
    meaning:
      'a password is enough then. Stopping scauthd takes root; a scauthd that cannot start locks nobody out.',
  },
  {
    word: 'closed',
    meaning:
      "nobody gets in then but root on a console of this machine. Mending scauthd takes root's password there.",
  },
] as const;

const ABSENT = `What holds while scauthd does not run (it was stopped, or cannot start)?
${CHOICES.map(({ word, meaning }) => `  ${word.padEnd(6)}  ${meaning}`).join('\n')}`;

/** The question what a scauthd that does not run means. */
export const agentAbsent = {
  choices: CHOICES,
  meaning: ABSENT,
  sayWhich: `${ABSENT}\nSay which: --agent-absent open, or --agent-absent closed.`,
  prompt: 'open or closed: ',
  cancelled: NOTHING,
  neither: 'Neither "open" nor "closed": nothing was switched on.',
  othersFile: (file: string, choice: string) =>
    `${file} was written by somebody else. Set enforcement.agent_absent there: ${choice}. ${NOTHING}`,
  laterFile: (folder: string) =>
    `A later file in ${folder} sets enforcement.agent_absent. Change it there. ${NOTHING}`,
};

export const coverage = {
  settings: (why: string) => `${why}\nCorrect it: sudo sc_auth config check`,
  notUncovered: (service: string) => `--uncovered ${service}: this service is covered, or not known here.`,
  none: `No PAM service would ask for the card. ${NOTHING}`,
  left: (services: readonly string[]) =>
    `A password would still open: ${services.join(', ')}. Repair that, or leave it so: --uncovered ${services.join(' --uncovered ')}. ${NOTHING}`,
};

const PAM_LOG = 'What PAM did is in the system log.';

/** The rehearsal before it is switched on. */
export const rehearsal = {
  opened: (services: readonly string[]) =>
    `In the rehearsal a password opened ${services.join(', ')} although the card was required. ${NOTHING} ${PAM_LOG}`,
  nothingProved: `In the rehearsal a password opened nothing even where no card was required, so nothing is proved. ${NOTHING} ${PAM_LOG}`,
  proved: (services: readonly string[]) =>
    `Rehearsed: a right password alone is refused by ${services.join(', ')}.`,
  unclear: (services: readonly string[]) =>
    `Not proved for ${services.join(', ')}: a trial account may not log in there at all.`,
  failed: (why: string) =>
    `The rehearsal could not be made: ${why}. ${NOTHING} Where no private mounts can be made (in some containers): --no-rehearsal`,
  ended: (signal: string) => `it was ended by ${signal}`,
  noUnshare: 'unshare(1) cannot be started',
  noAnswer: 'it gave no answer',
};

/** To whoever needs the card and has the break-glass code instead. */
export const breakGlass = {
  prompt: 'This account needs its card: put it in and try again. Or type the break-glass code: ',
  malformed:
    'This is not a break-glass code: a code has five groups of five. Type it again, or press Enter to stop.',
  wrong: 'This is not the break-glass code of this machine.',
  tooMany: 'Too many wrong break-glass codes for this account. Wait a quarter of an hour.',
};

function exempt(user: string): string {
  return `or exempt them: sc_auth enforce exempt ${user}`;
}

/** Why an account gets in while the card is required, or what keeps it out. */
export const standing = {
  setting: (rule: string) => `nobody needs a card while ${rule} is as it is`,
  root: 'root gets in on a console of this machine',
  notRequired: 'in none of the groups of enforcement.required_groups',
  missingGroup: (group: string) =>
    `. There is no group ${group} (enforcement.required_groups), so everybody counts as its member`,
  exemptGroup: 'in the exempt group',
  exemptUntil: (iso: string) => `exempt until ${iso}`,
  unpaired: 'has no card, and users without one are let in',
  cardLogin: 'has logged in by card',
  ofBook: (pairing: string, fleet: string) =>
    `; only by the fleet’s book, whose head may be a day old where a card is required (${pairing}; ${fleet})`,
  refused: (user: string, rule: string, why: string) =>
    `the card is not taken (${rule}: ${why}): change that, ${exempt(user)}`,
  neverUsed: (user: string) =>
    `has never logged in by card: let them do so once (at the login, or sudo -k id), ${exempt(user)}`,
  noCard: (user: string) => `has no card: pair one (sc_auth pair -u ${user}), ${exempt(user)}`,
};
