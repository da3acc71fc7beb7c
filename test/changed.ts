// Which test files a change can reach: those that import, over any number of steps, a file that was changed. A test that
// only starts programs (test/system) is reached where it, or what it is made with, was changed; npm test runs them all.

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importsOf, parseSource, type Import } from './import-graph.ts';

/** Files that differ from the last commit, and those that git does not know yet. */
function changedFiles(root: string): string[] {
  const git = (...args: string[]): string[] => {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`--changed needs git: ${stderr.trim()}`);
    return stdout.split('\n').filter((path) => path !== '');
  };
  return [
    ...git('diff', '--name-only', '--relative', 'HEAD'),
    ...git('ls-files', '--others', '--exclude-standard'),
  ];
}

/** The test files among `changed` and whatever imports it. */
export function reached(changed: readonly string[], imports: readonly Import[]): string[] {
  const importers = Map.groupBy(imports, ({ to }) => to);
  const seen = new Set(changed);
  for (const file of seen) for (const { from } of importers.get(file) ?? []) seen.add(from);
  return [...seen].filter((file) => file.endsWith('.test.ts')).sort();
}

/** @throws Error where git cannot say what was changed */
export function changedTests(root: string): string[] {
  const files = globSync('{agent,policy,config,install,test}/**/*.ts', { cwd: root });
  const imports = files.flatMap((path) =>
    importsOf(parseSource(path, readFileSync(join(root, path), 'utf8'))),
  );
  const there = new Set(files);
  return reached(changedFiles(root), imports).filter((file) => there.has(file));
}
