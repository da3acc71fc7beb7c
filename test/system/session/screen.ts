// The screen of Xvfb from the file in which it keeps it (-fbdir), in the format of xwd (XWDFile.h, version 7), and as a picture
// (PNG, ISO/IEC 15948). Programs that make pictures took three quarters of what the tests of lockers and dialogs cost.

import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

export interface Screen {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB, row by row. */
  readonly pixels: Uint32Array;
}

/** @throws Error where it has another format than ours: 32 bits a pixel, the least first, 24 of them colours */
export function readScreen(path: string): Screen {
  const bytes = readFileSync(path);
  const field = (index: number): number => bytes.readUInt32BE(4 * index);
  // Header bytes, version, format, depth, width, height, x offset, byte order, …: 25 fields, then a name and the colour map.
  const [headerBytes, version, width, height] = [field(0), field(1), field(4), field(5)];
  const [byteOrder, bitsPerPixel, bytesPerLine, colours] = [field(7), field(11), field(12), field(19)];
  if (version !== 7 || byteOrder !== 0 || bitsPerPixel !== 32 || bytesPerLine !== 4 * width)
    throw new Error(`${path}: version ${version}, ${bitsPerPixel} bits a pixel, byte order ${byteOrder}`);
  const start = headerBytes + 12 * colours;
  const pixels = new Uint32Array(width * height);
  for (let index = 0; index < pixels.length; index++)
    pixels[index] = bytes.readUInt32LE(start + 4 * index) & 0xffffff;
  return { width, height, pixels };
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** Eight bits each for red, green and blue, no filter. */
export function png({ width, height, pixels }: Screen): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const rows = Buffer.alloc(height * (1 + 3 * width));
  let at = 0;
  for (let y = 0; y < height; y++) {
    at++;
    for (let x = 0; x < width; x++) at = rows.writeUIntBE(pixels[y * width + x] ?? 0, at, 3);
  }
  const signature = Buffer.from([0x89, ...Buffer.from('PNG\r\n\x1a\n', 'latin1')]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
