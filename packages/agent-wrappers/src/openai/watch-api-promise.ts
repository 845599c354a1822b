import { type Method, replaceMethod } from "../replace-method.js";
import { isThenable, watchPromise } from "../watch-promise.js";

/**
 * Tells how a client's APIPromise settles, without starting or changing it: the body is read by whom the caller lets
 * read it, once, and `asResponse()` leaves it unread. `seen` may be told twice, first of the answer itself; neither it
 * nor `failed` may throw.
 */
export function watchApiPromise(
  promise: PromiseLike<unknown>,
  seen: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  if (!("parseResponse" in promise) || typeof promise.parseResponse !== "function") {
    watchPromise(promise, seen, failed);
    return;
  }
  replaceMethod(
    promise,
    "parseResponse",
    (parseResponse) =>
      function (...args) {
        const parsed = Reflect.apply(parseResponse, this, args);
        if (typeof parsed === "object" && parsed !== null && isThenable(parsed)) parsed.then(seen, failed);
        return parsed;
      },
  );
  watchDerived(promise, seen, failed);
}

/**
 * Watches a promise that shares a request with others: the client's own helpers go on from `_thenUnwrap`. A request
 * that fails never comes to its body, so it is heard of where the caller waits for it.
 */
function watchDerived(
  promise: PromiseLike<unknown>,
  seen: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  watchPromise(promise, () => {}, failed);
  replaceMethod(
    promise,
    "_thenUnwrap",
    (unwrap) =>
      function (transform, ...rest) {
        const tapped: Method = (value, ...props) => {
          seen(value);
          return (transform as Method)(value, ...props);
        };
        const derived = Reflect.apply(unwrap, this, [tapped, ...rest]);
        if (typeof derived === "object" && derived !== null && isThenable(derived)) watchDerived(derived, seen, failed);
        return derived;
      },
  );
}
