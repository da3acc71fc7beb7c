// How macOS' own commands write values: bytes, times, numbers. One place, so that what is laid beside their output
// differs in its words only.

/** `<0b 1b ea>`, as `security` writes bytes. */
export function spacedBytes(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes).toString('hex');
  return `<${digits.replace(/..(?=.)/g, '$& ')}>`;
}

/** `<0b1bea81 4ee563aa>`, as an NSData of system_profiler. @param hex any case */
export function groupedBytes(hex: string): string {
  return `<${hex.toLowerCase().replace(/.{8}(?=.)/g, '$& ')}>`;
}

/** `2018-09-09 19:50:20 +0000`: an NSDate. */
export function dateText(timeMs: number): string {
  const [day = '', rest = ''] = new Date(timeMs).toISOString().split('T');
  return `${day} ${rest.slice(0, 8)} +0000`;
}

/** `2 048`: groups of three, as the transcripts have them. */
export function numberText(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
}
