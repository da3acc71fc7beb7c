// A setting as it is: what is in force, where that stands, and what the files say that is not in force yet. Made by config,
// told by GetSettings.

import type { SettingName } from './policy.ts';

/** Where a file says it. */
export interface SettingPlace {
  readonly file: string;
  /** From 1; null where the form of the file does not tell. */
  readonly line: number | null;
}

export interface SettingReport {
  readonly name: SettingName;
  /** In force, as JSON. */
  readonly value: string;
  /** null: it is the default. */
  readonly place: SettingPlace | null;
  /** What the files say now, as JSON; null: the same, or not known. */
  readonly waits: string | null;
  /** It is read at the start only. */
  readonly atStart: boolean;
}

/** All settings, in the table's order. */
export interface SettingsReport {
  readonly settings: readonly SettingReport[];
  /** What is wrong in the files as they are now, so that they cannot come into force. */
  readonly problem: string | null;
}
