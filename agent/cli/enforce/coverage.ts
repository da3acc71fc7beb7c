// Service by service, what `sc_auth enforce` says of the PAM files, and what it refuses because of them.

import { loadConfig } from '../../../config/load.ts';
import { AgentError } from '../../base/errors.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Line } from '../terminal/style.ts';
import { styled } from '../terminal/style.ts';
import { coverOfAll, type ServiceCover, type Settings } from '../pam/report.ts';
import { rehearse } from './rehearsal.ts';

export { coverOfAll } from '../pam/report.ts';

export const SETTINGS_FOLDER = '/etc/scauth';

/** @throws CommandError `config-invalid`: what is bound is not known */
export function readSettings(): Settings {
  try {
    return loadConfig(SETTINGS_FOLDER);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    throw new CommandError('config-invalid', `${error.detail}\nCorrect it: sudo sc_auth config check`, error);
  }
}

const MARKS = {
  covered: { look: 'good', text: 'covered    ' },
  uncovered: { look: 'bad', text: 'NOT COVERED' },
  'left-out': { look: 'quiet', text: 'left out   ' },
} as const;

export function linesOfCover(covers: readonly ServiceCover[]): Line[] {
  const width = Math.max(0, ...covers.map(({ service }) => service.length));
  return covers.flatMap(({ service, state, why, repair }) => {
    const { look, text } = MARKS[state];
    const line: Line = [styled(look, text), `  ${service.padEnd(width)}  ${why}`];
    return repair === null ? [line] : [line, `${' '.repeat(13 + width)}  Repair: ${repair}`];
  });
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
  const covers = coverOfAll(readSettings());
  const open = uncovered(covers);
  const notOpen = known.find((service) => !open.includes(service));
  if (notOpen !== undefined)
    throw new CommandError('usage', `--uncovered ${notOpen}: that is no service which is not covered.`);
  const left = open.filter((service) => !known.includes(service));
  const bound = covers.filter(({ state }) => state === 'covered');
  if (left.length === 0 && bound.length > 0) return covers;
  const message =
    left.length === 0
      ? 'No PAM service would ask for the card. Nothing was switched on.'
      : `A password would go on to open: ${left.join(', ')}. Repair that, or leave it so: --uncovered ${left.join(' --uncovered ')}. Nothing was switched on.`;
  context.output.result(
    { error: 'not-covered', message, triesLeft: null, services: covers },
    linesOfCover(covers),
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
  if (open.length > 0)
    throw new CommandError(
      'not-rehearsed',
      `In the rehearsal a password opened ${open.join(', ')} although the card was required. Nothing was switched on. What PAM did is in the system log.`,
    );
  if (proved.length === 0)
    throw new CommandError(
      'not-rehearsed',
      `In the rehearsal a password opened nothing even where no card was required, so nothing is proved. Nothing was switched on. What PAM did is in the system log.`,
    );
  context.output.note(`Rehearsed: a right password alone is refused by ${proved.join(', ')}.`);
  if (unclear.length > 0)
    context.output.note(`Not proved for ${unclear.join(', ')}: a trial account may not log in there at all.`);
  return [...proved];
}
