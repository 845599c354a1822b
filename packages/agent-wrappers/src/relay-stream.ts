import type {
  ReadableByteStreamController,
  ReadableStreamDefaultController,
  UnderlyingByteSource,
  UnderlyingSource,
} from "node:stream/web";

type Controller = ReadableStreamDefaultController | ReadableByteStreamController;

/**
 * A stream that reads from a reader only when it is read itself: no chunk is taken ahead, so a pipe that stops leaves
 * the rest where it was. Closing, errors and cancelling go through at once.
 */
export function relayStream(reader: ReadableStreamDefaultReader, { bytes = false } = {}): ReadableStream {
  let reading = false;
  let ended = false;
  let over = false;

  const close = (controller: Controller) => {
    if (over) return;
    over = true;
    controller.close();
    // A byte stream closes for a waiting BYOB reader only when its view is given back.
    if ("byobRequest" in controller) controller.byobRequest?.respond(0);
  };
  const fail = (controller: Controller, error: unknown) => {
    if (over) return;
    over = true;
    controller.error(error);
  };

  const source = {
    start(controller: Controller) {
      reader.closed.then(
        () => {
          ended = true;
          // The stream closes as its last chunk leaves: that chunk is still on its way here.
          if (!reading) close(controller);
        },
        (error) => fail(controller, error),
      );
    },
    async pull(controller: Controller) {
      reading = true;
      try {
        const { done, value } = await reader.read();
        if (!done && !over) (controller as ReadableStreamDefaultController).enqueue(value);
        if (done || ended) close(controller);
      } catch (error) {
        fail(controller, error);
      } finally {
        reading = false;
      }
    },
    cancel(reason: unknown) {
      over = true;
      return reader.cancel(reason);
    },
  };
  return bytes
    ? new ReadableStream({ ...source, type: "bytes" } as UnderlyingByteSource, { highWaterMark: 0 })
    : new ReadableStream(source as UnderlyingSource, { highWaterMark: 0 });
}
