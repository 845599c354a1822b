import type { StoredInteraction } from "../annotation.js";
import { isJsonObject, type Json, type JsonObject } from "../json.js";
import type { Score } from "../scorer.js";

/** A tool call that an agent should have made. Without arguments only the name counts. */
export interface ExpectedToolCall {
  readonly name: string;
  readonly arguments?: JsonObject | undefined;
}

export interface ToolCallMatchOptions {
  /** Default: the metadata's `expectedToolCalls` (or `expected_tool_calls`), else a reference that is such a JSON list. */
  readonly expected?: ((interaction: StoredInteraction) => readonly ExpectedToolCall[] | null) | undefined;
  /** `ordered` (default): these calls in this order and no others. `any-order`: these and no others. `contains`: at least these. */
  readonly mode?: "ordered" | "any-order" | "contains" | undefined;
  /** `equal` (default), or `subset`: a call may have more arguments than are expected. */
  readonly arguments?: "equal" | "subset" | undefined;
}

/** What `toolCallMatch` says of the calls that an agent made. */
export function toolCallScore(
  interaction: StoredInteraction,
  { expected = expectedOf, mode = "ordered", arguments: compare = "equal" }: ToolCallMatchOptions,
): Score | null {
  const fits = (call: Call, wanted: ExpectedToolCall) =>
    call.name === wanted.name &&
    (wanted.arguments === undefined || argumentsFit(call.arguments, wanted.arguments, compare));

  const wanted = expected(interaction);
  if (wanted === null) return null;
  const made = callsOf(interaction, wanted);
  if (made === null) return null;
  const matched = mode === "ordered" ? inOrder(made, wanted, fits) : inAnyOrder(made, wanted, fits);
  const recall = wanted.length === 0 ? 1 : matched / wanted.length;
  const precision = made.length === 0 ? 1 : matched / made.length;
  const overall = recall === 1 && (mode === "contains" || precision === 1) ? 1 : 0;
  const rationale = `${matched} of ${wanted.length} expected calls made, ${made.length - matched} others`;
  return { scores: { overall, recall, precision }, rationale };
}

interface Call {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** The calls of the trajectory; their names alone where no messages were recorded and names are enough. */
function callsOf({ messages, toolsUsed }: StoredInteraction, wanted: readonly ExpectedToolCall[]): Call[] | null {
  if (messages) {
    const calls = messages.flatMap((message) => (message.role === "assistant" ? (message.tool_calls ?? []) : []));
    return calls.map((call) => call.function);
  }
  if (toolsUsed.length > 0 && wanted.some((call) => call.arguments !== undefined)) return null;
  return toolsUsed.map((name) => ({ name, arguments: {} }));
}

type Fits = (call: Call, wanted: ExpectedToolCall) => boolean;

/** The length of the longest common subsequence. */
function inOrder(made: readonly Call[], wanted: readonly ExpectedToolCall[], fits: Fits): number {
  let row = new Array<number>(wanted.length + 1).fill(0);
  for (const call of made) {
    const next = [0];
    for (const [i, expected] of wanted.entries()) {
      next.push(fits(call, expected) ? (row[i] ?? 0) + 1 : Math.max(row[i + 1] ?? 0, next[i] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Each call stands for one expected call at most; the most exacting ones choose first. */
function inAnyOrder(made: readonly Call[], wanted: readonly ExpectedToolCall[], fits: Fits): number {
  const left = [...made];
  const exacting = ({ arguments: given }: ExpectedToolCall) => (given ? Object.keys(given).length + 1 : 0);
  const bySize = [...wanted].sort((a, b) => exacting(b) - exacting(a));
  return bySize.filter((expected) => {
    const at = left.findIndex((call) => fits(call, expected));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  }).length;
}

function argumentsFit(given: JsonObject, wanted: JsonObject, compare: "equal" | "subset"): boolean {
  if (compare === "equal") return jsonEqual(given, wanted);
  return Object.entries(wanted).every(([name, value]) => Object.hasOwn(given, name) && jsonEqual(given[name], value));
}

function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: Json, i: number) => jsonEqual(item, b[i] as Json));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && jsonEqual(a[name], b[name]));
}

function expectedOf({ metadata, reference }: StoredInteraction): readonly ExpectedToolCall[] | null {
  const stated = metadata?.expectedToolCalls ?? metadata?.expected_tool_calls;
  if (stated !== undefined) return expectedCalls(stated);
  if (reference === undefined) return null;
  try {
    return expectedCalls(JSON.parse(reference) as Json);
  } catch {
    return null; // a reference for another scorer
  }
}

/** A list of `{name, arguments?}`, OpenAI's `{function: {name, arguments}}`, or names. Null for anything else. */
function expectedCalls(value: Json): readonly ExpectedToolCall[] | null {
  if (!Array.isArray(value)) return null;
  const calls = (value as readonly Json[]).map((entry): ExpectedToolCall | null => {
    if (typeof entry === "string") return { name: entry };
    if (!isJsonObject(entry)) return null;
    const call = isJsonObject(entry.function) ? entry.function : entry;
    if (typeof call.name !== "string") return null;
    const given = typeof call.arguments === "string" ? parsed(call.arguments) : call.arguments;
    return { name: call.name, ...(isJsonObject(given) && { arguments: given }) };
  });
  return calls.includes(null) ? null : (calls as ExpectedToolCall[]);
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
