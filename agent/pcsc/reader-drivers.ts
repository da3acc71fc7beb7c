// The drivers of pcscd, read from its own files: bundles with an Info.plist, and reader.conf.d for serial ports.
// For people only: nothing is loaded and nothing decided. Specification: pcscd(8), reader.conf(5).

import { constants, fstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { closing, readAtMost } from '../base/open-file.ts';
import type { ReaderDriverInfo } from '../model/inventory.ts';

const BUNDLE_FOLDER = '/usr/lib/pcsc/drivers';
const CONF_FOLDER = '/etc/reader.conf.d';
/** libccid's Info.plist names some 600 readers in 60 KiB. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILES = 100;

/** A file of at most a MiB, or null: absent, unreadable, too long, or no file (a FIFO must not hold us up). */
function readSmall(path: string): string | null {
  try {
    return closing(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), (fd) =>
      fstatSync(fd).isFile() ? (readAtMost(fd, MAX_FILE_BYTES)?.toString() ?? null) : null,
    );
  } catch {
    return null;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort().slice(0, MAX_FILES);
  } catch {
    return [];
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The string value of a key of a property list; null where it has none. */
function plistString(text: string, key: string): string | null {
  const found = new RegExp(`<key>${key}</key>\\s*<string>([^<]{0,500})</string>`).exec(text)?.[1];
  return found?.replace(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole) ?? null;
}

function bundle(folder: string, name: string): ReaderDriverInfo[] {
  const path = join(folder, name);
  const text = readSmall(join(path, 'Contents/Info.plist'));
  if (text === null) return [];
  const id = plistString(text, 'CFBundleIdentifier') ?? plistString(text, 'CFBundleName') ?? name;
  return [{ id, version: plistString(text, 'CFBundleShortVersionString'), path }];
}

/** The readers of one file of reader.conf.d: FRIENDLYNAME begins each, LIBPATH is its driver. */
function configured(text: string): ReaderDriverInfo[] {
  const found: ReaderDriverInfo[] = [];
  let name = '';
  for (const line of text.split('\n')) {
    const [, key, quoted, bare] = /^\s*(FRIENDLYNAME|LIBPATH)\s+(?:"([^"]*)"|(\S+))/.exec(line) ?? [];
    const value = quoted ?? bare;
    if (value === undefined) continue;
    if (key === 'FRIENDLYNAME') name = value;
    else found.push({ id: name === '' ? value : name, version: null, path: value });
  }
  return found;
}

/** Bundles first, then what reader.conf.d names, each by file name. */
export function readReaderDrivers(bundles = BUNDLE_FOLDER, conf = CONF_FOLDER): ReaderDriverInfo[] {
  const names = namesIn(bundles).filter((name) => name.endsWith('.bundle'));
  return [
    ...names.flatMap((name) => bundle(bundles, name)),
    ...namesIn(conf).flatMap((name) => configured(readSmall(join(conf, name)) ?? '')),
  ].slice(0, MAX_FILES);
}
