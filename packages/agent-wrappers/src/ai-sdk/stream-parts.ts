import { readField, readText } from "../read-field.js";

/** What a model answered, in the parts of a finished answer. */
export interface ReplyParts {
  readonly content: readonly unknown[];
  readonly usage: unknown;
  readonly finishReason: unknown;
  readonly modelId: string | undefined;
}

/** Text that is kept. More than the logger takes of one field, so that it sees and flags what was cut. */
const MAX_TEXT = 300_000;
const MAX_PARTS = 1_000;

/** Puts the parts of a stream together, within bounds. */
export function gatherParts() {
  const texts: string[] = [];
  const others: unknown[] = [];
  let room = MAX_TEXT;
  let usage: unknown;
  let finishReason: unknown;
  let modelId: string | undefined;
  let error: unknown;

  return {
    /** What the provider said went wrong in the middle of the stream. */
    get error() {
      return error;
    },
    add(part: unknown): void {
      const type = readText(part, "type");
      if (type === "text-delta") {
        const delta = readText(part, "delta") ?? "";
        if (room > 0) texts.push(delta);
        room -= delta.length;
      } else if (type === "finish") {
        usage = readField(part, "usage");
        finishReason = readField(part, "finishReason");
      } else if (type === "response-metadata") modelId = readText(part, "modelId") ?? modelId;
      else if (type === "error") error = readField(part, "error") ?? "unknown error";
      else if (KEPT.includes(type ?? "") && others.length < MAX_PARTS) others.push(part);
    },
    reply(): ReplyParts {
      return { content: [{ type: "text", text: texts.join("") }, ...others], usage, finishReason, modelId };
    },
  };
}

const KEPT = ["tool-call", "tool-result", "source"];
