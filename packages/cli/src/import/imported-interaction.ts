import { createHash } from "node:crypto";
import {
  type Annotation,
  annotationSchema,
  type Interaction,
  interactionFields,
  prepareInteraction,
  type RecordRedactor,
} from "@whetstone/core";

/** An interaction that is ready to be stored, and what was said of it already. */
export interface ImportedInteraction {
  readonly interaction: Interaction;
  readonly annotations: readonly Annotation[];
}

export interface ImportDefaults {
  /** For interactions that do not say. */
  readonly agentType: string;
  /** Epoch milliseconds, for interactions that do not say. */
  readonly now: number;
  /** Takes secrets and personal data out; null leaves them in. */
  readonly redact: RecordRedactor | null;
}

/**
 * Returns the function that makes a stored interaction of what a mapping gave. An interaction without an id gets one
 * out of its content and of how many like it came before, so that the same file gives the same ids again.
 */
export function interactionReader({ agentType, now, redact }: ImportDefaults): (given: unknown) => ImportedInteraction {
  const occurrence = occurrenceCounter();
  return (given) => {
    const { annotations, ...known } = knownFields(given);
    const fields: Record<string, unknown> = { agentType, ...known };
    const ownId = fields.interactionId;
    const interactionId = ownId === undefined ? contentId(fields, occurrence) : idText(ownId);
    const timestamp = fields.timestamp === undefined ? now : epochMs(fields.timestamp);
    const turns = fields.messages === undefined ? {} : { query: "", answer: "" };
    // Whatever the fields hold, prepareInteraction checks or mends it; the cast only names what it takes.
    const prepared = prepareInteraction(
      { ...turns, ...fields, interactionId, timestamp } as Parameters<typeof prepareInteraction>[0],
      { now },
    );
    if ("reason" in prepared) throw new Error(prepared.reason);
    const interaction = withTurns(prepared.interaction, fields);
    const said = annotationsOf(annotations, interactionId);
    if (!redact) return { interaction, annotations: said };
    return { interaction: redact.interaction(interaction), annotations: said.map(redact.annotation) };
  };
}

/** The fields of an interaction, in one fixed order, by either of their names: `agentType` or `agent_type`. */
function knownFields(given: unknown): Record<string, unknown> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const what = given === null ? "null" : Array.isArray(given) ? "a list in a list" : `a ${typeof given}`;
    throw new Error(`the mapping gave ${what} where an interaction belongs`);
  }
  return interactionFields(given as Readonly<Record<string, unknown>>);
}

function idText(id: unknown): string {
  if (typeof id === "string") return id;
  if (typeof id === "number") return String(id);
  throw new Error(`the id is ${JSON.stringify(id)}: use 1 to 128 of A-Z a-z 0-9 _ . : -`);
}

/**
 * Reads ISO 8601, a Date, and epoch seconds or milliseconds: below 10¹¹ it is seconds. A number that comes out before
 * 2000 or after 2100 is no time of traffic but a mistake: `20260131`, microseconds, a missing value written as 0.
 */
function epochMs(time: unknown): number {
  const given = typeof time === "string" && /^\d+(\.\d+)?$/.test(time) ? Number(time) : time;
  const value = typeof given === "string" ? Date.parse(given) : given instanceof Date ? given.getTime() : given;
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
    throw new Error(`timestamp ${JSON.stringify(time)} is not a time: use ISO 8601, epoch seconds or milliseconds`);
  }
  if (typeof given !== "number") return Math.round(value);
  const ms = Math.round(value < 1e11 ? value * 1000 : value);
  if (ms >= YEAR_2000 && ms < YEAR_2100) return ms;
  const date = ms <= LAST_DATE ? new Date(ms).toISOString().split("T")[0] : "no date at all";
  const remedy = "write dates as 2026-01-31, or give epoch seconds or milliseconds";
  throw new Error(`timestamp ${JSON.stringify(time)} would be ${date}: ${remedy}`);
}

const YEAR_2000 = Date.UTC(2000, 0);
const YEAR_2100 = Date.UTC(2100, 0);
const LAST_DATE = 8.64e15;

/** Where only messages were given, the last user turn is the query and the last turn the answer. */
function withTurns(interaction: Interaction, given: Readonly<Record<string, unknown>>): Interaction {
  if (given.query !== undefined && given.answer !== undefined) return interaction;
  const { messages } = interaction;
  if (!messages) throw new Error("messages is not a list of chat messages ({role, content})");
  const query =
    given.query === undefined ? messages.findLast(({ role }) => role === "user")?.content : interaction.query;
  const last = messages.at(-1);
  const answer = given.answer === undefined ? last?.role === "assistant" && last.content : interaction.answer;
  if (query === undefined) throw new Error("the messages have no user turn, and there is no query");
  if (typeof answer !== "string")
    throw new Error("the messages do not end with an assistant turn, and there is no answer");
  return { ...interaction, query, answer };
}

function annotationsOf(given: unknown, interactionId: string): Annotation[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw new Error("annotations is not an array");
  return given.map((entry, i) => {
    const annotation = annotationSchema.safeParse({
      ...entry,
      interactionId,
      at: entry?.at === undefined ? undefined : epochMs(entry.at),
    });
    if (annotation.success) return annotation.data;
    const [issue] = annotation.error.issues;
    throw new Error(`annotation ${i + 1} is not one: its ${issue?.path.join(".") || "value"} is missing or wrong`);
  });
}

function contentId(fields: Readonly<Record<string, unknown>>, occurrence: (hash: Buffer) => number): string {
  const hash = createHash("sha256").update(JSON.stringify(fields)).digest();
  const repeat = occurrence(hash);
  const id = repeat === 0 ? hash : createHash("sha256").update(hash).update(String(repeat)).digest();
  return `import-${id.toString("hex", 0, 16)}`;
}

/**
 * Counts how often a hash came before, in 16 MiB however many there are. Two that share a slot share a count; that
 * only makes a number larger, and in the same file always by the same.
 */
function occurrenceCounter(): (hash: Buffer) => number {
  const counts = new Uint32Array(SLOTS);
  return (hash) => {
    const slot = hash.readUInt32LE(0) % SLOTS;
    const count = counts[slot] ?? 0;
    counts[slot] = count + 1;
    return count;
  };
}

const SLOTS = 2 ** 22;
