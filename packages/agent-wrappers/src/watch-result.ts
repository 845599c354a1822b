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
  let watch: () => void;
  try {
    watch = wayToWatch(result, call);
  } catch (error) {
    // What does not even say what it is, such as a Proxy with traps that throw, is logged as it stands.
    call.report(error);
    call.end({ result });
    return;
  }
  try {
    watch();
  } catch (error) {
    call.report(error);
  }
}

function wayToWatch(result: unknown, call: AgentCall): () => void {
  if (typeof result !== "object" || result === null) return () => call.end({ result });
  if (isThenable(result)) return () => watchSettling(result, call);
  if (isWebStream(result)) return () => watchWebStream(result, watchChunks(call));
  if (isNodeStream(result)) return () => watchNodeStream(result, watchChunks(call));
  if (isIterator(result)) return () => watchIterator(result, watchChunks(call));
  if (Symbol.asyncIterator in result) return () => watchIterable(result, watchChunks(call));
  return () => call.end({ result });
}

function watchSettling(promise: PromiseLike<unknown>, call: AgentCall): void {
  watchPromise(
    promise,
    (value) => watchResult(value, call),
    (error) => call.end({ failed: true, error }),
  );
}
