/** A method, as it can be called on anything. */
export type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Puts a method of its own on one object in front of the one it had. It does not show when the object is listed. */
export function replaceMethod(object: object, name: PropertyKey, replace: (original: Method) => Method): void {
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== "function") return;
  const value = replace(original as Method);
  Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
}
