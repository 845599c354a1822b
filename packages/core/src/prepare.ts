import { canonicalMessages, canonicalTools } from "./canonical-messages.js";
import type { Interaction, InteractionInput } from "./interaction.js";
import { isJsonObject, type Json, wellFormedJson } from "./json.js";
import { type Snapshot, snapshot } from "./snapshot.js";

/** Makes a record of what a caller handed in, or says why that cannot be. For imports; the logger does the same in two steps. */
export function prepareInteraction(
  input: InteractionInput,
  { now = Date.now() }: { readonly now?: number } = {},
): { readonly interaction: Interaction } | { readonly reason: string } {
  const taken = snapshot(input, now);
  if (!taken) return { reason: "not a plain object" };
  for (const name of ["query", "answer", "agentType"]) {
    const value = taken.fields[name];
    if (typeof value !== "string") {
      return { reason: value === undefined ? `${name} is missing` : `${name} is not a text` };
    }
  }
  if (taken.flags.includes("interactionId:replaced")) {
    return {
      reason: `interactionId ${JSON.stringify(taken.fields.interactionId)} is not an id: use 1 to 128 of A-Z a-z 0-9 _ . : -`,
    };
  }
  if (taken.flags.includes("timestamp:replaced")) {
    return {
      reason: `timestamp ${JSON.stringify(taken.fields.timestamp)} is not a time: use epoch milliseconds or ISO 8601`,
    };
  }
  return { interaction: toInteraction(taken) };
}

/**
 * Makes the record of a snapshot: well-formed texts, canonical messages, scores that are finite and in 0..1, defaults.
 * Whatever the snapshot holds, the result satisfies `interactionSchema`; what had to give way is flagged.
 */
export function toInteraction({ interactionId, timestamp, fields, flags: taken }: Snapshot): Interaction {
  const flags = taken.length > 0 ? [...taken] : [];
  const record: Record<string, unknown> = {
    interactionId,
    timestamp,
    query: "",
    answer: "",
    agentType: "general",
    qualityScores: {},
    latencyMs: 0,
    toolsUsed: [],
    errorOccurred: fields.errorMessage !== undefined,
  };
  for (const name in fields) {
    const made = CONVERSIONS[name]?.(fields[name] as Json, name, flags);
    if (made !== undefined) record[name] = made;
  }
  if (flags.length > 0) record.flags = [...new Set(flags)];
  return record as Interaction;
}

/** How each field of a snapshot becomes that of a record. Undefined leaves the default, or the field out. */
const CONVERSIONS: Readonly<Record<string, (value: Json, name: string, flags: string[]) => unknown>> = {
  query: text,
  answer: text,
  agentType,
  messages: (value, _name, flags) => canonicalMessages(value, flags),
  tools: (value, _name, flags) => canonicalTools(value, flags),
  qualityScores: scores,
  sessionId: text,
  userId: text,
  latencyMs: latency,
  toolsUsed: texts,
  sources,
  retrievalMethod: text,
  errorOccurred: (value) => value === true || undefined,
  errorMessage: text,
  model: text,
  variant: text,
  usage,
  reference: text,
  groupId: text,
  metadata,
};

function text(value: Json, name: string, flags: string[]): string {
  if (typeof value === "string") return wellFormed(value, name, flags);
  flags.push(`${name}:changed`);
  return JSON.stringify(value).toWellFormed();
}

function wellFormed(text: string, name: string, flags: string[]): string {
  if (text.isWellFormed()) return text;
  flags.push(`${name}:changed`);
  return text.toWellFormed();
}

function agentType(value: Json, name: string, flags: string[]): string | undefined {
  const given = text(value, name, flags);
  if (given.length <= 128) return given || undefined;
  flags.push("agentType:changed");
  return given.slice(0, 128).toWellFormed();
}

function scores(value: Json, _name: string, flags: string[]): Record<string, number> {
  const kept: Record<string, number> = {};
  if (!isJsonObject(value)) {
    flags.push("qualityScores:dropped");
    return kept;
  }
  for (const [name, score] of Object.entries(value)) {
    if (typeof score === "number" && score >= 0 && score <= 1 && name !== "__proto__")
      kept[name.toWellFormed()] = score;
    else flags.push(`qualityScores.${name.slice(0, 64).toWellFormed()}:dropped`);
  }
  return kept;
}

function latency(value: Json, name: string, flags: string[]): number | undefined {
  if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
  flags.push(`${name}:dropped`);
  return undefined;
}

function texts(value: Json, name: string, flags: string[]): string[] | undefined {
  if (!Array.isArray(value)) {
    flags.push(`${name}:dropped`);
    return undefined;
  }
  const kept = value.filter((entry): entry is string => typeof entry === "string");
  if (kept.length < value.length) flags.push(`${name}:changed`);
  return kept.map((entry) => wellFormed(entry, name, flags));
}

function sources(value: Json, name: string, flags: string[]): Interaction["sources"] {
  if (!Array.isArray(value)) {
    flags.push(`${name}:dropped`);
    return undefined;
  }
  return value.map((entry: Json) => {
    if (typeof entry === "string") return { id: wellFormed(entry, name, flags) };
    const kept: Record<string, string | number> = {};
    if (!isJsonObject(entry)) {
      flags.push(`${name}:changed`);
      return kept;
    }
    for (const field of ["id", "title", "url", "text"]) {
      const given = entry[field];
      if (typeof given === "string") kept[field] = wellFormed(given, name, flags);
      else if (typeof given === "number" && field === "id") kept.id = String(given);
    }
    if (typeof entry.score === "number") kept.score = entry.score;
    return kept;
  });
}

function usage(value: Json, name: string, flags: string[]): Interaction["usage"] {
  const { inputTokens, outputTokens, costUsd } = isJsonObject(value) ? value : {};
  if (typeof inputTokens !== "number" || typeof outputTokens !== "number") {
    flags.push(`${name}:dropped`);
    return undefined;
  }
  return { inputTokens, outputTokens, ...(typeof costUsd === "number" && { costUsd }) };
}

function metadata(value: Json, name: string, flags: string[]): Interaction["metadata"] {
  if (!isJsonObject(value)) {
    flags.push(`${name}:dropped`);
    return undefined;
  }
  const mended = wellFormedJson(value);
  if (mended !== value) flags.push(`${name}:changed`);
  return mended;
}
