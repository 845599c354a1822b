import * as z from "zod";

// What cannot be a name for one reader or another: control characters, line separators, and the marks that make a
// text look different from what it is (direction overrides). Lone surrogates are no text at all.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const printable = (text: string) => !UNPRINTABLE.test(text) && text.isWellFormed();
const trimmed = (text: string) => text.trim() === text;
const isAddress = (text: string) => /^[a-z][a-z0-9+.-]*:\/\//i.test(text);

/** A file or a folder on the machine that trains. It goes into the script as it is, so odd ones are refused. */
export const pathText = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => printable(text) && trimmed(text) && !text.startsWith("-") && !isAddress(text))
  .describe(
    "a path without control or direction characters, without white space at its ends and not beginning with a dash, " +
      "such as ./whetstone-data/sft",
  );

/** A model on the Hugging Face hub, or a folder that says so: `./x`, `../x`, `/x`, `~/x` or `C:\x`. */
export const modelText = z
  .string()
  .max(4096)
  .refine((text) => HUB_ID.test(text) || (pathText.safeParse(text).success && LOCAL.test(text)))
  .describe(
    "a model of the Hugging Face hub (owner/name, without address) or a folder written with ./ or / in front, " +
      "such as Qwen/Qwen2.5-1.5B-Instruct or ./models/mine",
  );

const HUB_ID = /^\w[\w.-]*(\/\w[\w.-]*)?$/;
const LOCAL = /^(\.{1,2}[\\/]|\/|~\/|[A-Za-z]:[\\/])/;

/** A short name that is shown to people: the run, the project of a tracker. */
export const nameText = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => printable(text) && trimmed(text))
  .describe("a name of 1 to 128 characters, without control or direction characters");
