import type { ChatMessage, ToolSchema } from "@whetstone/core";

// `<|im_end|>`, `<|eot_id|>`, DeepSeek's full-width `<｜User｜>`, Gemma's turns and `<|turn>`, Llama 2's and Mistral's marks.
const ANGLE =
  /<[|｜][^\s<>|｜]{1,48}[|｜]?>|<[^\s<>|｜]{1,48}[|｜]>|<\/?s>|<(?:bos|eos|pad|unk|sop|eop)>|<(?:start|end)_of_(?:turn|image|text)>|<<\/?SYS>>/;
const SQUARE = /\[\/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT)\]|\[g?MASK\]/;

/**
 * True when a text holds a token that chat templates use as structure. A tokenizer reads such text as the real
 * token: an answer that quotes `<|im_end|>` would teach the model to stop there.
 */
export function hasControlTokens(text: string): boolean {
  // `includes` is many times faster than the patterns, and most prose has neither character.
  return (text.includes("<") && ANGLE.test(text)) || (text.includes("[") && SQUARE.test(text));
}

/** The same for every text of a list of turns, tool calls included. */
export function turnsHaveControlTokens(turns: readonly ChatMessage[]): boolean {
  return turns.some(
    ({ content, tool_calls }) =>
      hasControlTokens(content) || (tool_calls !== undefined && hasControlTokens(JSON.stringify(tool_calls))),
  );
}

/** The same for tool descriptions. */
export function toolsHaveControlTokens(tools: readonly ToolSchema[] | null | undefined): boolean {
  return !!tools && tools.length > 0 && hasControlTokens(JSON.stringify(tools));
}
