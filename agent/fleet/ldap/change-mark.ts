// By what a poll sees that nothing has changed: the server's contextCSN (overlay syncprov, RFC 4533) for the people, the
// entryCSN of the book's entry for heads and officers. A CSN is `YYYYmmddHHMMSS.ffffffZ#COUNT#SID#MOD`.

/** How much earlier than the last CSN changes are asked for: those of another provider come late. */
const OVERLAP_MS = 15 * 60_000;
const CSN = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})Z(#.*)$/;

/** One mark of all values, or null when the server says none: then there may always be a change. */
export function markOf(values: readonly string[]): string | null {
  return values.length === 0 ? null : [...values].sort().join(' ');
}

/** From which CSN on changes are asked for after `values` were the last; null when that cannot be said. */
export function changesFrom(values: readonly string[]): string | null {
  const times = values.map((csn) => {
    const [, year, month, day, hour, minute, second] = CSN.exec(csn) ?? [];
    return Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    );
  });
  const oldest = Math.min(...times);
  if (times.length === 0 || !Number.isFinite(oldest)) return null;
  const stamp = new Date(oldest - OVERLAP_MS).toISOString().replace(/[-:T]|\.\d+Z$/g, '');
  return `${stamp}.000000Z#000000#000#000000`;
}

/** Which of the server's databases has `base`, as the server writes it; null when none says so. */
export function suffixOf(base: string, contexts: readonly string[]): string | null {
  const plain = (dn: string): string => dn.toLowerCase().replace(/\s*([,=+])\s*/g, '$1');
  const fits = contexts.filter((dn) => `,${plain(base)}`.endsWith(`,${plain(dn)}`) && dn !== '');
  return fits.sort((a, b) => b.length - a.length)[0] ?? null;
}
