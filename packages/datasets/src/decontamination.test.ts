import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readEvalFiles } from "./decontamination.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-eval-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function evalFile(...rows: unknown[]): Promise<string> {
  const path = join(folder, "eval.jsonl");
  await writeFile(path, rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n"));
  return path;
}

async function questionsOf(path: string) {
  const evals = await readEvalFiles([path]);
  if (!evals) throw new Error("there is a file");
  return evals.knows;
}

const asked = (content: string) => [{ role: "user" as const, content }];
const train =
  "A train leaves the city at nine in the morning and travels at eighty kilometres an hour towards the coast.";

it("knows questions under any of the usual names, whatever their case and punctuation", async () => {
  const path = await evalFile(
    { question: "Who wrote Faust?" },
    { prompt: "Name the largest planet of our system" },
    { prompt: [{ role: "system", content: "Be kind, please" }, ...asked("Which river flows through Cairo?")] },
    { messages: [...asked("What is the boiling point of water?"), { role: "assistant", content: "100 °C indeed" }] },
    { query: null, input: "Largest prime below one hundred" },
  );
  const knows = await questionsOf(path);
  for (const known of [
    "who wrote FAUST",
    "Name the largest planet of our system!",
    "Which river flows through Cairo?",
    "what is the boiling point of water",
    "largest prime below one hundred",
  ]) {
    expect(knows(asked(known)), known).toBe(true);
  }
  for (const unknown of ["Who wrote Hamlet?", "Be kind, please", "100 °C indeed", "Which river?"]) {
    expect(knows(asked(unknown)), unknown).toBe(false);
  }
});

it("finds a question within a longer text, and one with a few words changed", async () => {
  const knows = await questionsOf(await evalFile({ question: train }));
  expect(knows(asked(`Solve this, step by step and with care, for me: ${train} When does it arrive?`))).toBe(true);
  expect(knows(asked(train.replace("eighty", "ninety")))).toBe(true);
  expect(knows(asked("A train leaves the station at ten, and another one at noon."))).toBe(false);
  expect(knows([...asked(train), { role: "assistant", content: "Noon." }, ...asked("Sure?")])).toBe(true);
  expect(knows([{ role: "system", content: train }])).toBe(false);
});

it.each([
  ['{"answer": 1}', /no question in line 2: decontaminate reads JSONL rows with one of "messages", "prompt"/],
  ["not JSON", /no question in line 2/],
  ['{"messages": [{"role": "assistant", "content": "a"}]}', /no question in line 2/],
])("refuses a row without a question: %s", async (row, message) => {
  const path = await evalFile({ question: "a" }, row);
  await expect(readEvalFiles([path])).rejects.toThrow(message);
  await expect(readEvalFiles([path])).rejects.toThrow(ConfigError);
});

it("refuses a file that is not there", async () => {
  await expect(readEvalFiles([join(folder, "none.jsonl")])).rejects.toThrow(/none\.jsonl cannot be read \(ENOENT/);
});

it("reads a question that holds a separator of lines or paragraphs, as JSON may", async () => {
  const knows = await questionsOf(await evalFile({ question: `Who wrote\u2028Faust, and\u2029when?` }));
  expect(knows(asked("Who wrote Faust, and when?"))).toBe(true);
});
