// The version of scauth, as package.json has it: the one place where it is written.

import { readFileSync } from 'node:fs';

export function productVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}
