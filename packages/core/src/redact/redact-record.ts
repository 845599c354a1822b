import type { Annotation } from "../annotation.js";
import { ConfigError } from "../errors.js";
import type { Interaction } from "../interaction.js";
import type { Json, JsonObject } from "../json.js";
import { createPlaceholders, type Placeholders } from "./placeholders.js";
import { type RedactOptions, type Redactor, redactor } from "./redactor.js";

/** What `createInteractionLogger` takes: on or off, which kinds, or a function that runs after the built-in detectors. */
export type RedactOption = boolean | RedactOptions | ((text: string) => string);

/** Takes secrets and personal data out of what is about to be stored. Throws when that fails. */
export interface RecordRedactor {
  readonly interaction: (record: Interaction) => Interaction;
  readonly annotation: (annotation: Annotation) => Annotation;
}

/** The redactor of a logger's option; null when it is off. Throws a ConfigError for a wrong option. */
export function recordRedactor(option: RedactOption = true): RecordRedactor | null {
  if (option === false) return null;
  if (option !== true && typeof option !== "function" && (typeof option !== "object" || option === null)) {
    throw new ConfigError(`redact is ${String(option)}: use true, false, a list of kinds or a function`);
  }
  const redact = redactor(option === true ? {} : typeof option === "function" ? { also: option } : option);
  return {
    interaction: (record) => redactedInteraction(record, redact),
    annotation: (annotation) => redactedAnnotation(annotation, redact),
  };
}

/** How the texts of a record are read. Ids are not: what they name could no longer be found. */
const FIELDS: Readonly<Partial<Record<keyof Interaction, "text" | "secrets">>> = {
  query: "text",
  answer: "text",
  messages: "text",
  tools: "secrets",
  sources: "text",
  reference: "text",
  errorMessage: "text",
  metadata: "text",
  agentType: "secrets",
  toolsUsed: "secrets",
  retrievalMethod: "secrets",
  model: "secrets",
  variant: "secrets",
};

const READ_FIELDS = Object.entries(FIELDS) as [keyof Interaction, "text" | "secrets"][];

function redactedInteraction(record: Interaction, redact: Redactor): Interaction {
  const placeholders = createPlaceholders();
  const text: Walk = { redact, placeholders, secretsOnly: false };
  const secrets: Walk = { redact, placeholders, secretsOnly: true };
  const changes: Record<string, Json> = {};
  const flags: string[] = [];
  for (const [name, depth] of READ_FIELDS) {
    const value = record[name] as Json | undefined;
    if (value === undefined) continue;
    const made = redactedJson(value, "", depth === "text" ? text : secrets);
    if (made === value) continue;
    changes[name] = made;
    flags.push(`${name}:redacted`);
  }
  if (flags.length === 0) return record;
  return { ...record, ...changes, flags: [...new Set([...(record.flags ?? []), ...flags])] } as Interaction;
}

function redactedAnnotation(annotation: Annotation, redact: Redactor): Annotation {
  const walk: Walk = { redact, placeholders: createPlaceholders(), secretsOnly: false };
  if (annotation.kind === "score") {
    const { rationale } = annotation;
    return rationale === undefined ? annotation : { ...annotation, rationale: redactedText(rationale, "", walk) };
  }
  // The reason of a failed attempt may quote a reply, and so what the judge read.
  if (annotation.kind === "unscored") return { ...annotation, reason: redactedText(annotation.reason, "", walk) };
  const { feedback } = annotation;
  if (feedback.type !== "comment" && feedback.type !== "demonstration") return annotation;
  return { ...annotation, feedback: { ...feedback, value: redactedText(feedback.value, "", walk) } };
}

interface Walk {
  readonly redact: Redactor;
  readonly placeholders: Placeholders;
  readonly secretsOnly: boolean;
}

function redactedText(text: string, label: string, { redact, placeholders, secretsOnly }: Walk): string {
  return redact(text, { placeholders, label, secretsOnly }).text;
}

/** The very same value when nothing in it had to go. Names in an object are texts too. */
function redactedJson(value: Json, label: string, walk: Walk): Json {
  if (typeof value === "string") return redactedText(value, label, walk);
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? redactedArray(value, label, walk) : redactedObject(value as JsonObject, walk);
}

function redactedArray(value: readonly Json[], label: string, walk: Walk): Json {
  let made: Json[] | undefined;
  for (let i = 0; i < value.length; i++) {
    const entry = value[i] as Json;
    const text = redactedJson(entry, label, walk);
    if (text === entry) continue;
    made ??= [...value];
    made[i] = text;
  }
  return made ?? value;
}

function redactedObject(value: JsonObject, walk: Walk): Json {
  let made: [string, Json][] | undefined;
  const names = Object.keys(value);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const inner = value[name] as Json;
    const kept = ID_NAMES.has(name) && typeof inner === "string";
    const key = PLAIN_NAME.test(name) ? name : redactedText(name, "", walk);
    const text = kept ? redactedText(inner, name, { ...walk, secretsOnly: true }) : redactedJson(inner, name, walk);
    if (key === name && text === inner) continue;
    made ??= Object.entries(value);
    made[i] = [key, text];
  }
  return made ? Object.fromEntries(made) : value;
}

/** Most names, and shorter than any key that is made of letters alone. */
const PLAIN_NAME = /^[A-Za-z_]{1,18}$/;

/** Names of ids inside messages and sources: an id that looks like a number or an address stays comparable. */
const ID_NAMES = new Set(["id", "tool_call_id", "role", "type"]);
