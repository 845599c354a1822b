import { ConfigError } from "../errors.js";
import type { JsonObject } from "../json.js";
import { onDemand } from "../on-demand.js";
import { type Scorer, scorer } from "../scorer.js";
import type { JsonSchemaOptions } from "./schema-fit.js";

/**
 * Scores 1 when the answer is JSON that fits a JSON Schema, else 0. The JSON may stand in one fenced block; prose
 * beside it makes it no JSON. Needs the package @cfworker/json-schema.
 */
export function jsonSchema({ schema, draft }: JsonSchemaOptions): Scorer {
  if (!isSchema(schema) && typeof schema !== "function") {
    throw new ConfigError(`schema is ${JSON.stringify(schema)}: give a JSON Schema, or a function that returns one`);
  }
  if (draft !== undefined && !DRAFTS.has(draft)) {
    throw new ConfigError(`draft is "${draft}": use "4", "7", "2019-09" or "2020-12"`);
  }
  const check = onDemand(async () => {
    const { schemaFit } = await import("./schema-fit.js");
    return schemaFit(draft);
  });

  return scorer("verifier:json-schema", async (interaction) => {
    const wanted = typeof schema === "function" ? schema(interaction) : schema;
    if (wanted === null) return null;
    if (!isSchema(wanted))
      throw new ConfigError(`the schema of ${interaction.interactionId} is no object and no boolean`);
    return (await check())(interaction.answer, wanted);
  });
}

const DRAFTS = new Set<unknown>(["4", "7", "2019-09", "2020-12"]);

const isSchema = (value: unknown): value is JsonObject | boolean =>
  typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
