// A machine with a full disk, a clock that jumps, no reader, no descriptors, no memory; and a pcscd that restarts a hundred
// times. Each happens while somebody is asked for the PIN (incidents.ts); what must hold is in world.ts.
import test from 'ava';
import { compileClient } from '../../compliance/client.ts';
import { INCIDENTS, incidentOptions, play, prepare } from './incidents.ts';
import { compileStrike } from './strike.ts';
import { World } from './world.ts';

const RESTARTS = 100;
const EACH = 10;

let world: World;

test.before(async () => {
  compileClient();
  compileStrike();
  world = await World.start(incidentOptions());
  await prepare(world);
});
test.after.always(() => world.stop());

for (const incident of INCIDENTS)
  test.serial(incident.name, async (t) => {
    t.deepEqual(await play(world, incident), []);
  });

test.serial(`pcscd restarts ${RESTARTS} times`, async (t) => {
  const { sandbox } = world;
  await world.fresh();
  await world.rest();
  for (let time = 1; time <= RESTARTS; time += 1) {
    await sandbox.stopPcscd();
    const powered = sandbox.card.nextPowerOn();
    await sandbox.startPcscd();
    if (time % EACH !== 0) continue;
    await powered;
    await sandbox.untilCardRead();
    t.true((await world.login()).byCard, `after ${time}`);
  }
  t.deepEqual(await world.check(), []);
  t.deepEqual(await world.checkAll(), []);
});
