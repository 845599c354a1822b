/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object, such as tool-call arguments or a user's metadata. */
export type JsonObject = { readonly [key: string]: Json };

/** True for a JSON object that is no array. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Makes every text inside a structure well-formed Unicode; gives the very same value when there is nothing to mend. */
export function wellFormedJson<T extends Json>(value: T): T {
  return isWellFormed(value) ? value : (mend(value) as T);
}

function isWellFormed(value: Json): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(isWellFormed);
  const object = value as JsonObject;
  // for…in is safe and quick here: what comes in are copies of our own making, without a prototype's keys.
  for (const key in object) if (!key.isWellFormed() || !isWellFormed(object[key] as Json)) return false;
  return true;
}

function mend(value: Json): Json {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(mend);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), mend(inner)]));
}
