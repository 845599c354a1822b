import type { AgentCall } from "./agent-call.js";
import { chunkText } from "./call-text.js";

/** Chunks that are kept for `describe`; the rest only counts as text. */
const MAX_CHUNKS = 10_000;
/** Text that is kept. More than the logger takes of one field, so that it sees and flags what was cut. */
const MAX_TEXT = 300_000;
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const MAX_BYTES_A_UNIT = 3;

/** Hears what a consumer takes from an iterator or stream. Nothing here throws. */
export interface ChunkWatcher {
  /** Whether the consumer took anything yet. What nobody reads is not logged. */
  readonly started: boolean;
  /** The consumer asks for something. */
  start(): void;
  chunk(chunk: unknown): void;
  /** The consumer will take no more. */
  leave(): void;
  end(returned?: unknown): void;
  fail(error: unknown): void;
  /** Runs a step of the agent inside its call. */
  run: AgentCall["run"];
}

/** Collects the chunks of one call, within bounds, and ends the call when they end. */
export function watchChunks(call: AgentCall): ChunkWatcher {
  const chunks: unknown[] = [];
  const parts: (string | Uint8Array)[] = [];
  let room = MAX_TEXT;
  let started = false;
  let left = false;

  const end = (ending: { failed?: boolean; error?: unknown; cancelled?: boolean; returned?: unknown }) => {
    if (started || ending.failed) call.end({ ...ending, result: chunks, text: joined(parts) });
  };

  return {
    get started() {
      return started;
    },
    start() {
      started = true;
    },
    chunk(chunk) {
      started = true;
      if (chunks.length < MAX_CHUNKS) chunks.push(chunk);
      if (room <= 0) return;
      try {
        const part = chunk instanceof Uint8Array ? copyBytes(chunk, room * MAX_BYTES_A_UNIT) : chunkText(chunk);
        parts.push(part);
        room -= typeof part === "string" ? part.length : part.length / MAX_BYTES_A_UNIT;
      } catch (error) {
        call.report(error);
      }
    },
    leave() {
      left = true;
    },
    end: (returned) => end({ cancelled: left, returned }),
    fail: (error) => end({ failed: true, error }),
    run: call.run,
  };
}

// Whoever takes a chunk may use its memory again. A Buffer's own `slice` would share it.
function copyBytes(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, 0, length);
}

/** Texts and bytes as one text. A character may lie across two chunks of bytes. */
function joined(parts: readonly (string | Uint8Array)[]): string {
  const decoder = new TextDecoder();
  let text = "";
  for (const part of parts) text += typeof part === "string" ? part : decoder.decode(part, { stream: true });
  return text + decoder.decode();
}
