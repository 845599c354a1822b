import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";

/** What a chat template is given beside the turns. */
export interface RenderOptions {
  readonly tools?: unknown;
  /** Ends with what the model's answer goes on from. */
  readonly addGenerationPrompt?: boolean;
}

/** Counts tokens and renders turns as a model does. */
export interface ChatTokenizer {
  /** The folder; null for an estimate. */
  readonly folder: string | null;
  readonly hasTemplate: boolean;
  /** Whether the template marks what the assistant says, for a trainer that masks the rest. */
  readonly hasGenerationMarks: boolean;
  count(text: string): number;
  /** @throws what the template throws at turns that it does not take */
  render(turns: readonly unknown[], options?: RenderOptions): string;
}

/**
 * Opens the tokenizer of a model from a local folder as the Hugging Face tools write it: `tokenizer.json`,
 * `tokenizer_config.json` and, where the template is not in the latter, `chat_template.jinja`.
 * Needs the packages @huggingface/jinja and @huggingface/tokenizers.
 * @throws ConfigError when they, or the files, are missing or wrong
 */
export async function openTokenizer(folder: string): Promise<ChatTokenizer> {
  const { Template, Tokenizer } = await libraries();
  const tokenizerJson = await readJson(join(folder, "tokenizer.json"));
  if (tokenizerJson === null) throw unusable(folder, "it has no tokenizer.json");
  const config = (await readJson(join(folder, "tokenizer_config.json"))) ?? {};
  const source = (await readText(join(folder, "chat_template.jinja"))) ?? templateIn(config);
  let tokenizer: InstanceType<typeof Tokenizer>;
  let template: InstanceType<typeof Template> | null;
  try {
    tokenizer = new Tokenizer(tokenizerJson, config);
    template = source === null ? null : new Template(source);
  } catch (cause) {
    throw unusable(folder, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const specialTokens = Object.fromEntries(
    Object.entries(config).flatMap(([name, value]) => {
      const token = (value as { readonly content?: unknown } | null)?.content ?? value;
      return name.endsWith("_token") && typeof token === "string" ? [[name, token]] : [];
    }),
  );
  return {
    folder,
    hasTemplate: template !== null,
    hasGenerationMarks: source !== null && /\{%[-+]?\s*generation\b/.test(source),
    // The template has written every special token there is to be.
    count: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids.length,
    render: (turns, options = {}) =>
      template
        ? template.render({ ...specialTokens, messages: turns, ...variables(options) })
        : estimatedTokenizer.render(turns, options),
  };
}

/** For who gives no tokenizer: about 3.5 bytes a token, and five tokens around each turn. */
export const estimatedTokenizer: ChatTokenizer = {
  folder: null,
  hasTemplate: false,
  hasGenerationMarks: false,
  count: (text) => Math.ceil(Buffer.byteLength(text) / BYTES_A_TOKEN),
  render(turns, { tools, addGenerationPrompt = false } = {}) {
    let text = tools === undefined || tools === null ? "" : `${JSON.stringify(tools)}\n`;
    for (const turn of turns) {
      const { role, content, tool_calls: calls } = turn as Readonly<Record<string, unknown>>;
      text += `${opening(role)}${textOf(content)}${calls ? JSON.stringify(calls) : ""}${CLOSING}`;
    }
    return addGenerationPrompt ? text + opening("assistant") : text;
  },
};

/** The text of a turn's content, also where that is a list of parts. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part?.text === "string" ? part.text : "")).join("");
}

const BYTES_A_TOKEN = 3.5;
// Of a length that stands for the mark, the role and the line feed, and for the mark and the line feed behind.
const opening = (role: unknown): string => `[${String(role).padEnd(9)}]`;
const CLOSING = "[end]\n\n";

function variables({ tools, addGenerationPrompt = false }: RenderOptions): Record<string, unknown> {
  const hasTools = Array.isArray(tools) && tools.length > 0;
  return { add_generation_prompt: addGenerationPrompt, ...(hasTools && { tools }) };
}

/** The template of a `tokenizer_config.json`: a text, or of several the one called default. */
function templateIn({ chat_template: given }: Readonly<Record<string, unknown>>): string | null {
  if (typeof given === "string") return given;
  if (!Array.isArray(given)) return null;
  const named = given.find((one) => one?.name === "default") ?? given[0];
  return typeof named?.template === "string" ? named.template : null;
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unusable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function readJson(path: string): Promise<Record<string, unknown> | null> {
  const text = await readText(path);
  try {
    return text === null ? null : JSON.parse(text);
  } catch (cause) {
    throw unusable(path, "it is no JSON", cause);
  }
}

function unusable(path: string, reason: string, cause?: unknown): ConfigError {
  const remedy = "name a folder with the tokenizer.json and tokenizer_config.json of the model";
  return new ConfigError(`the tokenizer ${path} cannot be used, ${reason}: ${remedy}`, { cause });
}

async function libraries() {
  try {
    const [{ Template }, { Tokenizer }] = await Promise.all([
      import("@huggingface/jinja"),
      import("@huggingface/tokenizers"),
    ]);
    return { Template, Tokenizer };
  } catch (cause) {
    const packages = "@huggingface/jinja @huggingface/tokenizers";
    throw new ConfigError(`a tokenizer needs two packages: npm install ${packages}`, { cause });
  }
}
