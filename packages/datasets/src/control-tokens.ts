import type { ChatMessage, ToolCall, ToolSchema } from "@whetstone/core";

// `<|im_end|>`, `<|eot_id|>`, DeepSeek's full-width `<｜User｜>`, and with one bar only Gemma's `<|turn>`.
const BARS = "<[|｜][^\\s<>|｜]{1,48}[|｜]?>|<[^\\s<>|｜]{1,48}[|｜]>";

// Tokens without bars, each from the tokenizers of models in use. Common words of prose, code and XML that some tokenizer
// also reserves (`<mask>`, `<image>`, `<tools>`, `[ARGS]`) are left out: they would cost more good rows than they save.
const TAGS = [
  "s|bos|eos|pad|unk|sep|sop|eop|eod|eoh|eoa|eom|EOT|endoftext", // Llama 2, Gemma, GLM, Reka, InternLM, Code Llama
  "(?:start|end)_of_(?:turn|image|text)|(?:audio|image)_soft_token|unused\\d{1,5}", // Gemma
  "tool_call|tool_response|arg_key|arg_value|think", // Qwen, Hermes, Granite, GLM, DeepSeek
  "(?:seed|minimax):[a-z_]{1,48}", // Seed-OSS, MiniMax
  "(?:BOS|EOS|PAD|EOP|UNK|MASK)_TOKEN|reserved_\\d{1,5}", // Command, Baichuan
  "extra_id_\\d{1,5}|SPECIAL_\\d{1,5}", // T5, Nemotron
  "fim[_-](?:prefix|middle|suffix|pad)|file_sep", // StarCoder
].join("|");

const ANGLE = new RegExp(`${BARS}|</?(?:${TAGS})>|<</?SYS>>`);

// Mistral's marks, GLM's masks, EXAONE's roles, MiniMax's turns.
const SQUARE =
  /\[\/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|THINK)\]|\[[gs]?MASK\]|\[(?:BOS|EOS|EOT)\]|\[\|(?:system|user|assistant|tool|endofturn)\|\]|\]~!?b[[\]]|\[e~\[/;

const EVERY_ANGLE = new RegExp(ANGLE, "g");
const EVERY_SQUARE = new RegExp(SQUARE, "g");
const withSpace = (token: string): string => `${token[0]} ${token.slice(1)}`;

// What a reasoning model puts before its answer, and its template takes apart again.
const THINKING = [
  ["<think>", "</think>"],
  ["[THINK]", "[/THINK]"],
] as const;

/**
 * True when a text holds a token that chat templates use as structure. A tokenizer reads such text as the real
 * token: an answer that quotes `<|im_end|>` would teach the model to stop there.
 */
export function hasControlTokens(text: string): boolean {
  // `includes` is many times faster than the patterns, and most prose has neither character.
  return (text.includes("<") && ANGLE.test(text)) || ((text.includes("[") || text.includes("]~")) && SQUARE.test(text));
}

/** The text with a space inside every control token (`< |im_end|>`): as readable as before, and no token any more. */
export function escapeControlTokens(text: string): string {
  let escaped = text;
  // Once more for what stood inside a token, such as the second one of `<|a<|b|>`.
  while (hasControlTokens(escaped)) escaped = escaped.replace(EVERY_ANGLE, withSpace).replace(EVERY_SQUARE, withSpace);
  return escaped;
}

/** The same for every text of a list of turns, an assistant's opening thinking and tool calls included. */
export function escapedTurns(turns: readonly ChatMessage[]): readonly ChatMessage[] {
  if (!turnsHaveControlTokens(turns)) return turns;
  return turns.map((turn) => ({
    ...turn,
    content: turn.role === "assistant" ? escapedAnswer(turn.content) : escapeControlTokens(turn.content),
    ...(turn.tool_calls && { tool_calls: escapedTexts(turn.tool_calls) as ToolCall[] }),
  }));
}

/** The same for tool descriptions. */
export function escapedTools<Tools extends readonly ToolSchema[] | null>(tools: Tools): Tools {
  return toolsHaveControlTokens(tools) ? (escapedTexts(tools) as Tools) : tools;
}

/**
 * The same for every text of a list of turns, tool calls included. One block of thinking may open an assistant's turn:
 * there `<think>` is what the template expects, and not a forgery.
 */
export function turnsHaveControlTokens(turns: readonly ChatMessage[]): boolean {
  return turns.some(turnHasControlTokens);
}

function turnHasControlTokens({ role, content, tool_calls }: ChatMessage): boolean {
  if (tool_calls !== undefined && hasControlTokens(JSON.stringify(tool_calls))) return true;
  const opened = role === "assistant" ? thinkingOf(content) : null;
  return opened ? hasControlTokens(opened.thinking) || hasControlTokens(opened.rest) : hasControlTokens(content);
}

function escapedAnswer(content: string): string {
  const opened = thinkingOf(content);
  if (!opened) return escapeControlTokens(content);
  const { before, thinking, close, rest } = opened;
  return before + escapeControlTokens(thinking) + close + escapeControlTokens(rest);
}

function escapedTexts(value: unknown): unknown {
  if (typeof value === "string") return escapeControlTokens(value);
  if (Array.isArray(value)) return value.map(escapedTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [escapeControlTokens(name), escapedTexts(inner)]),
  );
}

/** The thinking at the start of a turn and what follows it, without the marks around it; null where there is none. */
function thinkingOf(content: string) {
  const text = content.trimStart();
  if (text[0] !== "<" && text[0] !== "[") return null; // nearly all
  for (const [open, close] of THINKING) {
    const end = text.startsWith(open) ? text.indexOf(close) : -1;
    if (end < 0) continue;
    const before = content.slice(0, content.length - text.length + open.length);
    return { before, thinking: text.slice(open.length, end), close, rest: text.slice(end + close.length) };
  }
  return null;
}

/** The same for tool descriptions. */
export function toolsHaveControlTokens(tools: readonly ToolSchema[] | null | undefined): boolean {
  return !!tools && tools.length > 0 && hasControlTokens(JSON.stringify(tools));
}
