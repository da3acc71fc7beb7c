// The columns of the picture of logins over time: the report and the page in Cockpit draw the same.

import { LOGIN_OUTCOMES, type DayCounts } from '../tally.ts';

/** More columns than this are drawn together: by week, month or year. */
const MAX_COLUMNS = 90;

export interface Column {
  readonly label: string;
  readonly counts: DayCounts;
}

/** Days, weeks, months or years, so that they fit; days on which nobody logged in stand empty. */
export function columnsOf(days: ReadonlyMap<string, DayCounts>): Column[] {
  const sorted = [...days.keys()].sort();
  const [first = '', last = ''] = [sorted[0], sorted.at(-1)];
  const span = (Date.parse(last) - Date.parse(first)) / 86_400_000 + 1;
  if (!(span > 0)) return [];
  const labelOf =
    span <= MAX_COLUMNS
      ? (day: string): string => day
      : span <= 7 * MAX_COLUMNS
        ? mondayOf
        : span <= 30 * MAX_COLUMNS
          ? (day: string): string => day.slice(0, 7)
          : (day: string): string => day.slice(0, 4);
  const columns = new Map<string, DayCounts>();
  for (let at = Date.parse(first); at <= Date.parse(last) && columns.size < 400; at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    const label = labelOf(day);
    const counts = columns.get(label) ?? { granted: 0, denied: 0, unavailable: 0, cancelled: 0 };
    for (const outcome of LOGIN_OUTCOMES) counts[outcome] += days.get(day)?.[outcome] ?? 0;
    columns.set(label, counts);
  }
  return [...columns].map(([label, counts]) => ({ label, counts }));
}

function mondayOf(day: string): string {
  const time = Date.parse(day);
  return new Date(time - ((new Date(time).getUTCDay() + 6) % 7) * 86_400_000).toISOString().slice(0, 10);
}
