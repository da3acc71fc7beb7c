// The answer to reset: finds the historical bytes and what they say of extended length. Decides nothing else.
// Specification: ISO/IEC 7816-3, 8.2 (ATR) and 7816-4, 12.1.1 (historical bytes, card capabilities).

/**
 * The historical bytes of an ATR; empty where it is cut off or has none.
 */
export function historicalBytes(atr: Uint8Array): Buffer {
  const bytes = Buffer.from(atr);
  const t0 = bytes[1];
  if (t0 === undefined) return Buffer.alloc(0);
  let offset = 2;
  // Y(i): which of TA, TB, TC, TD follow; TD holds Y(i+1).
  for (let y = t0 >> 4; y !== 0;) {
    offset += ((y & 1) === 0 ? 0 : 1) + ((y & 2) === 0 ? 0 : 1) + ((y & 4) === 0 ? 0 : 1);
    if ((y & 8) === 0) break;
    const td = bytes[offset];
    if (td === undefined) return Buffer.alloc(0);
    offset += 1;
    y = td >> 4;
  }
  const end = offset + (t0 & 0x0f);
  return end > bytes.length ? Buffer.alloc(0) : bytes.subarray(offset, end);
}

/**
 * Whether the card says that it takes extended Lc and Le: compact TLV `73`, third byte, bit 0x40 (7816-4, table 119).
 */
export function saysExtendedLength(atr: Uint8Array): boolean {
  const historical = historicalBytes(atr);
  const category = historical[0];
  if (category !== 0x80 && category !== 0x00) return false;
  // With category 00 the last three bytes are a status, not compact TLV.
  const objects = historical.subarray(1, category === 0x00 ? -3 : undefined);
  for (let offset = 0; offset < objects.length;) {
    const header = objects[offset] ?? 0;
    const value = objects.subarray(offset + 1, offset + 1 + (header & 0x0f));
    if (header >> 4 === 7 && value.length >= 3) return ((value[2] ?? 0) & 0x40) !== 0;
    offset += 1 + (header & 0x0f);
  }
  return false;
}
