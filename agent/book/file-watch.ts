// Tells when a file is put into its folder, also after the folder itself was put in another one's place, as from a backup:
// inotify goes on with the folder that is gone, and says nothing of the new one.

import { statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** After a change; a rename is one, and a copy many. */
const SETTLE_MS = 30;
/** While there is no folder: a revocation may wait for a poll, and for this. */
const AGAIN_MS = 5000;

export class FileWatch {
  readonly #path: string;
  readonly #onChange: () => void;
  #watcher: FSWatcher | null = null;
  /** Which folder is watched; a number is given again where a folder was removed. */
  #folder = '';
  #settling: NodeJS.Timeout | null = null;
  #again: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(path: string, onChange: () => void) {
    this.#path = path;
    this.#onChange = onChange;
  }

  /** Watches the folder that is there now. What was put there before is for the caller to look at. */
  renew(): void {
    if (this.#isClosed) return;
    const folder = dirname(this.#path);
    try {
      const { dev, ino, birthtimeNs } = statSync(folder, { bigint: true });
      const found = `${dev} ${ino} ${birthtimeNs}`;
      if (found === this.#folder) return;
      this.#drop();
      this.#watcher = watch(folder, (_, name) => {
        if (name === basename(folder)) this.#drop();
        else if (name !== null && name !== basename(this.#path)) return;
        this.#settle();
      });
      this.#folder = found;
      this.#watcher.unref();
      this.#watcher.on('error', () => {
        this.#drop();
      });
    } catch {
      this.#drop();
      this.#again ??= setTimeout(() => {
        this.#again = null;
        this.renew();
        if (this.#watcher !== null) this.#onChange();
      }, AGAIN_MS).unref();
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#settling !== null) clearTimeout(this.#settling);
    if (this.#again !== null) clearTimeout(this.#again);
    this.#drop();
  }

  #settle(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = null;
      this.#onChange();
    }, SETTLE_MS);
  }

  #drop(): void {
    this.#watcher?.close();
    this.#watcher = null;
    this.#folder = '';
  }
}
