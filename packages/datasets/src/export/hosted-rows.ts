import type { ChatMessage } from "@whetstone/core";
import type { Exported } from "./export-formats.js";
import type { SourceRow, Turns } from "./export-source.js";

/** A service that trains on uploaded files. */
export type HostedService = "together" | "fireworks" | "azure";

/** The fewest rows that a service takes. */
export const LEAST_ROWS: Readonly<Record<HostedService, number>> = { together: 1, fireworks: 3, azure: 10 };

/**
 * A row as services take it that follow OpenAI's files: `messages` to imitate, or `input` with a preferred and a
 * non-preferred output. There is no metadata, which they refuse or would keep.
 */
export function hostedRow(row: SourceRow, service: HostedService): Exported {
  if (row.type === "label") return { leftOut: "noForm" };
  const turns = row.type === "chat" ? row.messages : row.prompt;
  const leftOut = misfit(turns, row, service);
  if (leftOut) return { leftOut };
  const tools = row.tools ? { tools: row.tools } : {};
  if (row.type === "pair") {
    const input = { messages: row.prompt.map(wireTurn), ...tools };
    return { row: { input, preferred_output: [wireTurn(row.chosen)], non_preferred_output: [wireTurn(row.rejected)] } };
  }
  return { row: { messages: row.lossOn === "last" ? weighted(row.messages) : row.messages.map(wireTurn), ...tools } };
}

function misfit(turns: Turns, row: SourceRow, service: HostedService) {
  const last = turns.at(-1)?.role;
  if (row.type === "chat" ? last !== "assistant" : last === "assistant") return "turnOrder" as const;
  if (turns.some(({ role }, at) => role === "system" && at > 0)) return "turnOrder" as const;
  const repeats = turns.some(({ role }, at) => role !== "tool" && role === turns[at - 1]?.role);
  if (service === "together" && repeats) return "turnOrder" as const;
  const outputs = row.type === "pair" ? [row.chosen, row.rejected] : [];
  if (service === "fireworks" && row.type === "pair" && [...turns, ...outputs].some(usesTools))
    return "toolTurns" as const;
  return null;
}

export const usesTools = ({ role, tool_calls }: ChatMessage): boolean => role === "tool" || Boolean(tool_calls?.length);

/** In OpenAI's own form the arguments of a call are a text. */
export function wireTurn({ tool_calls: calls, ...turn }: ChatMessage): Record<string, unknown> {
  if (!calls?.length) return turn;
  return {
    ...turn,
    tool_calls: calls.map(({ function: { name, arguments: given }, ...call }) => ({
      ...call,
      function: { name, arguments: JSON.stringify(given) },
    })),
  };
}

/** Says of a conversation that only its last turn is to be learnt. Where there is no other, nothing has to be said. */
function weighted(turns: Turns): Record<string, unknown>[] {
  return turns.map((turn, at) =>
    turn.role === "assistant" && at < turns.length - 1 ? { ...wireTurn(turn), weight: 0 } : wireTurn(turn),
  );
}
