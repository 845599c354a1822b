/** A count as people read it: 1,234,567. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A count with its noun: "1 row", "1,234 rows". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
