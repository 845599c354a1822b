import type { AgentCall } from "./agent-call.js";
import { watchChunks } from "./watch-chunks.js";
import { isIterator, watchIterable, watchIterator } from "./watch-iterator.js";
import { isNodeStream, watchNodeStream } from "./watch-node-stream.js";
import { isThenable, watchPromise } from "./watch-promise.js";
import { isWebStream, watchWebStream } from "./watch-web-stream.js";

/**
 * Watches what an agent gave until it has really ended, and ends the call then. The very object is watched, for the
 * caller holds it already; it is never read, locked or started by us.
 */
export function watchResult(result: unknown, call: AgentCall): void {
  try {
    if (typeof result !== "object" || result === null) call.end({ result });
    else if (isThenable(result)) watchSettling(result, call);
    else if (isWebStream(result)) watchWebStream(result, watchChunks(call));
    else if (isNodeStream(result)) watchNodeStream(result, watchChunks(call));
    else if (isIterator(result)) watchIterator(result, watchChunks(call));
    else if (Symbol.asyncIterator in result) watchIterable(result, watchChunks(call));
    else call.end({ result });
  } catch (error) {
    call.report(error);
  }
}

function watchSettling(promise: PromiseLike<unknown>, call: AgentCall): void {
  watchPromise(
    promise,
    (value) => watchResult(value, call),
    (error) => call.end({ failed: true, error }),
  );
}
