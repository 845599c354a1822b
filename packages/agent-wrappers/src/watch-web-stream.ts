import type { ReadableStreamReadResult } from "node:stream/web";
import { relayStream } from "./relay-stream.js";
import { type Method, replaceMethod } from "./replace-method.js";
import type { ChunkWatcher } from "./watch-chunks.js";
import { watchIterator } from "./watch-iterator.js";
import { watchPromise } from "./watch-promise.js";

/** A Web stream, also one of a subclass or a polyfill. */
export function isWebStream(value: object): value is ReadableStream {
  return "getReader" in value && typeof value.getReader === "function" && "locked" in value;
}

/**
 * Watches whatever a consumer takes from the very stream. Readers and iterators are the built-in ones, watched; `tee`
 * and the pipes, which read out of sight, run as built in on a relay that reads only when they ask. So back-pressure,
 * errors, cancelling and locking stay as they are.
 */
export function watchWebStream(stream: ReadableStream, watcher: ChunkWatcher): void {
  replaceMethod(
    stream,
    "getReader",
    (getReader) =>
      function (...args) {
        const reader = Reflect.apply(getReader, this, args);
        watchReader(reader as ReadableStreamDefaultReader, watcher);
        return reader;
      },
  );
  replaceMethod(
    stream,
    "cancel",
    (cancel) =>
      function (...args) {
        const { locked } = stream;
        if (!locked) watcher.leave();
        const cancelled = Reflect.apply(cancel, this, args) as Promise<void>;
        const end = () => watcher.end();
        if (!locked) watchPromise(cancelled, end, end);
        return cancelled;
      },
  );
  const { values, tee, pipeTo, pipeThrough } = builtIns(stream, watcher);
  replaceBuiltIn(stream, "values", values);
  replaceBuiltIn(stream, Symbol.asyncIterator, values);
  replaceBuiltIn(stream, "tee", tee);
  replaceBuiltIn(stream, "pipeTo", pipeTo);
  replaceBuiltIn(stream, "pipeThrough", pipeThrough);
}

/** A subclass's own method stays: it reaches the stream through the others. */
function replaceBuiltIn(stream: ReadableStream, name: PropertyKey, method: Method): void {
  if (Reflect.get(stream, name) === BUILT_IN[name as keyof typeof BUILT_IN]) replaceMethod(stream, name, () => method);
}

function builtIns(stream: ReadableStream, watcher: ChunkWatcher) {
  const pipe = async (destination: unknown, options: unknown): Promise<unknown> => {
    if (stream.locked) return Reflect.apply(BUILT_IN.pipeTo, stream, [destination, options]);
    const reader = stream.getReader();
    try {
      return await Reflect.apply(BUILT_IN.pipeTo, relayStream(reader), [destination, options]);
    } finally {
      reader.releaseLock();
    }
  };

  return {
    values(options) {
      const iterator = Reflect.apply(BUILT_IN.values, stream, [options]);
      const { preventCancel } = (options ?? {}) as { preventCancel?: boolean };
      watchIterator(iterator, watcher, { returnLeaves: !preventCancel });
      return iterator;
    },
    tee() {
      if (stream.locked) return Reflect.apply(BUILT_IN.tee, stream, []);
      const bytes = isByteStream(stream);
      return relayStream(stream.getReader(), { bytes }).tee();
    },
    pipeTo: (destination, options) => pipe(destination, options),
    pipeThrough(pair, options) {
      const { readable, writable } = (pair ?? {}) as { readable?: unknown; writable?: unknown };
      const fits = readable instanceof ReadableStream && writable instanceof WritableStream && !writable.locked;
      // What cannot be piped throws here, with the built-in's own words.
      if (!fits || stream.locked) return Reflect.apply(BUILT_IN.pipeThrough, stream, [pair, options]);
      pipe(writable, options).catch(() => {}); // the failure shows on both ends
      return readable;
    },
  } satisfies Record<string, Method>;
}

const BUILT_IN = ReadableStream.prototype;

function watchReader(reader: ReadableStreamDefaultReader, watcher: ChunkWatcher): void {
  let reading = 0;
  let closed = false;
  let released = false;

  // The stream closes as its last chunk leaves, before that chunk is seen here.
  const endOnceRead = () => {
    if (closed && reading === 0) watcher.end();
  };
  // The promise counts as handled by its nature, so listening to it hides no rejection.
  reader.closed.then(
    () => {
      closed = true;
      if (watcher.started) endOnceRead();
    },
    (error) => {
      if (!released) watcher.fail(error);
    },
  );

  replaceMethod(
    reader,
    "read",
    (read) =>
      function (...args) {
        watcher.start();
        reading += 1;
        const step = watcher.run(read, this, args) as Promise<ReadableStreamReadResult<unknown>>;
        watchPromise(
          step,
          (step) => {
            const { done, value } = step as ReadableStreamReadResult<unknown>;
            reading -= 1;
            if (!done) watcher.chunk(value);
            closed ||= done;
            endOnceRead();
          },
          () => {
            reading -= 1;
            endOnceRead();
          },
        );
        return step;
      },
  );
  replaceMethod(
    reader,
    "cancel",
    (cancel) =>
      function (...args) {
        if (!released) watcher.leave();
        return Reflect.apply(cancel, this, args);
      },
  );
  replaceMethod(
    reader,
    "releaseLock",
    (releaseLock) =>
      function (...args) {
        const result = Reflect.apply(releaseLock, this, args);
        released = true;
        return result;
      },
  );
}

/** Only a byte stream gives a BYOB reader. */
function isByteStream(stream: ReadableStream): boolean {
  try {
    Reflect.apply(BUILT_IN.getReader, stream, [{ mode: "byob" }]).releaseLock();
    return true;
  } catch {
    return false;
  }
}
