// The table of policy/settings as text: the sample scauth.toml, and the lines of scauth.toml(5).

import type { Setting } from '../../policy/settings/setting.ts';
import { settings } from '../../policy/settings/settings.ts';

/** A value as TOML writes it; a list has places where a line may end. */
export function tomlValue(value: Setting['default']): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
}

export interface SettingLine {
  readonly table: string;
  readonly key: string;
  readonly setting: Setting;
}

/** Every setting, in the table's order. */
export function settingLines(): SettingLine[] {
  return Object.entries(settings as Record<string, Record<string, Setting>>).flatMap(([table, keys]) =>
    Object.entries(keys).map(([key, setting]) => ({ table, key, setting })),
  );
}

function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

/** /etc/scauth/scauth.toml as it is installed: every setting with its meaning, and nothing set. */
export function sampleToml(): string {
  const lines = [
    '# Settings of scauthd; see scauth.toml(5). What stands here with one # is the default.',
    '# Files in scauth.d/*.toml come after this one and replace single settings. Check: sc_auth config check.',
  ];
  let current = '';
  for (const { table, key, setting } of settingLines()) {
    if (table !== current) lines.push('', `[${table}]`);
    current = table;
    const unit = setting.unit === undefined ? '' : ` Unit: ${setting.unit}.`;
    lines.push('', ...wrapped(setting.meaning + unit, 100).map((line) => `## ${line}`));
    lines.push(`#${key} = ${tomlValue(setting.default)}`);
  }
  return `${lines.join('\n')}\n`;
}
