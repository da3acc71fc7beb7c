// Service by service, what `sc_auth enforce` says of the PAM files, and what it refuses because of them.

import { loadPolicy } from '../../../config/parse-settings.ts';
import { AgentError } from '../../base/errors.ts';
import { coverage as say, planned, rehearsal, type Standing } from '../../words/enforcement.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { hung, styled, type Line, type Screen } from '../terminal/style.ts';
import { coverOfAll, type ServiceCover, type Settings } from '../pam/report.ts';
import { rehearse } from './rehearsal.ts';

export const SETTINGS_FOLDER = '/etc/scauth';

/** @throws CommandError `config-invalid`: what is bound is not known */
function readSettings(): Settings {
  try {
    return loadPolicy(SETTINGS_FOLDER);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new CommandError('config-invalid', say.settings(error.detail), error);
  }
}

const MARKS = {
  covered: { look: 'good', text: 'covered    ' },
  uncovered: { look: 'bad', text: 'NOT COVERED' },
  'left-out': { look: 'quiet', text: 'left out   ' },
} as const;

export function linesOfCover(covers: readonly ServiceCover[], screen: Screen | null): Line[] {
  const width = Math.max(0, ...covers.map(({ service }) => service.length));
  return covers.flatMap(({ service, state, why, repair }) => {
    const { look, text } = MARKS[state];
    const lines = hung(screen, [styled(look, text), `  ${service.padEnd(width)}  `], why);
    // In one line whatever the width: it is copied.
    return repair === null ? lines : [...lines, `    Repair: ${repair}`];
  });
}

/** A part of the plan: names are set in a column of their own width. */
export function linesOfPlan(accounts: readonly Standing[], screen: Screen | null): Line[] {
  const width = Math.max(0, ...accounts.map(({ user }) => user.length));
  return accounts.flatMap((account) => {
    const look = account.keptInBy === null ? 'bad' : 'good';
    const head = [styled(look, planned.verdict(account)), `  ${account.user.padEnd(width)}  `];
    return hung(screen, head, planned.because(account));
  });
}

/** By the PAM files and settings of this machine. @throws CommandError `config-invalid` */
export function coverHere(): ServiceCover[] {
  return coverOfAll(readSettings());
}

export function uncovered(covers: readonly ServiceCover[]): string[] {
  return covers.filter(({ state }) => state === 'uncovered').map(({ service }) => service);
}

/**
 * Looks at all services, and says what it saw where that is a reason to stop.
 * @param known services of which the administrator says that they may stay open
 * @returns null: refused, and said
 * @throws CommandError `config-invalid`, `usage`
 */
export function judgeCover(known: readonly string[], context: CommandContext): ServiceCover[] | null {
  const covers = coverHere();
  const open = uncovered(covers);
  const notOpen = known.find((service) => !open.includes(service));
  if (notOpen !== undefined) throw new CommandError('usage', say.notUncovered(notOpen));
  const left = open.filter((service) => !known.includes(service));
  const bound = covers.filter(({ state }) => state === 'covered');
  if (left.length === 0 && bound.length > 0) return covers;
  const message = left.length === 0 ? say.none : say.left(left);
  context.output.result(
    { error: 'not-covered', message, triesLeft: null, services: covers },
    linesOfCover(covers, context.output.screen),
  );
  if (!context.output.json) context.output.note(message);
  context.output.failed(EXIT.refused);
  return null;
}

/**
 * Tries the covered services with a password, in a private copy of the PAM files.
 * @throws CommandError `not-rehearsed`
 */
export async function proveCover(
  covers: readonly ServiceCover[],
  context: CommandContext,
): Promise<string[]> {
  const services = covers.filter(({ state }) => state === 'covered').map(({ service }) => service);
  const { open, proved, unclear } = await rehearse(services);
  if (open.length > 0) throw new CommandError('not-rehearsed', rehearsal.opened(open));
  if (proved.length === 0) throw new CommandError('not-rehearsed', rehearsal.nothingProved);
  context.output.note(rehearsal.proved(proved));
  if (unclear.length > 0) context.output.note(rehearsal.unclear(unclear));
  return [...proved];
}
