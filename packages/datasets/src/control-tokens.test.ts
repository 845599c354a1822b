import { expect, it } from "vitest";
import { hasControlTokens, toolsHaveControlTokens, turnsHaveControlTokens } from "./control-tokens.js";

it.each([
  "<|im_end|>",
  "see <|eot_id|> here",
  "<|start_header_id|>system<|end_header_id|>",
  "<|endoftext|>",
  "<|fim_prefix|>",
  "[INST] hi [/INST]",
  "<<SYS>>",
  "</s>",
  "<s>",
  "<bos>",
  "<start_of_turn>user",
  "<end_of_turn>",
  "<|turn>",
  "<turn|>",
  "[TOOL_CALLS]",
  "<｜User｜>",
  "<｜begin▁of▁sentence｜>",
])("finds %s", (text) => expect(hasControlTokens(text)).toBe(true));

it.each([
  "a <b> and <span>c</span>",
  "x < y || y > z",
  "list[0] [1, 2]",
  "ducks <<16-3-4=9>>9",
  "f <| x |> g",
  "<|>",
  "Array<string | null>",
  "<strong>[INSTALL]</strong>",
  "cat <<EOF",
])("lets %s pass", (text) => expect(hasControlTokens(text)).toBe(false));

it("looks into tool calls and tool descriptions too", () => {
  const call = { type: "function" as const, function: { name: "write", arguments: { text: "<|im_end|>" } } };
  expect(turnsHaveControlTokens([{ role: "assistant", content: "", tool_calls: [call] }])).toBe(true);
  expect(toolsHaveControlTokens([{ type: "function", function: { name: "a", description: "[INST]" } }])).toBe(true);
  expect(toolsHaveControlTokens(null)).toBe(false);
});
