import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { interaction } from "../testing/interaction.js";
import { jsonSchema } from "./json-schema.js";
import type { JsonSchemaOptions } from "./schema-fit.js";

const PERSON = {
  properties: { name: { type: "string", minLength: 1 }, age: { type: "integer" } },
  required: ["name"],
  additionalProperties: false,
};

async function verify(answer: string, schema: JsonSchemaOptions["schema"], options: Partial<JsonSchemaOptions> = {}) {
  return jsonSchema({ schema, ...options })(interaction({ answer }), {});
}

describe("jsonSchema", () => {
  it("speaks as verifier:json-schema and says where it does not fit", async () => {
    expect(jsonSchema({ schema: true }).source).toBe("verifier:json-schema");
    const score = await verify('{"name": "Ada", "age": 1.5}', PERSON);
    expect(score).toMatchObject({ scores: { overall: 0, correctness: 0 } });
    expect(score?.rationale).toContain("/age");
  });

  it.each([
    ['{"name": "Ada"}', 1],
    ['```json\n{"name": "Ada", "age": 36}\n```', 1],
    ['```\n{"name": "Ada"}\n```\n', 1],
    ['<think>{}</think>{"name": "Ada"}', 1],
    ['{"name": ""}', 0],
    ['{"age": 36}', 0],
    ['{"name": "Ada", "x": 1}', 0],
    ['Here you are: {"name": "Ada"}', 0],
    ['{"name": "Ada"} {"name": "Bob"}', 0],
    ['```json\n{"name": "Ada"}\n```\n```json\n{}\n```', 0],
    ["{'name': 'Ada'}", 0],
    ["", 0],
    [":", 0],
    ["Solution", 0],
  ])("scores %j as %d", async (answer, overall) => {
    expect((await verify(answer, PERSON))?.scores.overall).toBe(overall);
  });

  it.each([
    ["constraints that stand without a type", { required: ["a"] }, "{}", 0],
    ["not", { not: { type: "string" } }, "1", 1],
    // biome-ignore lint/suspicious/noThenProperty: it is JSON Schema's word
    ["if and then", { if: { properties: { a: { const: 1 } } }, then: { required: ["b"] } }, '{"a": 1}', 0],
    ["objects as constants", { const: { a: [1] } }, '{"a": [1]}', 1],
    ["lengths in characters", { maxLength: 1 }, '"😀"', 1],
    ["references within the schema", { $ref: "#/definitions/n", definitions: { n: { type: "string" } } }, "1", 0],
    ["formats", { format: "date" }, '"2020-13-01"', 0],
  ])("knows %s", async (_, schema, answer, overall) => {
    expect((await verify(answer, schema))?.scores.overall).toBe(overall);
  });

  it("takes an interaction's own schema, and cannot say where there is none", async () => {
    const schema: JsonSchemaOptions["schema"] = ({ metadata }) => (metadata?.schema as Record<string, never>) ?? null;
    const verifier = jsonSchema({ schema });
    const score = await verifier(interaction({ answer: "1", metadata: { schema: { type: "number" } } }), {});
    expect(score?.scores.overall).toBe(1);
    expect(await verifier(interaction({ answer: "1" }), {})).toBeNull();
  });

  it("refuses what is no schema, and a schema whose references lead nowhere", async () => {
    expect(() => jsonSchema({ schema: [] as never })).toThrow(ConfigError);
    expect(() => jsonSchema({ schema: true, draft: "3" as never })).toThrow(ConfigError);
    await expect(verify("1", { $ref: "#/nowhere" })).rejects.toThrow(ConfigError);
  });
});
