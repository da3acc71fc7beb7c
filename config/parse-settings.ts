// Reads scauth.toml and scauth.d/*.toml into one policy. A drop-in replaces single keys, in the order of the names.
// A file that cannot be trusted, read or understood refuses the whole: nothing is half applied.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, TomlError, type TomlTable } from 'smol-toml';
import * as v from 'valibot';
import { AgentError } from '../agent/base/errors.ts';
import { checkTrustedFolder, readTrustedFile } from '../agent/base/trusted-file.ts';
import { policyOf, type Policy, type SettingName } from '../policy/policy.ts';
import type { SettingPlace } from '../policy/setting-report.ts';
import { configSchema, settings } from '../policy/settings/settings.ts';
import { contradiction } from './contradictions.ts';
import { nearestWord } from './nearest-word.ts';

const MAX_FILE_BYTES = 256 * 1024;
const MAX_DROP_INS = 100;

function invalid(file: string, line: number | null, message: string, cause?: unknown): AgentError {
  const where = line === null ? file : `${file}:${line}`;
  return new AgentError('config-invalid', { detail: `${where}: ${message}`, cause });
}

/** The line (1-based) where `key` of `[table]` is set; null if it cannot be found (dotted or inline forms). */
function lineOf(text: string, table: string, key: string | null): number | null {
  let current = '';
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line);
    if (header) {
      current = header[1] ?? '';
      if (key === null && current === table) return index + 1;
    } else if (key !== null && current === table && line.trimStart().startsWith(key)) {
      if (/^\s*=/.test(line.trimStart().slice(key.length))) return index + 1;
    } else if (
      key === null &&
      current === '' &&
      new RegExp(`^\\s*${RegExp.escape(table)}\\s*[.=]`).test(line)
    ) {
      return index + 1;
    }
  }
  return null;
}

function parseToml(file: string, text: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) {
      throw invalid(file, error.line, error.message.split('\n')[0] ?? 'not TOML', error);
    }
    throw error;
  }
}

/** Only the keys that a file sets, so that a drop-in does not bring the defaults of the others. */
function setKeys(file: string, text: string): TomlTable {
  const table = parseToml(file, text);
  const result = v.safeParse(configSchema, table, { abortEarly: true });
  if (result.success) return table;
  const issue = result.issues[0];
  const path = (issue.path ?? []).map((item) => String(item.key));
  const [name = '', key = null] = path;
  const line = lineOf(text, name, key);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = key === null ? Object.keys(settings) : Object.keys(settings[name as keyof typeof settings]);
    const near = nearestWord(key ?? name, known);
    const hint = near === null ? `known: ${known.join(', ')}` : `did you mean ${near}?`;
    throw invalid(file, line, `${path.join('.')} is not a setting; ${hint}`);
  }
  throw invalid(file, line, `${path.join('.')} ${issue.message}`);
}

function readText(file: string): string | null {
  let bytes: Buffer | null;
  try {
    bytes = readTrustedFile(file, MAX_FILE_BYTES);
  } catch (error) {
    const why = error instanceof AgentError ? error.detail : `${file}: ${(error as Error).message}`;
    throw new AgentError('config-invalid', { detail: why, cause: error });
  }
  if (bytes === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid(file, null, 'is not UTF-8', error);
  }
}

function dropIns(folder: string): string[] {
  let names: string[];
  try {
    if (!checkTrustedFolder(folder)) return [];
    names = readdirSync(folder);
  } catch (error) {
    const why = error instanceof AgentError ? error.detail : `${folder} cannot be read`;
    throw new AgentError('config-invalid', { detail: why, cause: error });
  }
  const files = names.filter((name) => name.endsWith('.toml') && !name.startsWith('.')).sort();
  if (files.length > MAX_DROP_INS) throw invalid(folder, null, `more than ${MAX_DROP_INS} files`);
  return files.map((name) => join(folder, name));
}

/** The files as they were at one time. */
export interface SettingsRead {
  readonly policy: Policy;
  /** Where each setting stands that a file says. */
  readonly places: ReadonlyMap<SettingName, SettingPlace>;
  /** Whether every account may read all of it in the files. */
  readonly isPublic: boolean;
}

/**
 * All settings of a configuration folder (`/etc/scauth`), and where each stands. No file at all means the defaults.
 * @throws AgentError `config-invalid`; `detail` names file, line and key
 */
export function loadSettings(folder: string): SettingsRead {
  const { merged, places } = mergedFiles(folder);
  const policy = policyOf(v.parse(configSchema, merged));
  const clash = contradiction(policy);
  if (clash !== null) throw invalid(folder, null, clash);
  return { policy, places, isPublic: isPublic(folder) };
}

/** As {@link loadSettings}, the settings alone. */
export function loadPolicy(folder: string): Policy {
  return loadSettings(folder).policy;
}

/** Whether a file says it, so that it is not the default. @throws AgentError as loadPolicy */
export function isSet(folder: string, setting: SettingName): boolean {
  return mergedFiles(folder).places.has(setting);
}

/** Whether every account may read the settings in the files. What cannot be looked at is not public. */
export function isPublic(folder: string): boolean {
  const isOpen = (path: string, mode: number): boolean => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined || (stats.mode & mode) === mode;
  };
  try {
    const more = join(folder, 'scauth.d');
    return (
      [folder, more].every((path) => isOpen(path, 0o005)) &&
      [join(folder, 'scauth.toml'), ...dropIns(more)].every((path) => isOpen(path, 0o004))
    );
  } catch {
    return false;
  }
}

function mergedFiles(folder: string): {
  readonly merged: Record<string, TomlTable>;
  readonly places: ReadonlyMap<SettingName, SettingPlace>;
} {
  try {
    checkTrustedFolder(folder);
  } catch (error) {
    throw new AgentError('config-invalid', { detail: (error as AgentError).detail, cause: error });
  }
  const merged: Record<string, TomlTable> = {};
  const places = new Map<SettingName, SettingPlace>();
  for (const file of [join(folder, 'scauth.toml'), ...dropIns(join(folder, 'scauth.d'))]) {
    const text = readText(file);
    if (text === null) continue;
    for (const [table, values] of Object.entries(setKeys(file, text))) {
      merged[table] = { ...merged[table], ...(values as TomlTable) };
      for (const key of Object.keys(values as TomlTable))
        places.set(`${table}.${key}` as SettingName, { file, line: lineOf(text, table, key) });
    }
  }
  return { merged, places };
}
