// K8: a module may answer any CKR_… where keys are made, changed and deleted: what is said to be done is done, what is not
// leaves no half, and the same command works when the module does. All codes are in every-code.soak.ts.
import test from 'ava';
import { MAKES_KEYS } from './code-matrix.ts';
import { CODES } from './codes.ts';
import { playKeys } from './key-matrix.ts';

/** One of a kind. */
const SOME = ['OK', 'GENERAL_ERROR', 'DEVICE_REMOVED', 'PIN_LOCKED', 'PIN_EXPIRED', 'SESSION_CLOSED'];

for (const what of MAKES_KEYS)
  test.serial(`K8: ${what} answers some codes: all or nothing, and the next time it works`, async (t) => {
    t.timeout(600_000);
    t.deepEqual(
      await playKeys(
        what,
        SOME.map((name) => CODES.get(name) ?? 0),
      ),
      [],
    );
  });
