// koffi as we rely on it: structure size, buffers used in place, also by asynchronous calls.
import koffi from 'koffi';
import test from 'ava';
import { nativeBuffer } from '../../../agent/base/bytes.ts';
import { readerStateLayout } from '../../../agent/pcsc/library.ts';
import { secretBlock } from '../../../agent/base/secret.ts';

test('SCARD_READERSTATE is 80 bytes, DWORD eight', (t) => {
  t.is(koffi.sizeof(readerStateLayout), 80);
  t.is(koffi.sizeof('unsigned long'), 8);
});

const memfrob = koffi.load('libc.so.6').func('memfrob', 'void *', ['void *', 'size_t']);

test('L8: a Buffer is used in place, without a copy: C sees the memory that we wipe', (t) => {
  // memfrob returns the address that it got, and changes the bytes there (XOR 42).
  for (const buffer of [nativeBuffer(16), secretBlock().subarray(64, 80)]) {
    const before = koffi.address(buffer);
    t.is(memfrob(buffer, 16) as bigint, before);
    t.true(buffer.every((byte) => byte === 42));
    buffer.fill(0);
  }
});

test('L8: an asynchronous call uses the Buffer in place too', async (t) => {
  const buffer = nativeBuffer(16);
  const address = await new Promise((resolve, reject) => {
    memfrob.async(buffer, 16, (error: Error | null, result: unknown) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
  t.is(address, koffi.address(buffer));
  t.true(buffer.every((byte) => byte === 42));
});
