// scauthd by its own word: does it run, in this version, with all of its hardening and with the settings that the files
// have now; and which certificates end soon.

import { productVersion } from '../../base/product-version.ts';
import type { WireExpiring } from '../../socket/io-scauth.ts';
import { callAgent } from '../client.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { broken, ok, warning, type Check } from './check.ts';

const RESTART = 'sudo systemctl restart scauthd; its log: journalctl -u scauthd';
const WARN_DAYS = 30;

function checkCertificate({ what, user, label, hash, notAfter }: WireExpiring): Check {
  const whose = user === null ? label : `${label} of ${user}`;
  const where = what === 'card' ? `on the card: ${whose}` : `paired: ${whose}`;
  const day = notAfter.slice(0, 10);
  const repair = 'Put a new certificate on the card; for a new key: sc_auth unpair, then sc_auth pair.';
  if (Date.parse(notAfter) < Date.now())
    return broken('certificates', `${where} (${hash}) ended on ${day}`, repair);
  return warning('certificates', `${where} (${hash}) ends on ${day}`, repair);
}

export async function checkAgent(context: CommandContext): Promise<Check[]> {
  try {
    const health = await callAgent(context, 'GetHealth', { days: WARN_DAYS });
    const mine = productVersion();
    const running =
      health.version === mine
        ? ok('scauthd', `It answers, version ${health.version}`)
        : warning('scauthd', `Version ${health.version} runs, and ${mine} is installed`, RESTART);
    const settings =
      health.configRefused === null
        ? []
        : [
            broken(
              'settings in force',
              `The last reload was refused: ${health.configRefused}`,
              'sudo sc_auth config check, then: sudo systemctl reload scauthd',
            ),
          ];
    const hardening =
      health.notInForce.length === 0
        ? ok('hardening', 'Each measure of scauthd is in force')
        : warning(
            'hardening',
            `Not in force: ${health.notInForce.join(', ')}`,
            'Start scauthd by its unit: sudo systemctl restart scauthd (LimitMEMLOCK, LimitCORE)',
          );
    const ending = health.expiring.map(checkCertificate);
    const certificates =
      ending.length > 0 ? ending : [ok('certificates', `None ends within ${WARN_DAYS} days`)];
    return [running, ...settings, hardening, ...certificates];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [broken('scauthd', error.message, RESTART)];
  }
}
