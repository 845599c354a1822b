import type { Validator } from "@cfworker/json-schema";
import type { StoredInteraction } from "../annotation.js";
import { ConfigError } from "../errors.js";
import type { JsonObject } from "../json.js";
import type { Score } from "../scorer.js";
import { jsonInAnswer } from "./json-in-answer.js";

export interface JsonSchemaOptions {
  /** The schema, or what finds an interaction's own; null is *cannot say*. */
  readonly schema: JsonObject | boolean | ((interaction: StoredInteraction) => JsonObject | boolean | null);
  /** Default: what the schema's `$schema` says, else 2020-12. */
  readonly draft?: "4" | "7" | "2019-09" | "2020-12" | undefined;
}

/** Says whether answers fit schemas, and keeps what it made of a schema. `jsonSchema` loads it. */
export function schemaFit(
  draft: JsonSchemaOptions["draft"],
): (answer: string, wanted: JsonObject | boolean) => Promise<Score> {
  const validators = new WeakMap<object, Validator>();

  return async (answer, wanted) => {
    const validator = await validatorOf(wanted);
    const found = jsonInAnswer(answer);
    if (!found) return verdict(0, "the answer is no JSON");
    const { valid, errors } = validated(validator, found.value);
    if (valid) return verdict(1, "the answer fits the schema");
    const deepest = errors.at(-1);
    return verdict(0, deepest ? `${deepest.instanceLocation.slice(1) || "the answer"}: ${deepest.error}` : "no fit");
  };

  async function validatorOf(wanted: JsonObject | boolean): Promise<Validator> {
    const known = typeof wanted === "object" ? validators.get(wanted) : undefined;
    if (known) return known;
    const { Validator } = await loadValidator();
    const validator = new Validator(wanted as ConstructorParameters<typeof Validator>[0], draft ?? draftOf(wanted));
    if (typeof wanted === "object") validators.set(wanted, validator);
    return validator;
  }
}

function draftOf(schema: JsonObject | boolean): "4" | "7" | "2019-09" | "2020-12" {
  const named = typeof schema === "object" && typeof schema.$schema === "string" ? schema.$schema : "";
  if (/draft-0[46]\b/.test(named)) return "4";
  if (/draft-07\b/.test(named)) return "7";
  return named.includes("2019-09") ? "2019-09" : "2020-12";
}

function validated(validator: Validator, value: unknown): ReturnType<Validator["validate"]> {
  try {
    return validator.validate(value);
  } catch (cause) {
    // It looks references and patterns up as it meets them.
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new ConfigError(`the JSON Schema cannot be used: ${reason}`, { cause });
  }
}

async function loadValidator(): Promise<typeof import("@cfworker/json-schema")> {
  try {
    return await import("@cfworker/json-schema");
  } catch (cause) {
    throw new ConfigError("jsonSchema needs a package: npm install @cfworker/json-schema", { cause });
  }
}

const verdict = (value: 0 | 1, rationale: string) => ({ scores: { overall: value, correctness: value }, rationale });
