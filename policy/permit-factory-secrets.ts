// Whether a card with the factory's secrets may be paired, or may log in by a pairing that was made without it. Pure.

import { opensToFinder, type FactorySecrets } from '../agent/model/card/factory-secrets.ts';
import type { Policy } from './policy.ts';

export type SecretsPermission =
  | { readonly permitted: true; readonly warn: boolean }
  | { readonly permitted: false; readonly rule: 'card.factory_secrets' };

export function permitFactorySecrets(policy: Policy, secrets: FactorySecrets): SecretsPermission {
  if (!opensToFinder(secrets)) return { permitted: true, warn: false };
  return policy.card.factorySecrets === 'warn'
    ? { permitted: true, warn: true }
    : { permitted: false, rule: 'card.factory_secrets' };
}
