// A PKCS#11 card that is pulled and put back 1,000 times: scauthd's resident memory on the way, and the processes that
// are left. Takes a quarter of an hour, so it is no part of npm run bench.
// Usage: node install/bootstrap.mjs test/bench/insertions.ts [TIMES]
import { driverPids } from '../drivers/processes.ts';
import { reinsert, residentMib, withCard } from './insertion.ts';

const STEPS = 10;
const times = Number(process.argv[2] ?? 1000);

await withCard('pkcs11', async (sandbox) => {
  console.log(`0\t${residentMib(sandbox).toFixed(1)} MiB`);
  for (let time = 1; time <= times; time++) {
    await reinsert(sandbox);
    if (time % Math.ceil(times / STEPS) === 0)
      console.log(
        `${time}\t${residentMib(sandbox).toFixed(1)} MiB\t${driverPids(sandbox, 'opensc-pkcs11.so').length} process`,
      );
  }
});
