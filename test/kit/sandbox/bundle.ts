// scauth's programs as the package has them, JavaScript in one bundle: what people get, and a scauthd that starts with a
// third of the processor time that it needs from TypeScript. The software card and `sandbox-card` beside them, for the same reason. `npm test` and the benchmark make it; init.sh puts its launchers
// in the place of install/bin.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundle } from '../../../install/package/bundle.ts';
import { launchersOf } from '../../../install/package/entries.ts';
import { APP, REPOSITORY } from './namespace.ts';

/** Its bin/ has the launchers. From the root of the repository. */
export const BUNDLE = 'build/test-bundle';

/** @throws Error where a launcher does not look as expected */
export async function bundlePrograms(): Promise<void> {
  await bundle(REPOSITORY, join(REPOSITORY, BUNDLE));
  const folder = join(REPOSITORY, BUNDLE, 'bin');
  mkdirSync(folder, { recursive: true });
  for (const { name, entry, text } of launchersOf(REPOSITORY)) {
    const launcher = text
      .replace(/^here=.*$/m, `here=${APP}`)
      .replace(`$here/${entry}`, `$here/${BUNDLE}/${entry.replace(/ts$/, 'js')}`);
    if (!launcher.includes(`${BUNDLE}/`) || !launcher.includes(`here=${APP}\n`))
      throw new Error(`The launcher of ${name} has changed.`);
    writeFileSync(join(folder, name), launcher);
    chmodSync(join(folder, name), 0o755);
  }
  await build({
    absWorkingDir: REPOSITORY,
    entryPoints: { card: 'test/kit/card/main.ts', 'sandbox-card': 'test/kit/sandbox/card-command.ts' },
    outdir: BUNDLE,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Its keys lie beside their reader.
    define: { 'import.meta.url': JSON.stringify(`file://${APP}/test/kit/card/algorithms.ts`) },
    logLevel: 'error',
  });
}
