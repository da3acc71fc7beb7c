// K8, S4: every function that our driver calls, answered with every code of PKCS#11 3.1, without and after its work.
import test from 'ava';
import { failureOfCode } from '../../../agent/token/pkcs11/failure.ts';
import { calledFunctions, CodeMatrix, MAKES_KEYS, STARTS_ANEW } from './code-matrix.ts';
import { CODES } from './codes.ts';
import { playKeys } from './key-matrix.ts';

const ALL = [...CODES.values(), 0x7fff, 0x80000000, 0xffffffff];

for (const what of calledFunctions())
  test.serial(`K8, S4: ${what} answers each code`, async (t) => {
    const matrix = await CodeMatrix.start();
    try {
      for (const code of ALL)
        for (const after of STARTS_ANEW.has(what) ? [false] : [false, true]) {
          // What comes back by itself, only seconds later, is put in anew.
          const hurry = STARTS_ANEW.has(what) || failureOfCode(code, what).code === 'card-busy';
          for (const problem of await matrix.play({ what, code, after }, hurry)) t.fail(problem);
        }
      t.pass();
    } finally {
      matrix.stop();
    }
  });

for (const what of MAKES_KEYS)
  test.serial(`K8: ${what} answers each code`, async (t) => {
    t.deepEqual(await playKeys(what, ALL), []);
  });
