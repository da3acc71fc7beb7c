import test from 'ava';
import { pinLengths } from '../../../../agent/token/pkcs11/pin-length.ts';

/** CK_UNAVAILABLE_INFORMATION as pkcs11js gives it: 64 bits, all set. */
const UNAVAILABLE = 2 ** 64;

const cases: [min: number, max: number, minLength: number, maxLength: number][] = [
  [4, 8, 4, 8],
  [6, 6, 6, 6],
  [1, 255, 1, 255],
  [4, 1000, 4, 255],
  [0, 0, 1, 255],
  [0, 16, 1, 16],
  [4, 0, 4, 255],
  [UNAVAILABLE, UNAVAILABLE, 1, 255],
  [4, UNAVAILABLE, 4, 255],
  [UNAVAILABLE, 8, 1, 8],
  [256, 300, 1, 255],
  [12, 8, 1, 255],
  [-1, -1, 1, 255],
];

for (const [min, max, minLength, maxLength] of cases)
  test(`K8: a module's bounds of ${min} to ${max} bytes are ${minLength} to ${maxLength}`, (t) => {
    t.deepEqual(pinLengths(min, max), { minLength, maxLength });
  });
