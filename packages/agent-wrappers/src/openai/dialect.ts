import type { ChatTurn } from "../chat-turns.js";
import type { Fields } from "../record-fields.js";

/** How one of the API's endpoints says things. */
export interface Dialect {
  /** What was asked, as it stands when the request is made. */
  readRequest(body: unknown): Request;
  /** The model's answers, as many as were asked for. None where the answer is still to come. */
  readReplies(result: unknown, request: Request): readonly Reply[];
  gatherChunks(): Gathered;
}

export interface Request {
  /** Holds for this request only; `turns` is the conversation as it will go on. */
  readonly instructions?: ChatTurn | undefined;
  readonly turns: readonly ChatTurn[];
  readonly tools: readonly object[] | undefined;
  readonly model: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

export interface Reply {
  readonly turns: readonly ChatTurn[];
  readonly finishReason: string | undefined;
  readonly model: string | undefined;
  readonly usage: Fields["usage"];
  /** Further tools that the provider ran by itself. */
  readonly toolsUsed?: readonly string[] | undefined;
  /** What the provider said went wrong, where the request itself did not fail. */
  readonly error?: string | undefined;
}

/** The chunks of one stream. */
export interface Gathered {
  add(chunk: unknown): void;
  /** What came so far, in the form of a whole result. */
  result(): unknown;
  /** Whether the model came to its end. */
  readonly ended: boolean;
}
