/** A JSON text as the value it stands for; everything else, broken JSON too, as it is. */
export function parsed(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{"]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export function isPlainText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
