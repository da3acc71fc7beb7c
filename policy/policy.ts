// The settings that decide, as one immutable snapshot in the shape of scauth.toml: `login.try_reserve` is
// `policy.login.tryReserve`. Types, defaults and names come from policy/settings; the rules beside this file read it.

import * as v from 'valibot';
import { configSchema, settings, type Config, type SettingName } from './settings/settings.ts';

export type { SettingName };

type Camel<S extends string> = S extends `${infer Word}_${infer Rest}`
  ? `${Word}${Capitalize<Camel<Rest>>}`
  : S;
type ReadonlyValue<T> = T extends readonly (infer Item)[] ? readonly Item[] : T;

export type Policy = {
  readonly [Table in keyof Config]: {
    readonly [Key in keyof Config[Table] as Camel<Key & string>]: ReadonlyValue<Config[Table][Key]>;
  };
};

export type MappingPolicy = Policy['mapping'];
export type TrustPolicy = Policy['trust'];
export type AttestationPolicy = Policy['attestation'];
export type EnforcementPolicy = Policy['enforcement'];
export type TrustLevel = TrustPolicy['level'];
export type CardCheckMode = Policy['login']['cardCheck'];

/** What decided: a setting, or a fact that no setting changes. For the audit log and for explanations. */
export type Rule =
  | SettingName
  | 'peer'
  | 'card'
  | 'nobody was asked'
  | 'root on a console'
  | 'exemption'
  | 'break-glass code'
  | 'enforce on'
  | 'enforce off'
  | 'enable-for-login'
  | 'sc_auth lost';

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** A snapshot that nobody can change under a request. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

export function policyOf(config: Config): Policy {
  const tables = Object.entries(config).map(([name, table]) => [
    name,
    Object.fromEntries(Object.entries(table).map(([key, value]) => [camel(key), value])),
  ]);
  return freeze(Object.fromEntries(tables) as Policy);
}

/** What there is when no file says anything. */
export const defaultPolicy = policyOf(v.parse(configSchema, {}));

export interface SettingChange {
  readonly setting: SettingName;
  /** As JSON. */
  readonly from: string;
  readonly to: string;
}

/** In the table's order. */
export const settingNames: readonly SettingName[] = Object.entries(settings).flatMap(([table, keys]) =>
  Object.keys(keys).map((key) => `${table}.${key}` as SettingName),
);

/** A setting's value as JSON; a pattern as its text. */
export function settingText(policy: Policy, setting: SettingName): string {
  const [table = '', key = ''] = setting.split('.');
  return JSON.stringify(
    (policy as unknown as Record<string, Record<string, unknown>>)[table]?.[camel(key)],
    (_, part: unknown) => (part instanceof RegExp ? part.source : part),
  );
}

/** The settings in which two snapshots differ. */
export function changesOf(before: Policy, now: Policy): SettingChange[] {
  return settingNames
    .map((setting) => ({ setting, from: settingText(before, setting), to: settingText(now, setting) }))
    .filter(({ from, to }) => from !== to);
}
