import { textOf } from "./chat-tokenizer.js";
import type { FindingCode } from "./findings.js";

/** Notes a finding about the row at hand. */
export type Note = (code: FindingCode, detail?: string) => void;

/** A turn that has been looked at: at least a role. */
export interface Turn {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: unknown;
  readonly tool_call_id?: unknown;
}

const ROLES = new Set(["system", "user", "assistant", "tool"]);

/**
 * Checks a conversation turn by turn, the first `known` of which were checked before. Null when a turn is none, so that
 * nothing more can be said of it.
 */
export function checkTurns(
  given: readonly unknown[],
  tools: ReadonlySet<string> | null,
  note: Note,
  known = 0,
): readonly Turn[] | null {
  const open = new Set<string>();
  let openCalls = 0;
  let before = "";
  for (const [at, turn] of given.entries()) {
    const say: Note = at < known ? () => {} : note;
    if (typeof turn !== "object" || turn === null || typeof (turn as Turn).role !== "string") {
      say("notATurn", `turn ${at}`);
      return null;
    }
    const { role, content, tool_calls: calls, tool_call_id: id } = turn as Turn;
    if (!ROLES.has(role)) say("unknownRole", `turn ${at} is of "${role}"`);
    if (typeof content !== "string" && !Array.isArray(content)) say("noContent", `turn ${at}, of ${role}`);
    if (role === "system" && at > 0) say("systemNotFirst", `turn ${at}`);
    if (
      (role === "user" && before === "user") ||
      (role === "assistant" && ["", "system", "assistant"].includes(before))
    ) {
      say("rolesDoNotAlternate", `turn ${at} of ${role} follows ${before === "" ? "nothing" : before}`);
    }
    if (role === "tool") {
      if (openCalls === 0 || (before !== "assistant" && before !== "tool")) say("toolWithoutCall", `turn ${at}`);
      else if (typeof id === "string" && open.size > 0 && !open.has(id)) say("unknownToolCallId", `turn ${at}, ${id}`);
      openCalls = Math.max(0, openCalls - 1);
      if (typeof id === "string") open.delete(id);
    } else {
      openCalls = 0;
      open.clear();
    }
    if (Array.isArray(calls)) {
      for (const call of calls) {
        openCalls += 1;
        checkCall(call, at, tools, say);
        if (typeof call?.id === "string") open.add(call.id);
      }
    }
    before = role;
  }
  return given as readonly Turn[];
}

/** Whether a turn says or calls something. */
export function saysSomething({ content, tool_calls: calls }: Turn): boolean {
  const isOtherPart = (part: unknown) => (part as { readonly type?: unknown } | null)?.type !== "text";
  if (textOf(content).trim() !== "" || (Array.isArray(calls) && calls.length > 0)) return true;
  return Array.isArray(content) && content.some(isOtherPart);
}

function checkCall(call: unknown, at: number, tools: ReadonlySet<string> | null, note: Note): void {
  const called = (call as { readonly function?: { readonly name?: unknown; readonly arguments?: unknown } } | null)
    ?.function;
  if (typeof called?.name !== "string" || called.name === "") {
    note("badToolCall", `turn ${at}`);
    return;
  }
  const { name, arguments: given } = called;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    note("textArguments", `turn ${at}, ${name}`);
  }
  if (tools === null) note("callsWithoutTools", `turn ${at}, ${name}`);
  else if (!tools.has(name)) note("unknownTool", `turn ${at}, ${name}`);
}

/** The names of a row's tools, given as a list or as its JSON; null where it has none. */
export function toolNames(tools: readonly unknown[] | null): ReadonlySet<string> | null {
  if (tools === null) return null;
  const names = tools.map((tool) => {
    const { function: declared, name } = (tool ?? {}) as {
      readonly function?: { readonly name?: unknown };
      name?: unknown;
    };
    return declared?.name ?? name;
  });
  return new Set(names.filter((name) => typeof name === "string"));
}

/** The tools of a row as a list; null where there are none. */
export function toolList(given: unknown): readonly unknown[] | null {
  if (typeof given === "string") {
    try {
      return toolList(JSON.parse(given));
    } catch {
      return null;
    }
  }
  return Array.isArray(given) && given.length > 0 ? given : null;
}
