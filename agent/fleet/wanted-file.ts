// What scauthd asks for: /run/scauth/fleet-wanted, one key hash a line. inotify tells of a change in the folder; a look
// every few seconds finds what it may have missed (a folder that was made anew).

import { readSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { openRegular } from '../base/regular-file.ts';
import { closing } from '../base/open-file.ts';
import { recordName } from './item.ts';

/** Lines of which more than this many are not read: a machine has a handful of readers. */
const MOST_KEYS = 64;
const MAX_BYTES = 16 * 1024;
const LOOK_MS = 5000;

/** @returns what is named there; nothing when there is no such file */
export function readWanted(path: string): string[] {
  const fd = openRegular(path, () => null);
  if (fd === null) return [];
  const bytes = Buffer.alloc(MAX_BYTES);
  const length = closing(fd, () => readSync(fd, bytes, 0, MAX_BYTES, 0));
  const text = bytes.toString('latin1', 0, length);
  const names = text.split('\n').map((line) => recordName(line.trim().toLowerCase()));
  return [...new Set(names.filter((name) => name !== null))].slice(0, MOST_KEYS);
}

/** Calls back at the start and when the file may have changed, until closed. */
export class WantedWatch {
  readonly #path: string;
  readonly #onWanted: (keys: readonly string[]) => void;
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | null = null;

  constructor(path: string, onWanted: (keys: readonly string[]) => void) {
    this.#path = path;
    this.#onWanted = onWanted;
    this.#timer = setInterval(() => {
      this.#listen();
      this.#look();
    }, LOOK_MS);
    this.#listen();
    this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watcher?.close();
  }

  #look(): void {
    this.#onWanted(readWanted(this.#path));
  }

  #listen(): void {
    if (this.#watcher !== null) return;
    try {
      const name = basename(this.#path);
      const watcher = watch(dirname(this.#path), (event, file) => {
        if (file === name) this.#look();
        // The folder itself went: watched anew when there is one again.
        else if (event === 'rename' && file === basename(dirname(this.#path))) this.#drop();
      });
      watcher.on('error', () => {
        this.#drop();
      });
      this.#watcher = watcher;
    } catch {
      // scauthd has not made the folder yet.
    }
  }

  #drop(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }
}
