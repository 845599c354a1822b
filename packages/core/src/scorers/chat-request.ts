import { ConfigError, ScoringError } from "../errors.js";
import type { Usage } from "../interaction.js";
import { unparsable } from "./judge-verdict.js";

/** The part of an `openai` client that is used here; any client with the same method will do. */
export interface ChatClient {
  readonly chat: { readonly completions: { create(...args: never[]): unknown } };
}

export interface ChatRequestOptions {
  /** For one attempt, from the request to the last byte of the reply. */
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly maxReplyBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Hears what each completion took, also of one that is of no use. Null: the endpoint does not say. */
  readonly onUsage?: ((usage: Usage | null) => void) | undefined;
}

/**
 * Sends one chat completion and returns the assistant's text. Rate limits, server errors, time-outs and broken
 * connections are tried again, after the wait that the server asks for; redirects are refused.
 * @throws ScoringError SCORING_UNAVAILABLE when that did not help, or when the endpoint would refuse any request (a wrong
 * key or model), SCORING_FAILED when it refused this one,
 * SCORING_UNPARSABLE when it answered something else than one finished completion; or the signal's reason
 */
export async function requestChat(
  client: ChatClient,
  body: Readonly<Record<string, unknown>>,
  { timeoutMs, maxRetries, maxReplyBytes, signal, onUsage }: ChatRequestOptions,
): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    const limit = timeLimit(timeoutMs, signal);
    try {
      const completion = await send(client, body, { timeoutMs, maxReplyBytes, signal: limit.signal });
      onUsage?.(usageOf(completion));
      return finishedText(completion);
    } catch (error) {
      signal?.throwIfAborted();
      if (ScoringError.isInstance(error)) throw error;
      const setUp = causes(error).find((cause) => ConfigError.isInstance(cause));
      if (setUp) throw setUp;
      const problem = describe(error, limit.signal.aborted ? timeoutMs : null);
      if (!problem.isTransient) {
        const code = problem.isForAll ? "SCORING_UNAVAILABLE" : "SCORING_FAILED";
        throw new ScoringError(code, problem.text, { cause: error });
      }
      const waitMs = problem.retryAfterMs ?? backoffMs(attempt);
      if (attempt >= maxRetries || waitMs > MAX_WAIT_MS) {
        const tries = attempt === 0 ? "once" : `${attempt + 1} times`;
        throw new ScoringError("SCORING_UNAVAILABLE", `${problem.text} (tried ${tries})`, { cause: error });
      }
      await pause(waitMs, signal);
    } finally {
      limit.clear();
    }
  }
}

/** The status that an endpoint refused a request with, and its words; null for any other error. */
export function refusalOf(error: unknown): { readonly status: number; readonly text: string } | null {
  const cause = (error as { cause?: { status?: unknown; message?: unknown } } | null)?.cause;
  return typeof cause?.status === "number" ? { status: cause.status, text: String(cause.message ?? "") } : null;
}

/** A server that asks for a longer wait is left alone: the run comes back to this interaction later. */
const MAX_WAIT_MS = 60_000;

interface Completion {
  readonly choices?: readonly {
    readonly finish_reason?: unknown;
    readonly message?: { readonly content?: unknown; readonly refusal?: unknown };
  }[];
  readonly usage?: unknown;
}

async function send(
  client: ChatClient,
  body: Readonly<Record<string, unknown>>,
  { timeoutMs, maxReplyBytes, signal }: { timeoutMs: number; maxReplyBytes: number; signal: AbortSignal },
): Promise<Completion> {
  const { completions } = client.chat;
  const create = completions.create.bind(completions) as unknown as (body: unknown, options: unknown) => unknown;
  // The client's own retries neither stop on abort nor cover the body, so they are off.
  const call = create(body, { signal, timeout: timeoutMs, maxRetries: 0, fetchOptions: { redirect: "error" } });
  const raw = call as { asResponse?: () => Promise<Response> };
  // A client wrapped for tracing may return the completion only; then its size is the client's affair.
  if (typeof raw.asResponse !== "function") return (await call) as Completion;
  const text = await cappedText(await raw.asResponse(), maxReplyBytes);
  try {
    return JSON.parse(text) as Completion;
  } catch (cause) {
    throw unparsable(text === "" ? "the body is empty" : "the body is not JSON", text, cause);
  }
}

