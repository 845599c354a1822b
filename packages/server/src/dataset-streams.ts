import { type DatasetBuild, pythonLines } from "@whetstone/datasets";
import { type Problem, problemBody } from "./problem.js";

/** Text that is gathered before it is handed on. */
const CHUNK = 64 * 1024;
const PROGRESS_MS = 500;
/** A reader that takes nothing for so long is as good as gone, and somebody else may want its slot. */
const STALL_MS = 60_000;

interface Hooks {
  /** Stops the build; called when the reader is gone. */
  readonly abort: () => void;
  readonly signal: AbortSignal;
  /** Called once, whatever the end is. */
  readonly onEnd: () => void;
  readonly onError: (error: unknown) => void;
  /** Breaks the connection off, where the runtime lets us; true when it did. */
  readonly breakOff: () => boolean;
}

/**
 * The rows of a build as NDJSON. The build goes on only as fast as the reader reads, and stops when the reader leaves.
 * A build that fails breaks the stream off, so that half of it is never taken for the whole.
 */
export function ndjsonStream(build: DatasetBuild<object>, hooks: Hooks): ReadableStream<Uint8Array> {
  const { signal, onEnd, breakOff } = hooks;
  const chunks = chunksOf(build.lines(signal));
  let stalled: NodeJS.Timeout | undefined;
  const leave = async () => {
    clearTimeout(stalled);
    hooks.abort();
    await chunks.return(undefined).catch(() => {});
    onEnd();
  };
  return new ReadableStream(
    {
      async pull(controller) {
        clearTimeout(stalled);
        try {
          const { done, value } = await chunks.next();
          if (!done) {
            controller.enqueue(value);
            stalled = setTimeout(() => void leave().then(breakOff), STALL_MS).unref();
            return;
          }
          onEnd();
          controller.close();
        } catch (error) {
          onEnd();
          if (!signal.aborted) hooks.onError(error);
          // Node's adapter would end a failed stream as if it were complete.
          if (!breakOff()) controller.error(new Error("the build did not come to its end"));
        }
      },
      cancel: leave,
    },
    { highWaterMark: 1 },
  );
}

async function* chunksOf(batches: AsyncIterable<readonly string[]>): AsyncGenerator<Uint8Array, void, undefined> {
  let text = "";
  for await (const batch of batches) {
    for (const line of batch) {
      text += `${line}\n`;
      if (text.length < CHUNK) continue;
      yield pythonLines(Buffer.from(text));
      text = "";
    }
  }
  if (text !== "") yield pythonLines(Buffer.from(text));
}

/**
 * A build told as server-sent events: `progress` with the books so far, twice a second, then `done` with the answer, or
 * `problem`. The build stops when the reader leaves.
 */
export function progressStream(
  build: DatasetBuild<object>,
  answer: () => Promise<string>,
  hooks: Hooks & { readonly problemOf: (error: unknown) => Problem },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  return new ReadableStream({
    start(controller) {
      const send = (event: string, data: string) => {
        if (!hooks.signal.aborted) controller.enqueue(encoder.encode(`event: ${event}\ndata: ${data}\n\n`));
      };
      const progress = () => {
        const { considered, rows } = build.report;
        // A reader that is behind gets the newest figures when it has caught up.
        if ((controller.desiredSize ?? 0) > 0) send("progress", JSON.stringify({ considered, rows }));
      };
      progress();
      timer = setInterval(progress, PROGRESS_MS);
      answer()
        .then(
          (json) => send("done", json),
          (error: unknown) => {
            if (!hooks.signal.aborted) send("problem", JSON.stringify(problemBody(hooks.problemOf(error))));
          },
        )
        .finally(() => {
          clearInterval(timer);
          hooks.onEnd();
          if (!hooks.signal.aborted) controller.close();
        })
        .catch(hooks.onError);
    },
    cancel() {
      clearInterval(timer);
      hooks.abort();
    },
  });
}
