// Names the password that an account has now: a hash over the hash that stands in shadow(5), of which nothing can be
// learned that is not in that file. Accounts of directory servers have no entry there.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Username } from '../model/request.ts';

const LABEL = 'scauth password mark';

/** @throws the file system's errors */
export async function passwordMark(user: Username, path = '/etc/shadow'): Promise<Buffer | null> {
  const text = await readFile(path);
  const start = Buffer.from(`${user}:`);
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const end = newline === -1 ? text.length : newline;
    const line = text.subarray(at, end);
    if (line.subarray(0, start.length).equals(start)) {
      const rest = line.subarray(start.length);
      const colon = rest.indexOf(':');
      const hash = rest.subarray(0, colon === -1 ? rest.length : colon);
      return createHash('sha256').update(LABEL).update(hash).digest();
    }
    at = end + 1;
  }
  return null;
}
