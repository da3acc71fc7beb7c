// PEM (RFC 7468): the blocks of one kind in a text, and a block. Bytes that are no PEM have none.

/** @param label what stands between BEGIN and the dashes, e.g. `CERTIFICATE` */
export function pemBlocks(bytes: Buffer, label: string): Buffer[] {
  const text = bytes.subarray(0, 64).includes('-----') || bytes[0] !== 0x30 ? bytes.toString('latin1') : '';
  const blocks = text.matchAll(
    new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, 'g'),
  );
  return [...blocks].map(([, base64 = '']) => Buffer.from(base64, 'base64'));
}

export function toPem(der: Buffer, label: string): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
