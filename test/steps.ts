// Which test files each step runs. A file's place and name alone say it, so that nobody keeps a list of them:
// `npm test` has all but test/system, and of each folder there the main story, which is named like the folder
// (test/system/login/login.test.ts); `npm run test:system` the others of test/system; `npm run test:long` *.long.test.ts.

import { basename, dirname } from 'node:path';
import { filesOf } from './together.ts';

export const STEPS = ['test', 'test:system', 'test:long'] as const;
export type Step = (typeof STEPS)[number];

export function isMainStory(file: string): boolean {
  return basename(file) === `${basename(dirname(file))}.test.ts`;
}

function stepOf(file: string): Step {
  if (file.endsWith('.long.test.ts')) return 'test:long';
  return file.startsWith('test/system/') && !isMainStory(file) ? 'test:system' : 'test';
}

export function filesOfStep(step: Step): string[] {
  return filesOf(['test/**/*.test.ts']).filter((file) => stepOf(file) === step);
}
