/** A count as people read it: 1,234,567. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A share as people read it: "12.5 %", and "–" of nothing. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((part / whole) * 100).toFixed(1)} %`;
}

/** A count with its noun: "1 row", "1,234 rows". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
