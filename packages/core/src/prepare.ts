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
export function toInteraction({ interactionId, timestamp, fields, flags: snapshotFlags }: Snapshot): Interaction {
  const flags = [...snapshotFlags];
  const text = (name: string): string | undefined => {
    const value = fields[name];
    if (value === undefined) return undefined;
    if (typeof value === "string") return wellFormed(value, name, flags);
    flags.push(`${name}:changed`);
    return wellFormed(JSON.stringify(value), name, flags);
  };
  const messages = canonicalMessages(fields.messages, flags);
  const tools = canonicalTools(fields.tools, flags);
  const optional = {
    sessionId: text("sessionId"),
    userId: text("userId"),
    sources: sources(fields.sources, flags),
    retrievalMethod: text("retrievalMethod"),
    errorMessage: text("errorMessage"),
    model: text("model"),
    variant: text("variant"),
    usage: usage(fields.usage, flags),
    reference: text("reference"),
    groupId: text("groupId"),
    metadata: metadata(fields.metadata, flags),
  };
  const record: Interaction = {
    interactionId,
    timestamp,
    query: text("query") ?? "",
    answer: text("answer") ?? "",
    agentType: agentType(text("agentType"), flags),
    ...(messages && { messages }),
    ...(tools && { tools }),
    qualityScores: scores(fields.qualityScores, flags),
    latencyMs: latency(fields.latencyMs, flags),
    toolsUsed: texts(fields.toolsUsed, "toolsUsed", flags),
    errorOccurred: fields.errorOccurred === true || (fields.errorOccurred === undefined && "errorMessage" in fields),
  };
  for (const [name, value] of Object.entries(optional)) {
    if (value !== undefined) (record as Record<string, unknown>)[name] = value;
  }
  if (flags.length > 0) (record as { flags?: string[] }).flags = [...new Set(flags)];
  return record;
}

function wellFormed(text: string, name: string, flags: string[]): string {
  if (text.isWellFormed()) return text;
  flags.push(`${name}:changed`);
  return text.toWellFormed();
}

function agentType(given: string | undefined, flags: string[]): string {
  if (given === undefined || given === "") return "general";
  if (given.length <= 128) return given;
  flags.push("agentType:changed");
  return given.slice(0, 128).toWellFormed();
}

function scores(given: Json | undefined, flags: string[]): Record<string, number> {
  const kept: Record<string, number> = {};
  if (given === undefined) return kept;
  if (!isJsonObject(given)) {
    flags.push("qualityScores:dropped");
    return kept;
  }
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "number" && value >= 0 && value <= 1 && name !== "__proto__")
      kept[name.toWellFormed()] = value;
    else flags.push(`qualityScores.${name.slice(0, 64).toWellFormed()}:dropped`);
  }
  return kept;
}

function latency(given: Json | undefined, flags: string[]): number {
  if (given === undefined) return 0;
  if (typeof given === "number" && given >= 0 && Number.isFinite(given)) return given;
  flags.push("latencyMs:dropped");
  return 0;
}

function texts(given: Json | undefined, name: string, flags: string[]): string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    flags.push(`${name}:dropped`);
    return [];
  }
  const kept = given.filter((value): value is string => typeof value === "string");
  if (kept.length < given.length) flags.push(`${name}:changed`);
  return kept.map((value) => wellFormed(value, name, flags));
}

function sources(given: Json | undefined, flags: string[]): Interaction["sources"] {
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) {
    flags.push("sources:dropped");
    return undefined;
  }
  return given.map((entry) => {
    const kept: Record<string, string | number> = {};
    if (typeof entry === "string") return { id: wellFormed(entry, "sources", flags) };
    if (!isJsonObject(entry)) {
      flags.push("sources:changed");
      return kept;
    }
    for (const name of ["id", "title", "url", "text"]) {
      const value = entry[name];
      if (typeof value === "string") kept[name] = wellFormed(value, "sources", flags);
      else if (typeof value === "number" && name === "id") kept[name] = String(value);
    }
    if (typeof entry.score === "number" && Number.isFinite(entry.score)) kept.score = entry.score;
    return kept;
  });
}

function usage(given: Json | undefined, flags: string[]): Interaction["usage"] {
  if (given === undefined) return undefined;
  const count = (value: Json | undefined) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
  const inputTokens = isJsonObject(given) ? count(given.inputTokens) : undefined;
  const outputTokens = isJsonObject(given) ? count(given.outputTokens) : undefined;
  if (inputTokens === undefined || outputTokens === undefined) {
    flags.push("usage:dropped");
    return undefined;
  }
  const costUsd = isJsonObject(given) ? count(given.costUsd) : undefined;
  return { inputTokens, outputTokens, ...(costUsd !== undefined && { costUsd }) };
}

function metadata(given: Json | undefined, flags: string[]): Interaction["metadata"] {
  if (given === undefined) return undefined;
  if (!isJsonObject(given)) {
    flags.push("metadata:dropped");
    return undefined;
  }
  const mended = wellFormedJson(given);
  if (mended !== given) flags.push("metadata:changed");
  return mended;
}
