import { ConfigError } from "../errors.js";
import type { ChatClient } from "./chat-request.js";
import type { JudgeBudget } from "./judge-budget.js";
import type { JudgeCache } from "./judge-cache.js";
import { checkEndpoint } from "./judge-endpoint.js";

/** What every judge takes: which model, where it is, and how much it may be asked. */
export interface JudgeOptions {
  readonly model: string;
  /** A client of the `openai` package. Left out, one is made from `baseURL` and `apiKey`. */
  readonly client?: ChatClient | undefined;
  /** Any endpoint that speaks OpenAI's chat completions. Default: `OPENAI_BASE_URL`, then OpenAI's own. */
  readonly baseURL?: string | undefined;
  /** Default: `OPENAI_API_KEY`. Local endpoints need none. */
  readonly apiKey?: string | undefined;
  /** For one attempt, reply included. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Further attempts after a rate limit, a server error or a time-out. Default 2. */
  readonly maxRetries?: number | undefined;
  /** A larger reply is refused. Default 256 KiB. */
  readonly maxReplyBytes?: number | undefined;
  /** Of the question, the sources and the answer each so much is shown to the judge, from both ends. Default 24,000. */
  readonly maxPartChars?: number | undefined;
  /** Calls of this judge under way at once, whoever asks. Default: no limit of its own. */
  readonly concurrency?: number | undefined;
  /** What may be spent in a day, see `judgeBudget`. Several judges may share one. */
  readonly budget?: JudgeBudget | undefined;
  /** In US dollars for a million tokens, so that costs are recorded. An endpoint that tells the cost goes before it. */
  readonly price?: { readonly inputUsd: number; readonly outputUsd: number } | undefined;
  /** Verdicts on equal content are taken from here. Default: the last 10,000 of this judge; `false` asks every time. */
  readonly cache?: JudgeCache | false | undefined;
  /**
   * What becomes of an interaction whose texts speak to a grader, or forge a verdict or our delimiters: it is left
   * unscored (`quarantine`, the default), or shown to the judge all the same (`judge`).
   */
  readonly injection?: "quarantine" | "judge" | undefined;
  /** Further fields of the request, such as `{ temperature: 0.2, max_completion_tokens: 800 }`. */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
}

/** @throws ConfigError naming what is wrong with a judge's options */
export function checkJudgeOptions({
  model,
  client,
  baseURL,
  apiKey,
  price,
  injection = "judge",
  ...rest
}: JudgeOptions): void {
  if (typeof model !== "string" || !/^\S{1,120}$/.test(model)) {
    throw new ConfigError(`model is "${model}": name the judge's model, such as "gpt-4.1-mini", without spaces`);
  }
  const { timeoutMs = 1, maxRetries = 0, maxReplyBytes = 1, maxPartChars = 100, concurrency = 1 } = rest;
  for (const [name, value, least, most] of [
    ["timeoutMs", timeoutMs, 1, 2 ** 31 - 1],
    ["maxRetries", maxRetries, 0, 20],
    ["maxReplyBytes", maxReplyBytes, 1, 2 ** 30],
    ["maxPartChars", maxPartChars, 100, 2 ** 30],
    ["concurrency", concurrency, 1, 1000],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new ConfigError(`${name} is ${value}: use a whole number from ${least} to ${most}`);
    }
  }
  for (const [name, value] of Object.entries(price ?? {})) {
    if (!(value >= 0)) throw new ConfigError(`price.${name} is ${value}: use US dollars for a million tokens`);
  }
  if (injection !== "judge" && injection !== "quarantine") {
    throw new ConfigError(`injection is "${injection}": use "quarantine" or "judge"`);
  }
  if (client) {
    if (typeof client.chat?.completions?.create !== "function") {
      throw new ConfigError("client has no chat.completions.create: pass a client of the openai package");
    }
    if (baseURL !== undefined || apiKey !== undefined) {
      throw new ConfigError("pass either client, or baseURL and apiKey: a client has its own");
    }
    return;
  }
  const endpoint = baseURL ?? process.env.OPENAI_BASE_URL;
  if (endpoint) checkEndpoint(endpoint);
  else if (!apiKey && !process.env.OPENAI_API_KEY) {
    throw new ConfigError("the judge has no key: set OPENAI_API_KEY or pass apiKey, or baseURL for a local model");
  }
}
