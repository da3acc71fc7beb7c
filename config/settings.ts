// Every key of scauth.toml: its schema, default, unit and meaning, in one place. The sample file, the errors and
// the policy are made from this table.

import * as v from 'valibot';
import { defaultPolicy } from '../policy/policy.ts';

const whole = (min: number, max: number) =>
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
const flag = v.boolean('must be true or false');
const serviceName = v.pipe(
  v.string('must be text'),
  v.regex(/^(\*|[A-Za-z0-9._-]{1,64})$/, 'must be a PAM service name, or "*" alone'),
);

export interface Setting {
  readonly schema: v.GenericSchema;
  readonly default: boolean | number | string | readonly string[];
  /** null for settings that have none. */
  readonly unit: string | null;
  /** One or more sentences; a warning where a value can hurt. */
  readonly meaning: string;
}

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
      schema: v.pipe(
        v.array(serviceName, 'must be a list of service names'),
        v.check((list) => !list.includes('*') || list.length === 1, '"*" stands alone'),
      ),
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
  },
  pairing: {
    users_may_pair: {
      schema: flag,
      default: defaultPolicy.usersMayPair,
      unit: null,
      meaning: 'Users may pair a card with their own account. false: only the administrator pairs.',
    },
  },
  audit: {
    no_record_no_grant: {
      schema: flag,
      default: defaultPolicy.noRecordNoGrant,
      unit: null,
      meaning:
        'A login whose audit record cannot be written (full disk, read-only file system) is not granted by card; the password gets its turn. Warning: with false, such logins are missing in the log; it says later how many.',
    },
  },
} as const satisfies Record<string, Record<string, Setting>>;

function defaulted<S extends v.GenericSchema>(schema: S, value: v.InferInput<S>) {
  return v.optional(schema, value as never);
}

/** Strict: a key that is not in the table is an error, never ignored. */
export const configSchema = v.strictObject({
  login: v.optional(
    v.strictObject({
      cards_allowed: defaulted(settings.login.cards_allowed.schema, settings.login.cards_allowed.default),
      services: defaulted(settings.login.services.schema, [...settings.login.services.default]),
      remote: defaulted(settings.login.remote.schema, settings.login.remote.default),
      try_reserve: defaulted(settings.login.try_reserve.schema, settings.login.try_reserve.default),
      pin_attempts: defaulted(settings.login.pin_attempts.schema, settings.login.pin_attempts.default),
    }),
    {},
  ),
  pairing: v.optional(
    v.strictObject({
      users_may_pair: defaulted(
        settings.pairing.users_may_pair.schema,
        settings.pairing.users_may_pair.default,
      ),
    }),
    {},
  ),
  audit: v.optional(
    v.strictObject({
      no_record_no_grant: defaulted(
        settings.audit.no_record_no_grant.schema,
        settings.audit.no_record_no_grant.default,
      ),
    }),
    {},
  ),
});

export type Config = v.InferOutput<typeof configSchema>;
