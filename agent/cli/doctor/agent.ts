// scauthd by its own word: does it run, in this version, with all of its hardening and with the settings that the files
// have now; and which certificates end soon.

import { productVersion } from '../../base/product-version.ts';
import type { Methods, WireExpiring, WireRefusedCard } from '../../protocol/io-scauth.ts';
import * as say from '../../words/doctor.ts';
import { callAgent } from '../agent/client.ts';
import { fetchIdentities } from '../card/card-items.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { broken, ok, warning, type Check } from './check.ts';

const WARN_DAYS = 30;

function checkCertificate(certificate: WireExpiring): Check {
  const ended = Date.parse(certificate.notAfter) < Date.now();
  const finding = say.certificates.ends(certificate, ended);
  return ended ? broken('certificates', ...finding) : warning('certificates', ...finding);
}

function checkRefused({ user, hash, rule, why }: WireRefusedCard): Check {
  return warning('paired cards', ...say.cardRefused(user, hash, rule, why));
}

/** Cards that are in with a PIN or PUK of the factory's. Where no card can be read, others say why. */
async function checkSecrets(context: CommandContext): Promise<Check[]> {
  try {
    const identities = await fetchIdentities(context);
    return [...new Set(identities.map((identity) => identity.warning))].flatMap((text) =>
      text === null ? [] : [warning('cards', ...say.factorySecrets(text))],
    );
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

type Health = Methods['GetHealth']['reply'];

function checkEnforcement({ shutOut, shutOutCount, shutOutSoon, shutOutSoonCount }: Health): Check[] {
  const { shutsOut, shutsOutSoon } = say.enforcement;
  const checks: Check[] = [];
  if (shutOutCount > 0) checks.push(broken('enforcement', ...shutsOut(shutOut, shutOutCount)));
  if (shutOutSoonCount > 0)
    checks.push(warning('enforcement', ...shutsOutSoon(shutOutSoon, shutOutSoonCount, WARN_DAYS)));
  return checks;
}

function checkFleet({ fleet }: Health): Check[] {
  if (fleet === null) return [];
  const { state, detail, problem } = fleet;
  if (state !== 'fresh') return [broken('fleet', detail, say.fleetRepair)];
  return [
    problem === null ? ok('fleet', detail) : warning('fleet', `${detail}; ${problem}`, say.fleetRepair),
  ];
}

export async function checkAgent(context: CommandContext): Promise<Check[]> {
  try {
    const health = await callAgent(context, 'GetHealth', { days: WARN_DAYS });
    const mine = productVersion();
    const running =
      health.version === mine
        ? ok('scauthd', say.agent.answers(health.version))
        : warning('scauthd', ...say.agent.otherVersion(health.version, mine));
    const settings =
      health.configRefused === null
        ? []
        : [broken('settings in force', ...say.agent.reloadRefused(health.configRefused))];
    const hardening =
      health.notInForce.length === 0
        ? ok('hardening', say.agent.hardened)
        : warning('hardening', ...say.agent.notInForce(health.notInForce));
    const ending = health.expiring.map(checkCertificate);
    const certificates =
      ending.length > 0 ? ending : [ok('certificates', say.certificates.noneEnds(WARN_DAYS))];
    const cards = health.refusedCards.map(checkRefused);
    const fleet = checkFleet(health);
    const secrets = await checkSecrets(context);
    const enforced = checkEnforcement(health);
    return [running, ...settings, hardening, ...fleet, ...cards, ...secrets, ...enforced, ...certificates];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [broken('scauthd', ...say.agent.silent(error.message))];
  }
}
