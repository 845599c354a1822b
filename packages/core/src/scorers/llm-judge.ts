import type { StoredInteraction } from "../annotation.js";
import { ConfigError } from "../errors.js";
import { type Score, type Scorer, scorer } from "../scorer.js";
import { type ChatClient, cappedText, refusalOf, requestChat } from "./chat-request.js";
import { isDegenerate } from "./degenerate-answer.js";
import { checkEndpoint } from "./judge-endpoint.js";
import { judgePrompt } from "./judge-prompt.js";
import { parseVerdict, verdictSchema } from "./judge-verdict.js";
import { checkRubric, type Rubric, rubricFor } from "./rubrics.js";

export interface LlmJudgeOptions {
  readonly model: string;
  /** A client of the `openai` package. Left out, one is made from `baseURL` and `apiKey`. */
  readonly client?: ChatClient | undefined;
  /** Any endpoint that speaks OpenAI's chat completions. Default: `OPENAI_BASE_URL`, then OpenAI's own. */
  readonly baseURL?: string | undefined;
  /** Default: `OPENAI_API_KEY`. Local endpoints need none. */
  readonly apiKey?: string | undefined;
  /** Default: the shipped rubric of the interaction's agent type. */
  readonly rubric?: Rubric | undefined;
  /** For one attempt, reply included. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Further attempts after a rate limit, a server error or a time-out. Default 2. */
  readonly maxRetries?: number | undefined;
  /** A larger reply is refused. Default 256 KiB. */
  readonly maxReplyBytes?: number | undefined;
  /** Of the question, the sources and the answer each so much is shown to the judge, from both ends. Default 24,000. */
  readonly maxPartChars?: number | undefined;
  /** Further fields of the request, such as `{ temperature: 0.2, max_completion_tokens: 800 }`. */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A language model as judge, through any OpenAI-compatible endpoint; needs the `openai` package. Anything but exactly
 * one well-formed verdict that carries this call's nonce throws SCORING_UNPARSABLE, so the interaction stays unscored.
 * An answer that says nothing scores 0 without a call.
 *
 * @example
 * const judge = llmJudge({ model: "gpt-4.1-mini", rubric: rubrics.math });
 * await scoreInteractions(store, judge);
 */
export function llmJudge(options: LlmJudgeOptions): Scorer {
  const { model, rubric, timeoutMs = 60_000, maxRetries = 2 } = options;
  const { maxReplyBytes = 262_144, maxPartChars = 24_000, request = {} } = options;
  checkOptions(options);
  let client: Promise<ChatClient> | undefined;
  const accepted = { format: 0, temperature: true };

  return scorer(`judge:${model}@${rubric?.id ?? "auto-v1"}`, async (interaction, { signal }) => {
    const criteria = rubric ?? rubricFor(interaction.agentType);
    if (saysNothing(interaction)) return lowest(criteria);
    client ??= options.client ? Promise.resolve(options.client) : openClient(options, maxReplyBytes);
    const { nonce, messages } = judgePrompt(interaction, criteria, maxPartChars);
    const limits = { timeoutMs, maxRetries, maxReplyBytes, signal };
    for (;;) {
      const sent = { ...accepted };
      const body = { model, messages, ...settings(criteria), ...request };
      try {
        return parseVerdict(await requestChat(await client, body, limits), criteria, nonce);
      } catch (error) {
        if (!adapt(error, sent)) throw error;
      }
    }
  });

  function settings(criteria: Rubric): Record<string, unknown> {
    const formats = [
      { type: "json_schema", json_schema: { name: "verdict", strict: true, schema: verdictSchema(criteria) } },
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
}

const FORMAT_REFUSED = /response_?format|json_?schema|json_object|structured/i;

/** Nothing but an opening is no answer, unless it is the very answer that was looked for. */
function saysNothing({ answer, reference }: StoredInteraction): boolean {
  return isDegenerate(answer) && (reference === undefined || answer.trim() !== reference.trim());
}

function lowest({ criteria }: Rubric): Score {
  const scores = Object.fromEntries(criteria.map(({ id }) => [id, 0]));
  return { scores: { ...scores, overall: 0 }, rationale: "the answer says nothing; no judge was asked" };
}

function checkOptions({ model, client, baseURL, apiKey, rubric, ...rest }: LlmJudgeOptions): void {
  if (typeof model !== "string" || !/^\S{1,120}$/.test(model)) {
    throw new ConfigError(`model is "${model}": name the judge's model, such as "gpt-4.1-mini", without spaces`);
  }
  if (rubric) checkRubric(rubric);
  const { timeoutMs = 1, maxRetries = 0, maxReplyBytes = 1, maxPartChars = 100 } = rest;
  for (const [name, value, least, most] of [
    ["timeoutMs", timeoutMs, 1, 2 ** 31 - 1],
    ["maxRetries", maxRetries, 0, 20],
    ["maxReplyBytes", maxReplyBytes, 1, 2 ** 30],
    ["maxPartChars", maxPartChars, 100, 2 ** 30],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new ConfigError(`${name} is ${value}: use a whole number from ${least} to ${most}`);
    }
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

async function openClient({ baseURL, apiKey }: LlmJudgeOptions, maxReplyBytes: number): Promise<ChatClient> {
  let openai: typeof import("openai");
  try {
    openai = await import("openai");
  } catch (cause) {
    throw new ConfigError("llmJudge needs the openai package: run `npm install openai`, or pass a client", { cause });
  }
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
