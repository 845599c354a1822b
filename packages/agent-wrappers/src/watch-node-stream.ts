import { readField } from "./read-field.js";
import { replaceMethod } from "./replace-method.js";
import type { ChunkWatcher } from "./watch-chunks.js";

interface NodeStream {
  readonly destroyed?: boolean;
  emit(event: string | symbol, ...args: unknown[]): boolean;
}

/** A Node stream that can be read. */
export function isNodeStream(value: object): value is NodeStream {
  // What has no `pipe`, as nearly everything, is told by one look.
  return "pipe" in value && METHODS.every((name) => name in value && typeof Reflect.get(value, name) === "function");
}

const METHODS = ["pipe", "read", "on", "emit"];

/**
 * Watches what a Node stream emits. By its documentation a stream emits `data` for every chunk it hands to a consumer,
 * whether by pipe, listener, `read()` or loop. Watching `emit` adds no listener, so the stream does not start to flow.
 */
export function watchNodeStream(stream: NodeStream, watcher: ChunkWatcher): void {
  replaceMethod(
    stream,
    "emit",
    (emit) =>
      function (event, ...args) {
        if (event === "data") {
          watcher.chunk(args[0]);
        } else if (event === "end") {
          watcher.start();
          // One that is destroyed while it waits for more may still say that it ended.
          if (stream.destroyed) watcher.leave();
          watcher.end();
        } else if (event === "error" && !isAbort(args[0])) {
          watcher.fail(args[0]);
        } else if (event === "close") {
          watcher.leave();
          watcher.end();
        }
        return Reflect.apply(emit, this, [event, ...args]);
      },
  );
}

// A loop that is left early, and an aborted pipeline, destroy the stream with this error; `close` follows.
function isAbort(error: unknown): boolean {
  return readField(error, "code") === "ABORT_ERR";
}
