import type { Json } from "@whetstone/core";
import * as z from "zod";
import { modelText, nameText, pathText } from "./config-text.js";

const DEFAULT_RUBRIC =
  "You judge an assistant's answer. 1 means correct, complete and clear; 0 means wrong or useless. " +
  "Where a reference is given, an answer that contradicts it is wrong.";

// A key in a script that anybody may read would be no key.
const isEndpoint = (text: string) => {
  const url = URL.parse?.(text) ?? (URL.canParse(text) ? new URL(text) : null);
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password && /^[!-~]+$/.test(text);
};

const endpoint = z
  .string()
  .max(2048)
  .refine(isEndpoint)
  .describe("an http or https address without a password in it, such as http://127.0.0.1:8000/v1");
const prose = (example: string) =>
  z
    .string()
    .min(1)
    .max(16_384)
    .refine((text) => text.isWellFormed())
    .describe(`a text of 1 to 16384 characters, such as ${example}`);
const jsonObject = z
  .custom<{ readonly [key: string]: Json }>((value) => isPlainObject(value) && isPlainJson(value, 32))
  .describe('a JSON object such as {"type": "object"}, no deeper than 32 levels');
const weight = z.number().min(0).max(1000).default(1).describe("a number from 0 to 1000, such as 0.5");

/** The reward functions of online GRPO: each may be there once. */
export const rewardsSchema = z.strictObject({
  /** The reference itself, but for white space, letter case and a full stop. */
  exact: z.strictObject({ weight }).optional(),
  /** The final number is the reference's. */
  numeric: z
    .strictObject({
      weight,
      tolerance: z.number().min(0).max(1).default(1e-6).describe("a share from 0 to 1, such as 0.01"),
    })
    .optional(),
  /** The pattern, in Python's syntax, is found in the answer. */
  regex: z.strictObject({ weight, pattern: prose("^\\d+$") }).optional(),
  /** The answer is JSON that fits the schema. */
  jsonSchema: z.strictObject({ weight, schema: jsonObject }).optional(),
  /** A model behind an OpenAI-compatible endpoint; its key comes from JUDGE_API_KEY. */
  judge: z
    .strictObject({
      weight,
      baseUrl: endpoint,
      model: nameText,
      rubric: prose("Is the answer correct?").default(DEFAULT_RUBRIC),
      concurrency: z.number().int().min(1).max(1024).default(8).describe("a whole number from 1 to 1024, such as 8"),
      timeoutSeconds: z.number().positive().max(3600).default(60).describe("a number above 0 and at most 3600"),
    })
    .optional(),
  /** A reward model, such as the `reward` script saves. */
  model: z
    .strictObject({ weight, path: z.union([pathText, modelText]).describe(pathText.description ?? "") })
    .optional(),
});

const IDENTIFIER = /^[A-Za-z_]\w{0,63}$/;
// Python will not have these as names of parameters.
const KEYWORDS = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield self"
  ).split(" "),
);
const isName = (text: string) => IDENTIFIER.test(text) && !KEYWORDS.has(text);

/** A tool of online GRPO: the model's arguments are posted to its address as JSON, and the reply is the result. */
export const httpToolSchema = z.strictObject({
  name: z.string().refine(isName).describe("a name of letters, digits and _, such as search_orders"),
  description: prose("Finds a customer's orders."),
  parameters: jsonObject
    .refine(({ properties = {} }) => isPlainObject(properties) && Object.keys(properties).every(isName))
    .describe('a JSON schema whose properties have plain names, such as {"type": "object", "properties": {}}'),
  url: endpoint,
});

function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether JSON says all of a value, so that it arrives as it is. */
function isPlainJson(value: unknown, depth: number): boolean {
  if (depth === 0) return false;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every((item) => isPlainJson(item, depth - 1));
  if (!isPlainObject(value)) return value === null || typeof value === "boolean";
  return Object.entries(value).every(
    ([key, item]) => key !== "__proto__" && key.isWellFormed() && isPlainJson(item, depth - 1),
  );
}
