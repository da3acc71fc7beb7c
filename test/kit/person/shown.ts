// Which processes of a sandbox show a text in their arguments or environment, as anybody with ps sees it.
import { readdirSync, readFileSync } from 'node:fs';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** Ids of the processes, as the sandbox counts; its own variables, which tell the secrets to those who test, are left out. */
export function processesShowing(sandbox: Sandbox, text: string): ReadonlySet<string> {
  const root = sandbox.path('/proc');
  const shows = (pid: string): boolean =>
    ['cmdline', 'environ'].some((file) => {
      try {
        const bytes = readFileSync(`${root}/${pid}/${file}`, 'latin1');
        return bytes.replaceAll(/SCAUTH_\w+=[^\0]*/g, '').includes(text);
      } catch {
        return false; // it has ended
      }
    });
  return new Set(readdirSync(root).filter((name) => /^\d+$/.test(name) && shows(name)));
}
