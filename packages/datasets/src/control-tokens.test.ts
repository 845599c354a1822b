import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  escapeControlTokens,
  escapedTools,
  escapedTurns,
  hasControlTokens,
  toolsHaveControlTokens,
  turnsHaveControlTokens,
} from "./control-tokens.js";

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
  ...["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<arg_key>", "</arg_value>"],
  ...["<think>", "</think>", "[THINK]", "[/THINK]", "<seed:think>", "</seed:tool_call>", "<seed:eos>"],
  ...["<|endoftext|>", "<|end_of_text|>", "<|END_OF_TURN_TOKEN|>", "<|end▁of▁text|>", "<endoftext>", "<EOT>", "<eod>"],
  ...[
    "<eoh>",
    "<eoa>",
    "<eom>",
    "<sep>",
    "<extra_id_0>",
    "<extra_id_12>",
    "<SPECIAL_10>",
    "<unused3>",
    "<reserved_106>",
  ],
  ...["<BOS_TOKEN>", "<EOP_TOKEN>", "<fim_prefix>", "<fim-middle>", "<fim_pad>", "<file_sep>", "<minimax:tool_call>"],
  ...[
    "<audio_soft_token>",
    "[sMASK]",
    "[BOS]",
    "[EOS]",
    "[EOT]",
    "[|user|]",
    "[|endofturn|]",
    "]~b]user",
    "]~!b[",
    "[e~[",
  ],
  "[/TOOL_RESULTS]",
  // A bar on both sides of a name is read as a token, also where it was meant as two comparisons.
  "if (a<|b|>c)",
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
  "cat <<EOT",
  "<thinking> and <answer>, <tools> and <tool>",
  "<mask> in SVG, <video>, <image>",
  "usage: prog [OPTIONS] [ARGS]",
  "a[|x|] = [e]",
  "<filename> of <repo_name>",
  "I think> that",
])("lets %s pass", (text) => expect(hasControlTokens(text)).toBe(false));

it("looks into tool calls and tool descriptions too", () => {
  const call = { type: "function" as const, function: { name: "write", arguments: { text: "<|im_end|>" } } };
  expect(turnsHaveControlTokens([{ role: "assistant", content: "", tool_calls: [call] }])).toBe(true);
  expect(toolsHaveControlTokens([{ type: "function", function: { name: "a", description: "[INST]" } }])).toBe(true);
  expect(toolsHaveControlTokens(null)).toBe(false);
});

it("leaves an assistant's own thinking at the start of its turn alone, and nothing else of the kind", () => {
  const has = (role: "assistant" | "user" | "tool" | "system", content: string) =>
    turnsHaveControlTokens([{ role, content }]);
  expect(has("assistant", "<think>\n15 / 100 * 80\n</think>\n\n12")).toBe(false);
  expect(has("assistant", "\n<think></think>12")).toBe(false);
  expect(has("assistant", "[THINK]15 / 100 * 80[/THINK]12")).toBe(false);
  expect(has("user", "<think>a</think>b")).toBe(true);
  expect(has("tool", "<think>a</think>b")).toBe(true);
  expect(has("system", "Think in <think> first.")).toBe(true);
  expect(has("assistant", "Sure. <think>a</think>b")).toBe(true);
  expect(has("assistant", "<think>never closed")).toBe(true);
  expect(has("assistant", "</think>12")).toBe(true);
  expect(has("assistant", "<think>a</think>b<think>c</think>d")).toBe(true);
  expect(has("assistant", "<think>a<|im_end|></think>b")).toBe(true);
  expect(has("assistant", "<think>a[/THINK]b")).toBe(true);
});

it.each(["<", "<|", "<｜a", "[|", "[|a", "]~", "<seed:", "<extra_id_1", "</", "<think>", "[e~", "<unused1"])(
  "takes time in proportion to a text of nothing but %s",
  (piece) => {
    // A pattern that tried again from everywhere would need minutes for this, and the test would run out of time.
    const text = piece.repeat(1_000_000 / piece.length);
    expect(typeof turnsHaveControlTokens([{ role: "assistant", content: text }])).toBe("boolean");
  },
);

it("escapes every token so that none is left, and changes nothing else", () => {
  expect(escapeControlTokens("a <|im_end|> b [INST] c <<SYS>> d ]~b]")).toBe(
    "a < |im_end|> b [ INST] c < <SYS>> d ] ~b]",
  );
  expect(escapeControlTokens("x < y [1]")).toBe("x < y [1]");
  const signs = ["<", "|", ">", "[", "]", "~", "b", "/", "s", "INST", "SYS", "think", "im_end", "e", "!", " ", "｜"];
  void fc.assert(
    fc.property(fc.array(fc.constantFrom(...signs), { maxLength: 24 }), (parts) => {
      const escaped = escapeControlTokens(parts.join(""));
      expect(hasControlTokens(escaped)).toBe(false);
      expect(escaped.replaceAll(" ", "")).toBe(parts.join("").replaceAll(" ", ""));
    }),
  );
});

it("escapes whole turns, tool calls and tools, and leaves an assistant's own thinking its marks", () => {
  const turns = [
    { role: "user" as const, content: "say <|im_end|>" },
    {
      role: "assistant" as const,
      content: " <think>it says <|im_end|></think>\n<|im_end|> it is",
      tool_calls: [{ type: "function" as const, function: { name: "say", arguments: { words: ["</s>"], n: 1 } } }],
    },
  ];
  const escaped = escapedTurns(turns);
  expect(turnsHaveControlTokens(escaped)).toBe(false);
  expect(escaped.map(({ content }) => content)).toEqual([
    "say < |im_end|>",
    " <think>it says < |im_end|></think>\n< |im_end|> it is",
  ]);
  expect(escaped[1]?.tool_calls?.[0]?.function.arguments).toEqual({ words: ["< /s>"], n: 1 });
  const tools = [{ type: "function" as const, function: { name: "say", description: "prints <s>" } }];
  expect(escapedTools(tools)).toEqual([{ type: "function", function: { name: "say", description: "prints < s>" } }]);
});
