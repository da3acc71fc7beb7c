// scauthd by its own word: does it run, in this version, with all of its hardening and with the settings that the files
// have now; and which certificates end soon.

import { productVersion } from '../../base/product-version.ts';
import type { WireExpiring, WireRefusedCard } from '../../protocol/io-scauth.ts';
import { callAgent } from '../agent/client.ts';
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

function checkRefused({ user, hash, rule, why }: WireRefusedCard): Check {
  return warning(
    'paired cards',
    `The card of ${user} (${hash}) is not taken: ${why} (${rule})`,
    'Change that setting, or pair the card again by the driver that reads it now: sc_auth unpair, then sc_auth pair.',
  );
}

const PLAN = 'sudo sc_auth enforce plan says why, and what each of them needs';

interface Some {
  readonly names: readonly string[];
  readonly count: number;
}

function named({ names, count }: Some): string {
  return names.join(', ') + (count > names.length ? ` and ${count - names.length} more` : '');
}

function checkEnforcement(shutOut: Some, soon: Some): Check[] {
  return [
    ...(shutOut.count === 0
      ? []
      : [broken('enforcement', `It shuts out ${named(shutOut)}: no card of theirs is taken`, PLAN)]),
    ...(soon.count === 0
      ? []
      : [
          warning(
            'enforcement',
            `It shuts out ${named(soon)} when their exemption ends, within ${WARN_DAYS} days`,
            PLAN,
          ),
        ]),
  ];
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
    const cards = health.refusedCards.map(checkRefused);
    const enforced = checkEnforcement(
      { names: health.shutOut, count: health.shutOutCount },
      { names: health.shutOutSoon, count: health.shutOutSoonCount },
    );
    return [running, ...settings, hardening, ...cards, ...enforced, ...certificates];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [broken('scauthd', error.message, RESTART)];
  }
}
