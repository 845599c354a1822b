/** Any function at all. Only `any` takes in generic and overloaded ones without changing their type. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type AnyFunction = (...args: any) => any;
