import type { ChatMessage } from "@whetstone/core";
import { expect, it } from "vitest";
import { queryComplexity } from "./query-complexity.js";

const user = (length: number): ChatMessage => ({ role: "user", content: "x".repeat(length) });
const call: ChatMessage = {
  role: "assistant",
  content: "",
  tool_calls: [{ type: "function", function: { name: "look", arguments: {} } }],
};

it.each([
  ["low", [user(99)]],
  ["medium", [user(100)]],
  ["medium", [user(499)]],
  ["high", [user(500)]],
  ["low", [{ role: "system", content: "x".repeat(900) }, user(10)]],
  ["medium", [user(900), { role: "assistant", content: "yes" }, user(10)]],
  ["medium", [user(10), call, { role: "tool", content: "4" }]],
  ["high", [user(900), call, { role: "tool", content: "4" }]],
] as [string, ChatMessage[]][])("is %s", (level, prompt) => expect(queryComplexity(prompt)).toBe(level));
