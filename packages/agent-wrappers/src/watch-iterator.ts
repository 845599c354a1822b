import { readField } from "./read-field.js";
import { replaceMethod } from "./replace-method.js";
import type { ChunkWatcher } from "./watch-chunks.js";
import { isThenable, watchPromise } from "./watch-promise.js";

/** A generator, or an iterator that is its own iterable. Arrays, maps and the like are values. */
export function isIterator(value: object): boolean {
  if (!("next" in value) || typeof value.next !== "function") return false;
  if (Symbol.asyncIterator in value) return true;
  // The engine slows every loop over an array down for good when one built-in iterator gets a `next` of its own.
  return Symbol.iterator in value && !BUILT_IN.has(Object.prototype.toString.call(value));
}

/**
 * Watches an iterator through the three methods of its protocol. Each still gets and gives the very values, sent ones
 * too, and runs the agent's code inside its call. Without `returnLeaves` the source outlives this iterator.
 */
export function watchIterator(iterator: object, watcher: ChunkWatcher, { returnLeaves = true } = {}): void {
  let dropped = false;

  const seen = (step: unknown, name: string) => {
    if (dropped || (name === "return" && !returnLeaves)) return;
    if (name === "return") watcher.leave();
    if (readField(step, "done") === true) watcher.end(readField(step, "value"));
    else watcher.chunk(readField(step, "value"));
  };

  for (const name of ["next", "return", "throw"] as const) {
    replaceMethod(
      iterator,
      name,
      (original) =>
        function (...args) {
          if (name === "next") watcher.start();
          // Left before the first step, the agent's code has not run and never will.
          else if (!watcher.started) dropped = true;
          let step: unknown;
          try {
            step = watcher.run(original, this, args);
          } catch (error) {
            if (!dropped) watcher.fail(error);
            throw error;
          }
          if (typeof step === "object" && step !== null && isThenable(step)) {
            watchPromise(
              step,
              (step) => seen(step, name),
              (error) => dropped || watcher.fail(error),
            );
          } else {
            seen(step, name);
          }
          return step;
        },
    );
  }
}

/** Watches every iterator that an async iterable hands out. */
export function watchIterable(iterable: object, watcher: ChunkWatcher): void {
  // The streams of OpenAI's and Anthropic's clients make all their readers, `tee()` too, from their `iterator`.
  const name = Object.hasOwn(iterable, "iterator") ? "iterator" : Symbol.asyncIterator;
  replaceMethod(
    iterable,
    name,
    (original) =>
      function (...args) {
        const iterator = watcher.run(original, this, args);
        if (typeof iterator === "object" && iterator !== null) watchIterator(iterator, watcher);
        return iterator;
      },
  );
}

const BUILT_IN = new Set(
  ["Array", "Map", "Set", "String", "RegExp String"].map((collection) => `[object ${collection} Iterator]`),
);
