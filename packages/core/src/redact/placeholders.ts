import type { RedactedKind } from "./finding.js";

/** Finds that one record may have. More are an attack or no text at all, and not worth the memory. */
const MAX_FINDS = 10_000;

/** Names what was taken out of texts that belong together: the same value has the same name in all of them. */
export type Placeholders = (kind: RedactedKind, value: string) => string;

/** Begins a numbering: `<EMAIL_1>`, `<EMAIL_2>`, `<CARD_1>`. The function throws at the 10,001st value. */
export function createPlaceholders(): Placeholders {
  // Most texts have nothing to replace, and two maps for each record are more than the look at its short fields costs.
  let known: Map<string, string> | undefined;
  const numbers: Partial<Record<RedactedKind, number>> = {};
  return (kind, value) => {
    known ??= new Map();
    const key = `${kind} ${comparable(kind, value)}`;
    const given = known.get(key);
    if (given !== undefined) return given;
    if (known.size >= MAX_FINDS) throw new Error(`a record has more than ${MAX_FINDS} things to redact`);
    const number = (numbers[kind] ?? 0) + 1;
    numbers[kind] = number;
    const placeholder = `<${kind.toUpperCase()}_${number}>`;
    known.set(key, placeholder);
    return placeholder;
  };
}

/** The same number with and without spaces, and the same address in other letters, is the same value. */
function comparable(kind: RedactedKind, value: string): string {
  if (kind === "secret") return value;
  if (kind === "email") return value.toLowerCase();
  return value.toLowerCase().replace(/[^a-z0-9]/g, "");
}
