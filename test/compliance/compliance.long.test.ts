// Each behaviour holds of scauth. The other programs are played by `npm run compliance`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CHAPTERS } from './behaviours/index.ts';
import { programOf } from './programs.ts';
import { World } from './world.ts';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';

let world: World;

test.before(async () => {
  world = await World.start(programOf('scauth'));
});
test.after.always(() => world.stop());

const all = CHAPTERS.flatMap(([, behaviours]) => behaviours);

test('there are two hundred and more, and no two have one name', (t) => {
  t.true(all.length >= 200, String(all.length));
  t.is(new Set(all.map(({ id }) => id)).size, all.length);
  t.is(new Set(all.map(({ says }) => says)).size, all.length);
});

test('the table of the documents has each of them, and says that it is so of scauth', (t) => {
  const page = readFileSync(join(REPOSITORY, 'install/doc/compliance.md'), 'utf8');
  const rows = new Map(
    [...page.matchAll(/^\| (.+?) +\| (\S+) +\|/gm)].map(([, says = '', scauth = '']) => [says, scauth]),
  );
  t.deepEqual(
    all.filter(({ says }) => rows.get(says) !== 'yes').map(({ says }) => says),
    [],
  );
});

for (const { id, says, holds } of all)
  test.serial(`${says} (${id})`, async (t) => {
    await world.reset();
    t.true(await holds(world));
  });
