// Points in time as people type them, for --since and --until. Local time, as the clock on the wall says it.

/** Milliseconds in the units of a span of time. */
export const UNITS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?$/;

function midnight(nowMs: number, daysAgo: number): number {
  const day = new Date(nowMs);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - daysAgo).getTime();
}

/** @returns milliseconds since the epoch; null for what is no point in time */
export function parseWhen(text: string, nowMs: number): number | null {
  if (text === 'now') return nowMs;
  if (text === 'today') return midnight(nowMs, 0);
  if (text === 'yesterday') return midnight(nowMs, 1);
  const ago = /^(\d{1,6})([mhdw])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0);
  const date = DATE.exec(text);
  if (date === null) {
    const full = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : NaN;
    return Number.isNaN(full) ? null : full;
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = date
    .slice(1)
    .map((part) => Number((part as string | undefined) ?? 0));
  const made = new Date(year, month - 1, day, hour, minute, second);
  // 2026-02-30 is no day.
  return made.getMonth() === month - 1 && made.getDate() === day && made.getHours() === hour
    ? made.getTime()
    : null;
}

/** Which time zone timeText is in, with what it is from UTC at `timeMs`: `Europe/Berlin (UTC+01:00)`. */
export function zoneText(timeMs: number): string {
  const minutes = -new Date(timeMs).getTimezoneOffset();
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  const offset = `UTC${minutes < 0 ? '−' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return timeZone === 'UTC' ? timeZone : `${timeZone} (${offset})`;
}
