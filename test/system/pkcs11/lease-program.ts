// A PKCS#11 module behind pcsc_lease.c, told what to do line by line on standard input: `slots`, `hold`, `login PIN`,
// `give back`, `reset`. Each is answered by `ok` or what went wrong.
import { createInterface } from 'node:readline';
import * as C from '../../../agent/token/pkcs11/constants.ts';
import { Pkcs11Module, type TokenSlot } from '../../../agent/token/pkcs11/module.ts';

const module = new Pkcs11Module('/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so');

let slot: TokenSlot | undefined;

function run(line: string): string {
  slot ??= module.slots(({ removable }) => removable)[0];
  if (slot === undefined) return 'no token';
  switch (line) {
    case 'slots':
      return module.keeps ? 'ok' : 'it does not keep';
    case 'hold':
      return module.slotsNow(({ removable }) => removable).length > 0 ? 'ok' : 'no token';
    case 'give back':
    case 'reset':
      module.giveBack(line === 'reset');
      return 'ok';
    default: {
      const session = module.pkcs11.C_OpenSession(slot.slot, C.CKF_SERIAL_SESSION);
      const code = module.pins.login(session, C.CKU_USER, Buffer.from(line.replace('login ', '')));
      return code === C.CKR_OK ? 'ok' : code.toString(16);
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${run(line)}\n`);
