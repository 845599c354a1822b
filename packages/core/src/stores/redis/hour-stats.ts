/** The field of a bucket's counts that changes with every write to an hour of its day. */
export function hourField(timestamp: number): string {
  return `v${Math.floor(timestamp / HOUR_MS) % 24}`;
}

export const HOUR_MS = 3_600_000;
