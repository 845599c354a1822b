const LONGEST = 80;

/** Shows a wrong value in a message: on one line, in ASCII, cut when it is long. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : plain(value);
  const ascii = text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return ascii.length > LONGEST ? `${ascii.slice(0, LONGEST)}…` : ascii;
}

function plain(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  return String(value);
}
