import type { Json } from "@whetstone/core";

/**
 * Writes a value as indented JSON that can stand inside a raw triple-quoted Python string: printable ASCII only, and
 * inside its strings neither a quote nor a backslash but those of `\n`-like and `\uXXXX` escapes. `json.loads` gives
 * the very same value back.
 */
export function asciiJson(value: Json): string {
  // The pair has to match as a whole, or the second backslash of `\\` would be taken for the start of an escape.
  return JSON.stringify(value, null, 2).replace(/\\["\\]|[^\n -~]/g, (found) => {
    const unit = found.charCodeAt(found.length - 1);
    return `\\u${unit.toString(16).padStart(4, "0")}`;
  });
}
