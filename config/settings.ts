// Every key of scauth.toml: its schema, default, unit and meaning, in one place. The sample file, the errors and
// the policy are made from this table.

import * as v from 'valibot';
import { defaultPolicy } from '../policy/policy.ts';
import { enforcementSettings } from './enforcement-settings.ts';
import { mappingSettings } from './mapping-settings.ts';
import { flag, oneOf, serviceList, tableSchema, whole, word, type Setting } from './setting.ts';
import { trustSettings } from './trust-settings.ts';

export type { Setting } from './setting.ts';

/** Table → key → setting, in the order of the sample file. */
export const settings = {
  login: {
    cards_allowed: {
      schema: flag,
      default: defaultPolicy.cardsAllowed,
      unit: null,
      meaning: 'Cards may be used for login. false: every request goes on to the password.',
    },
    services: {
      schema: serviceList,
      default: [...defaultPolicy.services],
      unit: null,
      meaning:
        'PAM services (file names in /etc/pam.d) for which a card may be used. ["*"] means all; [] means none.',
    },
    remote: {
      schema: flag,
      default: defaultPolicy.remoteAllowed,
      unit: null,
      meaning:
        'A user who comes from another host may use the card in this machine. Warning: with true, whoever sits at the machine is asked to approve a stranger.',
    },
    try_reserve: {
      schema: whole(0, 10),
      default: defaultPolicy.tryReserve,
      unit: 'PIN tries',
      meaning:
        'Tries that a login leaves on the card: at or below it, the PIN is sent only after the user says yes. Warning: with 0, a typing mistake can block the card.',
    },
    pin_attempts: {
      schema: whole(1, 3),
      default: defaultPolicy.pinAttempts,
      unit: 'prompts',
      meaning: 'How often one login asks for the PIN before the password gets its turn.',
    },
    card_wait_ms: {
      schema: whole(0, 10_000),
      default: defaultPolicy.cardWaitMs,
      unit: 'milliseconds',
      meaning:
        'How long a login waits for a card that was just put in and is still being read. Without a card in a reader nobody waits.',
    },
    min_rsa_bits: {
      schema: oneOf([2048, 3072, 4096]),
      default: defaultPolicy.minRsaBits,
      unit: 'bits',
      meaning: 'Smallest RSA key that may be paired. Smaller ones than 2048 never may.',
    },
    min_ec_bits: {
      schema: oneOf([256, 384]),
      default: defaultPolicy.minEcBits,
      unit: 'bits',
      meaning: 'Smallest elliptic-curve key that may be paired; Ed25519 counts as 256.',
    },
    removal_action: {
      schema: word(['none', 'lock']),
      default: defaultPolicy.removalAction,
      unit: null,
      meaning: 'When a paired card is taken out: "lock" locks the local sessions of its user through logind.',
    },
  },
  pairing: {
    users_may_pair: {
      schema: flag,
      default: defaultPolicy.usersMayPair,
      unit: null,
      meaning: 'Users may pair a card with their own account. false: only the administrator pairs.',
    },
    one_card_per_user: {
      schema: flag,
      default: defaultPolicy.oneCardPerUser,
      unit: null,
      meaning: 'A user may have one pairing. Pairings that are there already stay.',
    },
  },
  trust: trustSettings,
  mapping: mappingSettings,
  enforcement: enforcementSettings,
} as const satisfies Record<string, Record<string, Setting>>;

/** Strict: a key that is not in the table is an error, never ignored. */
export const configSchema = v.strictObject({
  login: tableSchema(settings.login),
  pairing: tableSchema(settings.pairing),
  trust: tableSchema(settings.trust),
  mapping: tableSchema(settings.mapping),
  enforcement: tableSchema(settings.enforcement),
});

export type Config = v.InferOutput<typeof configSchema>;
