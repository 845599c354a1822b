/** Milliseconds of a UTC day. */
export const DAY_MS = 86_400_000;

/** The last millisecond of the year 9999: later times are nobody's, and their years would not be four digits. */
export const LAST_TIME = 253_402_300_799_999;

/** The UTC day of a time, as `YYYY-MM-DD`. */
export function dayOf(timestamp: number): string {
  const number = dayNumber(timestamp);
  const known = days.get(number);
  if (known !== undefined) return known;
  const day = new Date(number * DAY_MS).toISOString().slice(0, 10);
  // Builds ask for every record, and a store has few days.
  if (days.size === REMEMBERED_DAYS) days.clear();
  days.set(number, day);
  return day;
}

/** Days since 1970-01-01 UTC. */
export function dayNumber(timestamp: number): number {
  return Math.floor(timestamp / DAY_MS);
}

/** The first millisecond of a day named `YYYY-MM-DD`; NaN when the name is no day. */
export function dayStart(day: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
}

const REMEMBERED_DAYS = 1_000;
const days = new Map<number, string>();
