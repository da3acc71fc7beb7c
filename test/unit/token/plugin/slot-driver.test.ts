// K9: a driver whose process does not run has not seen an empty reader: that is a failure, and no "no card".

import { SlotPlugin } from '../../../../agent/token/plugin/slot-driver.ts';
import { NOBODY, rootTest } from '../../base/folders.ts';
import { SoftwareSlot } from '../piv/card-slot.ts';

rootTest('K9: a process that ends at once is a failure of its reader, and of what is in none', async (t) => {
  const about = { id: 'org.example.gone', version: '1', displayName: 'Gone' };
  const program = {
    ...{ id: about.id, name: 'gone', argv: ['/bin/false'], environment: {}, standing: true },
    ...{ uid: NOBODY, gid: NOBODY, groups: [] },
  };
  const plugin = new SlotPlugin(about, [program], () => undefined);
  await t.throwsAsync(plugin.tokensIn(new SoftwareSlot()), { code: 'driver-fault' } as object);
  await t.throwsAsync(plugin.standing(), { code: 'driver-fault' } as object);
  t.true(plugin.problems().length > 0);
  const none = new SlotPlugin(about, [], () => undefined);
  t.deepEqual(await none.tokensIn(new SoftwareSlot()), []);
  t.deepEqual(await none.standing(), []);
});
