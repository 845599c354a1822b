import type { ChatMessage, ToolSchema } from "@whetstone/core";
import { ConfigError } from "@whetstone/core";

/** A row of one of our methods, as exports see it: what was said before, and what was answered. */
export type SourceRow =
  | { readonly type: "chat"; readonly messages: Turns; readonly lossOn: "all" | "last"; readonly tools: Tools }
  | {
      readonly type: "pair";
      readonly prompt: Turns;
      readonly chosen: ChatMessage;
      readonly rejected: ChatMessage;
      readonly tools: Tools;
    }
  | { readonly type: "label"; readonly messages: Turns; readonly label: boolean; readonly tools: Tools };

export type Turns = readonly ChatMessage[];
export type Tools = readonly ToolSchema[] | null;

/** What kind of row an export takes. */
export type RowType = SourceRow["type"];

/** Reads a row of ours; plain strings become turns. @throws ConfigError for a row that no export but Parquet takes */
export function sourceRow(row: Readonly<Record<string, unknown>>): SourceRow {
  const tools = (Array.isArray(row.tools) && row.tools.length > 0 ? row.tools : null) as Tools;
  const prompt = turns(row.prompt, "user");
  const [chosen, rejected] = [turns(row.chosen, "assistant"), turns(row.rejected, "assistant")];
  const completion = turns(row.completion, "assistant");
  if (prompt && chosen?.[0] && rejected?.[0]) {
    return { type: "pair", prompt, chosen: chosen[0], rejected: rejected[0], tools };
  }
  if (prompt && completion && typeof row.label === "boolean") {
    return { type: "label", messages: [...prompt, ...completion], label: row.label, tools };
  }
  if (prompt && completion) return { type: "chat", messages: [...prompt, ...completion], lossOn: "last", tools };
  const messages = turns(row.messages, "user");
  if (messages) return { type: "chat", messages, lossOn: "all", tools };
  const names = Object.keys(row).join(", ");
  throw new ConfigError(
    `rows with the columns ${names} have no other form but Parquet: export SFT, DPO or KTO datasets`,
  );
}

function turns(value: unknown, role: ChatMessage["role"]): Turns | null {
  if (typeof value === "string") return [{ role, content: value }];
  return Array.isArray(value) ? (value as Turns) : null;
}