/** Some gateways tell the price, too. A count that is none is as good as no count. */
function usageOf(completion: Completion): Usage | null {
  const { prompt_tokens, completion_tokens, cost } = (completion?.usage ?? {}) as Record<string, unknown>;
  if (!isCount(prompt_tokens) || !isCount(completion_tokens)) return null;
  const tokens = { inputTokens: prompt_tokens, outputTokens: completion_tokens };
  return isCount(cost) ? { ...tokens, costUsd: cost } : tokens;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function finishedText(completion: Completion): string {
  const choices = completion?.choices;
  const [choice] = Array.isArray(choices) ? choices : [];
  const content = choice?.message?.content;
  const text = typeof content === "string" ? content : "";
  if (!choice || choices?.length !== 1) throw unparsable("the reply has not exactly one choice", "");
  if (choice.message?.refusal) throw unparsable("the judge refused", String(choice.message.refusal));
  const reason = choice.finish_reason;
  if (reason !== undefined && reason !== null && reason !== "stop") {
    throw unparsable(`the judge stopped early (${String(reason)})`, text);
  }
  if (text.trim() === "") throw unparsable("the message is empty", text);
  return text;
}

/** The body as text; gives up, and closes the connection, at the first byte above the limit. */
export async function cappedText(response: Response, maxBytes: number): Promise<string> {
  if (!response.body) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw unparsable(`the reply is larger than ${maxBytes} bytes`, text);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** A signal that fires after the time or with the caller's, and leaves no listener behind when cleared. */
function timeLimit(timeoutMs: number, outer: AbortSignal | undefined): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const timer = setTimeout(stop, timeoutMs);
  outer?.addEventListener("abort", stop, { once: true });
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", stop);
    },
  };
}

interface Problem {
  readonly text: string;
  readonly isTransient: boolean;
  /** It has nothing to do with what was asked. */
  readonly isForAll?: boolean;
  readonly retryAfterMs?: number | undefined;
}

function describe(error: unknown, timedOutAfterMs: number | null): Problem {
  if (timedOutAfterMs !== null) {
    return { text: `the judge did not answer within ${timedOutAfterMs} ms`, isTransient: true };
  }
  const { status, headers, message } = error as { status?: number; headers?: Headers; message?: string };
  if (typeof status === "number") {
    const isTransient = status === 408 || status === 409 || status === 429 || status >= 500;
    const text = `the judge's endpoint answered ${status}: ${withoutKeys(message ?? "")}${REMEDIES[status] ?? ""}`;
    return { text, isTransient, isForAll: status in REMEDIES, retryAfterMs: retryAfterMs(headers) };
  }
  const reasons = causes(error).map((cause) => cause.message);
  const redirected = reasons.find((reason) => /redirect/i.test(reason));
  if (redirected) {
    const text = "the judge's endpoint redirects, which is refused: use the final address";
    return { text, isTransient: false, isForAll: true };
  }
  // What is no failure of the network (a bug in a client's hook, say) does not heal by itself.
  const isNetwork = /connection|fetch failed|terminated|socket|ECONN|timed? ?out|other side closed/i.test(
    reasons.join(),
  );
  return {
    text: `the judge's endpoint cannot be reached: ${withoutKeys(reasons.at(-1) ?? "")}`,
    isTransient: isNetwork,
  };
}

const REMEDIES: Readonly<Record<number, string>> = {
  401: "; check the apiKey",
  402: "; check the account's credit",
  403: "; check what the apiKey may do",
  404: "; check baseURL and model",
};

/** The error and what caused it, outermost first. */
function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    chain.push(current);
    current = current.cause;
  }
  return chain;
}

/** An endpoint may quote the key that it refuses. */
function withoutKeys(text: string): string {
  return text.slice(0, 300).replace(/\b(?:sk|key|pk|gsk|hf)[-_][\w*.-]{4,}|Bearer \S+/gi, "<key>");
}

function retryAfterMs(headers: Headers | undefined): number | undefined {
  const ms = Number(headers?.get?.("retry-after-ms") ?? Number.NaN);
  if (ms >= 0) return ms;
  const after = headers?.get?.("retry-after");
  if (!after) return undefined;
  const seconds = Number(after);
  const wait = Number.isNaN(seconds) ? Date.parse(after) - Date.now() : seconds * 1000;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

function backoffMs(attempt: number): number {
  return Math.min(8000, 500 * 2 ** attempt) * (0.75 + Math.random() / 2);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
