import { types } from "node:util";
import { type Method, replaceMethod } from "./replace-method.js";

/** Whether `await` would wait for it. */
export function isThenable(value: object): value is PromiseLike<unknown> {
  return "then" in value && typeof value.then === "function";
}

/**
 * Tells how a promise settles, without starting or changing it. `seen` and `failed` must not throw; they run before
 * whatever the caller attaches later.
 */
export function watchPromise(
  promise: PromiseLike<unknown>,
  seen: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  if (isLazilyParsed(promise)) watchParse(promise, seen, failed);
  else if (types.isPromise(promise)) promise.then(seen, failed);
  else watchThen(promise, seen, failed);
}

/** OpenAI's and Anthropic's APIPromise: `then` reads the body, which a caller of `asResponse()` wants to read itself. */
function isLazilyParsed(promise: object): boolean {
  return "asResponse" in promise && "parse" in promise && typeof promise.parse === "function";
}

// `then`, `catch`, `finally` and `withResponse` all go through `parse`, which reads the body once.
function watchParse(promise: object, seen: (value: unknown) => void, failed: (error: unknown) => void): void {
  let watched = false;
  replaceMethod(
    promise,
    "parse",
    (parse) =>
      function (...args) {
        const parsed = Reflect.apply(parse, this, args);
        if (!watched && types.isPromise(parsed)) {
          watched = true;
          parsed.then(seen, failed);
        }
        return parsed;
      },
  );
}

// A query builder starts its work in `then`, and again in every further one: only the caller may call it.
function watchThen(promise: object, seen: (value: unknown) => void, failed: (error: unknown) => void): void {
  replaceMethod(
    promise,
    "then",
    (then) =>
      function (onValue, onError, ...rest) {
        const value: Method = (value) => {
          seen(value);
          return typeof onValue === "function" ? onValue(value) : value;
        };
        const error: Method = (error) => {
          failed(error);
          if (typeof onError === "function") return onError(error);
          throw error;
        };
        return Reflect.apply(then, this, [value, error, ...rest]);
      },
  );
}
