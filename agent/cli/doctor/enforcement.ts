// While a card is required: does each PAM service that opens the machine hold that? Off, nobody has to know.

import { AgentError } from '../../base/errors.ts';
import { enforcement as say } from '../../words/doctor.ts';
import { callAgent } from '../agent/client.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { coverOfAll, type Settings } from '../pam/report.ts';
import { broken, ok, unknown, type Check } from './check.ts';

const NAME = 'enforcement';

function checkCover(settings: Settings): Check[] {
  const covers = coverOfAll(settings);
  const open = covers
    .filter(({ state }) => state === 'uncovered')
    .map(({ service, why, repair }) => broken(NAME, say.opened(service, why), repair ?? ''));
  if (open.length > 0) return open;
  const held = covers.filter(({ state }) => state === 'covered').map(({ service }) => service);
  return held.length === 0 ? [broken(NAME, ...say.noService)] : [ok(NAME, say.heldBy(held))];
}

export async function checkEnforced(context: CommandContext): Promise<Check[]> {
  try {
    const { state } = await callAgent(context, 'GetEnforcement', {});
    if (state === 'off') return [];
    const { loadPolicy } = await import('../../../config/parse-settings.ts');
    return checkCover(loadPolicy('/etc/scauth'));
  } catch (error) {
    // That scauthd does not answer, or that the settings are wrong, is another check's to say.
    if (error instanceof CommandError) return [];
    if (error instanceof AgentError) return [unknown(NAME, say.covered)];
    throw error;
  }
}
