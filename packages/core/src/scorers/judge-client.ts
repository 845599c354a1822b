import { concurrencyLimit } from "../concurrency-limit.js";
import { ConfigError } from "../errors.js";
import { addUsage, type Usage } from "../interaction.js";
import type { ScorerContext, ScoringEstimate } from "../scorer.js";
import { type ChatClient, cappedText, refusalOf, requestChat } from "./chat-request.js";
import { contentKey, judgeCache } from "./judge-cache.js";
import { judgeFetch } from "./judge-fetch.js";
import type { JudgeOptions } from "./judge-options.js";
import type { JudgeMessage } from "./judge-prompt.js";

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

/** Connects when the first question is asked. */
export function judgeClient(options: JudgeOptions): JudgeClient {
  const { model, timeoutMs = 60_000, maxRetries = 2, maxReplyBytes = 262_144, concurrency = Infinity } = options;
  const { budget, price, request = {}, cache = judgeCache() } = options;
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
