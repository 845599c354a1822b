/**
 * A data property of an object, own or inherited; undefined for everything else. Accessors are never called: the
 * getters of some results start work of their own (`streamText(…).text` of the AI SDK drains the stream).
 */
export function readField(value: unknown, name: PropertyKey): unknown {
  if (typeof value !== "object" || value === null || !(name in value)) return undefined;
  for (let holder: object | null = value; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const property = Object.getOwnPropertyDescriptor(holder, name);
    if (property) return property.value;
  }
  return undefined;
}

/** A field's text; undefined when it holds something else. */
export function readText(value: unknown, name: PropertyKey): string | undefined {
  const text = readField(value, name);
  return typeof text === "string" ? text : undefined;
}

/** A field's array; undefined when it holds something else. */
export function readArray(value: unknown, name: PropertyKey): readonly unknown[] | undefined {
  const array = readField(value, name);
  return Array.isArray(array) ? array : undefined;
}
