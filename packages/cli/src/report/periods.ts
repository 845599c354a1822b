/** Equal spans of time, one after the other. */
export interface Periods {
  /** Epoch milliseconds of the first one's begin. */
  readonly start: number;
  readonly widthMs: number;
  readonly count: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WIDTHS = [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY];
/** More of them are too narrow to be told apart in a chart. */
const MOST = 60;
/** Weeks begin on Mondays: the first of 1970 was the 5th of January. */
const MONDAY = 4 * DAY;

/** The narrowest round periods, at most about sixty, that cover the time between two moments. */
export function periodsBetween(first: number, last: number): Periods {
  const fitting = (widthMs: number): Periods => {
    const start = Math.floor((first - MONDAY) / widthMs) * widthMs + MONDAY;
    return { start, widthMs, count: Math.floor((last - start) / widthMs) + 1 };
  };
  const all = WIDTHS.map(fitting);
  return all.find(({ count }) => count <= MOST) ?? fitting(364 * DAY);
}

/** The period that a moment lies in, as a number from 0. */
export function periodOf({ start, widthMs, count }: Periods, time: number): number {
  return Math.min(count - 1, Math.max(0, Math.floor((time - start) / widthMs)));
}

/** How long a period is, in words. */
export function periodName({ widthMs }: Periods): string {
  const names = ["minute", "ten minutes", "hour", "six hours", "day", "week", "four weeks", "52 weeks"];
  return names[WIDTHS.indexOf(widthMs)] ?? "period";
}

/** When a period begins, as short as its width allows; in UTC, as everything. */
export function periodLabel({ start, widthMs }: Periods, period: number): string {
  const time = start + period * widthMs;
  const options: Intl.DateTimeFormatOptions =
    widthMs < HOUR * 6
      ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23", day: "numeric", month: "short" }
      : widthMs < DAY
        ? { day: "numeric", month: "short", hour: "2-digit", hourCycle: "h23", minute: "2-digit" }
        : widthMs < 28 * DAY
          ? { day: "numeric", month: "short" }
          : { month: "short", year: "numeric" };
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(time);
}
