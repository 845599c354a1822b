import { concurrencyLimit } from "../concurrency-limit.js";
import { ConfigError } from "../errors.js";
import { addUsage, type Usage } from "../interaction.js";
import type { ScorerContext, ScoringEstimate } from "../scorer.js";
import { type ChatClient, cappedText, refusalOf, requestChat } from "./chat-request.js";
import type { JudgeBudget } from "./judge-budget.js";
import { contentKey, type JudgeCache, judgeCache } from "./judge-cache.js";
import { checkEndpoint } from "./judge-endpoint.js";
import { judgeFetch } from "./judge-fetch.js";
import type { JudgeMessage } from "./judge-prompt.js";

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

/** One question to the model, and the shape of the reply, for endpoints with structured output. */
export interface JudgeQuestion {
  readonly messages: readonly JudgeMessage[];
  readonly schema: Readonly<Record<string, unknown>>;
}

/** What judges of every kind share: the endpoint, its limits, the budget and the memory of earlier verdicts. */
export interface JudgeClient {
  /** Sends the question and returns the reply's text. @throws ScoringError, or the signal's reason */
  ask(question: JudgeQuestion, context: ScorerContext): Promise<string>;
  /** Returns what is remembered of equal content, or else asks and remembers. Failures are not remembered. */
  remembered<T>(content: unknown, ask: () => Promise<T>): Promise<T>;
  estimate(question: JudgeQuestion): ScoringEstimate;
}

/** Checks the options at once, and connects when the first question is asked. @throws ConfigError */
export function judgeClient(options: JudgeOptions): JudgeClient {
  const { model, timeoutMs = 60_000, maxRetries = 2, maxReplyBytes = 262_144, concurrency = Infinity } = options;
  const { budget, price, request = {}, cache = judgeCache() } = options;
  checkOptions(options);
  const limited = concurrencyLimit(concurrency);
  const accepted = { format: 0, temperature: true };
  let client: Promise<ChatClient> | undefined;

  return {
    ask: (question, context) => limited(() => askWithinBudget(question, context), context.signal),

    async remembered(content, ask) {
      if (!cache) return ask();
      const key = contentKey([model, request, content]);
      const known = await cache.get(key);
      if (typeof known === "string") return JSON.parse(known);
      const verdict = await ask();
      await cache.set(key, JSON.stringify(verdict));
      return verdict;
    },

    estimate(question) {
      const { costUsd = null, ...tokens } = priced(expected(question));
      return { calls: 1, ...tokens, costUsd };
    },
  };

  async function askWithinBudget(question: JudgeQuestion, { signal, onUsage }: ScorerContext): Promise<string> {
    const estimate = priced(expected(question));
    const reservation = budget?.reserve(estimate);
    let spent: Usage | null = null;
    const count = (reported: Usage | null) => {
      const usage = priced(reported ?? estimate);
      spent = addUsage(spent, usage);
      if (reported) onUsage?.(usage);
    };
    try {
      return await send(question, { timeoutMs, maxRetries, maxReplyBytes, signal, onUsage: count });
    } catch (error) {
      // Nobody knows what a call took that was cut off; one that was refused took nothing.
      if (!refusalOf(error) && !ConfigError.isInstance(error)) spent ??= estimate;
      throw error;
    } finally {
      reservation?.settle(spent);
    }
  }

  async function send({ messages, schema }: JudgeQuestion, limits: Parameters<typeof requestChat>[2]): Promise<string> {
    client ??= options.client ? Promise.resolve(options.client) : openClient(options, maxReplyBytes);
    for (;;) {
      const sent = { ...accepted };
      try {
        return await requestChat(await client, { model, messages, ...settings(schema), ...request }, limits);
      } catch (error) {
        if (!adapt(error, sent)) throw error;
      }
    }
  }

  function settings(schema: JudgeQuestion["schema"]): Record<string, unknown> {
    const formats = [
      { type: "json_schema", json_schema: { name: "verdict", strict: true, schema } },
      { type: "json_object" },
    ];
    const format = formats[accepted.format];
    return {
      ...(accepted.temperature ? { temperature: 0 } : {}),
      ...(format ? { response_format: format } : {}),
    };
  }

  /** Leaves out what the endpoint does not know, for good. The verdict is checked as strictly without it. */
  function adapt(error: unknown, sent: Readonly<typeof accepted>): boolean {
    const refusal = refusalOf(error);
    if (!refusal || (refusal.status !== 400 && refusal.status !== 422)) return false;
    // Calls under way at once meet the same refusal; only the first of them draws the conclusion.
    if (sent.temperature && /temperature/i.test(refusal.text)) accepted.temperature = false;
    else if (sent.format < 2 && FORMAT_REFUSED.test(refusal.text)) {
      accepted.format = Math.max(accepted.format, sent.format + 1);
    } else return false;
    return true;
  }

  function expected({ messages }: JudgeQuestion): Usage {
    const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    return { inputTokens: Math.ceil(bytes / BYTES_PER_TOKEN), outputTokens: EXPECTED_OUTPUT_TOKENS };
  }

  function priced(usage: Usage): Usage {
    if (usage.costUsd !== undefined || !price) return usage;
    const { inputTokens, outputTokens } = usage;
    return { ...usage, costUsd: (inputTokens * price.inputUsd + outputTokens * price.outputUsd) / 1e6 };
  }
}

const FORMAT_REFUSED = /response_?format|json_?schema|json_object|structured/i;
/** Of English text and code, about; scripts with three bytes a character come out near one token a character. */
const BYTES_PER_TOKEN = 4;
/** A verdict with two sentences of rationale. Models that think aloud take more. */
const EXPECTED_OUTPUT_TOKENS = 150;

function checkOptions({ model, client, baseURL, apiKey, price, injection = "judge", ...rest }: JudgeOptions): void {
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

async function openClient({ baseURL, apiKey }: JudgeOptions, maxReplyBytes: number): Promise<ChatClient> {
  let openai: typeof import("openai");
  try {
    openai = await import("openai");
  } catch (cause) {
    throw new ConfigError("a judge needs the openai package: run `npm install openai`, or pass a client", { cause });
  }
  const fetch = judgeFetch();
  return new openai.OpenAI({
    baseURL: baseURL ?? process.env.OPENAI_BASE_URL,
    // Local endpoints ask for no key, and the client insists on one.
    apiKey: apiKey ?? process.env.OPENAI_API_KEY ?? "none",
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (response.ok) return response;
      // The client reads an error's body whole, however long it is.
      const text = await cappedText(response, maxReplyBytes);
      const { status, statusText, headers } = response;
      return new Response(text, { status, statusText, headers });
    },
  });
}
