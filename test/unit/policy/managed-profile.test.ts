// Every key of macOS' managed profile (com.apple.security.smartcard) has its equal here: the setting, the same default,
// what it does, and its row in the administrators' page.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { wireDrivers } from '../../../agent/daemon/drivers.ts';
import type { Setting } from '../../../policy/settings/setting.ts';
import { settings } from '../../../policy/settings/settings.ts';
import { mapsTo } from '../../../policy/map-certificate.ts';
import { permitAttempt } from '../../../policy/permit-attempt.ts';
import { permitCertificate } from '../../../policy/permit-certificate.ts';
import { mayPair, refusesPairing } from '../../../policy/permit-pairing.ts';
import { keptInBy, type AccountStanding } from '../../../policy/permit-without-card.ts';
import { defaultPolicy, type MappingPolicy, type TrustLevel } from '../../../policy/policy.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

const good = { chainFault: null, authorities: ['AA'], revocation: 'good', revocationDetail: null } as const;
const attempt = { service: 'sudo', rhost: null, peerUid: 0, userUid: 1000 };
const stranger: AccountStanding = {
  ...{ user: 'bob', isRoot: false, hasPairing: false, hasCard: false, isBound: false, lastCardLoginMs: null },
  ...{ inExemptGroup: false, isRequired: true, exemptUntilMs: null },
};

interface Row {
  readonly key: string;
  /** TABLE.KEY of scauth.toml, or the command where a file must not decide (a copied file would lock people out). */
  readonly ours: string;
  /** null: macOS has no default, or ours is no setting. */
  readonly byDefault: unknown;
  /** Whether the default behaves as on macOS, and the other value otherwise. */
  readonly holds: () => boolean;
}

const levelPermits = (
  level: TrustLevel,
  revocation: 'good' | 'unknown' | 'revoked',
  chainFault: string | null,
) => permitCertificate({ ...defaultPolicy.trust, level }, { ...good, revocation, chainFault }).permitted;

const { enforcement } = defaultPolicy;
const rows: readonly Row[] = [
  {
    ...{ key: 'allowSmartCard', ours: 'login.cards_allowed', byDefault: true },
    holds: () =>
      permitAttempt(defaultPolicy, attempt).permitted &&
      !permitAttempt(policyWith({ login: { cardsAllowed: false } }), attempt).permitted,
  },
  {
    ...{ key: 'UserPairing', ours: 'pairing.users_may_pair', byDefault: true },
    holds: () => {
      const off = policyWith({ pairing: { usersMayPair: false } });
      return mayPair(defaultPolicy, 1000, 1000) && !mayPair(off, 1000, 1000) && mayPair(off, 0, 1000);
    },
  },
  {
    ...{ key: 'checkCertificateTrust', ours: 'trust.level', byDefault: 0 },
    holds: () =>
      levelPermits(0, 'revoked', 'expired') &&
      levelPermits(1, 'revoked', null) &&
      !levelPermits(1, 'good', 'expired') &&
      levelPermits(2, 'unknown', null) &&
      !levelPermits(2, 'revoked', null) &&
      levelPermits(3, 'good', null) &&
      !levelPermits(3, 'unknown', null),
  },
  {
    ...{ key: 'oneCardPerUser', ours: 'pairing.one_card_per_user', byDefault: false },
    holds: () => {
      const one = policyWith({ pairing: { oneCardPerUser: true } });
      const refused = 'pairing.one_card_per_user';
      return (
        refusesPairing(defaultPolicy, 'p256', 1) === null &&
        refusesPairing(one, 'p256', 0) === null &&
        refusesPairing(one, 'p256', 1) === refused
      );
    },
  },
  {
    ...{ key: 'tokenRemovalAction', ours: 'session.removal', byDefault: 'none' },
    holds: () => defaultPolicy.session.removal === 'none',
  },
  {
    ...{ key: 'enforceSmartCard', ours: 'sc_auth enforce on', byDefault: null },
    holds: () => keptInBy(defaultPolicy, stranger, 0) === null,
  },
  {
    ...{ key: 'NotEnforcedGroup', ours: 'enforcement.exempt_group', byDefault: '' },
    holds: () =>
      keptInBy(defaultPolicy, { ...stranger, inExemptGroup: true }, 0) === 'enforcement.exempt_group',
  },
  {
    ...{ key: 'allowUnmappedUsers', ours: 'enforcement.allow_unpaired_users', byDefault: false },
    holds: () => {
      const allowed = { ...defaultPolicy, enforcement: { ...enforcement, allowUnpairedUsers: true } };
      return keptInBy(allowed, stranger, 0) === 'enforcement.allow_unpaired_users';
    },
  },
  {
    ...{ key: 'DisabledTokens', ours: 'tokens.disabled', byDefault: [] },
    holds: () => {
      const ids = (disabled: readonly string[]) => {
        const policy = policyWith({ tokens: { disabled } });
        return wireDrivers(policy, { begin: () => null }, () => undefined).drivers.map(({ id }) => id);
      };
      return ids([]).includes('org.scauth.piv') && !ids(['org.scauth.piv']).includes('org.scauth.piv');
    },
  },
  {
    ...{ key: 'AttributeMapping fields', ours: 'mapping.fields', byDefault: [] },
    holds: () => maps(['common_name'], '$1') && !maps(['organization'], '$1'),
  },
  {
    ...{ key: 'AttributeMapping formatString', ours: 'mapping.format', byDefault: '$1' },
    holds: () => maps(['common_name'], '$1') && !maps(['common_name'], 'x$1'),
  },
  {
    ...{ key: 'AttributeMapping dsAttributeString', ours: 'mapping.attribute', byDefault: 'none' },
    holds: () => !maps(['common_name'], '$1', 'none') && !maps(['common_name'], '$1', 'gecos'),
  },
  {
    ...{ key: 'TrustedAuthorities', ours: 'trust.pinned', byDefault: [] },
    holds: () => {
      const pinned = (authority: string) => ({
        ...defaultPolicy.trust,
        level: 1 as const,
        pinned: [authority],
      });
      return (
        permitCertificate(pinned('AA'), good).permitted && !permitCertificate(pinned('BB'), good).permitted
      );
    },
  },
];

function maps(
  fields: MappingPolicy['fields'],
  format: string,
  attribute: 'name' | 'gecos' | 'none' = 'name',
): boolean {
  const certificate = {
    subject: [{ type: 'CN', value: 'bob' }],
    issuer: [],
    ...{ keyUsage: ['digitalSignature'], extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'], altNames: [] },
    ...{ serialNumber: '01', subjectKeyId: null, sid: null, sha1: [] },
  };
  const account = { name: 'bob', gecos: 'Bob Example' };
  return mapsTo({ ...defaultPolicy.mapping, attribute, fields, format }, certificate, account);
}

const page = readFileSync(join(import.meta.dirname, '../../../install/doc/administrators.md'), 'utf8');

for (const { key, ours, byDefault, holds } of rows) {
  test(`${key} is ${ours}`, (t) => {
    const [table = '', name = ''] = ours.split('.');
    const setting = (settings as Readonly<Record<string, Readonly<Record<string, Setting>>>>)[table]?.[name];
    t.is(setting === undefined, ours.includes(' '), 'a setting, or a command');
    if (setting !== undefined) t.deepEqual(setting.default, byDefault);
    t.true(holds());
    t.regex(
      page,
      new RegExp(`\\| \`${key.split(' ').at(-1) ?? key}\`[^\n]*\`${ours.replaceAll('.', '\\.')}`),
    );
  });
}
