import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDpoDataset } from "../dpo.js";
import { buildGrpoDataset, buildOnlineGrpoDataset } from "../grpo.js";
import { buildKtoDataset } from "../kto.js";
import { interaction, storeOf } from "../recorded.fixture.js";
import { buildRewardDataset } from "../reward.js";
import { buildSftDataset } from "../sft.js";
import { writeDataset } from "../write-dataset.js";
import type { FindingCode } from "./findings.js";
import { writeTokenizer } from "./small-tokenizer.fixture.js";
import { type ValidateOptions, type ValidationReport, validateDataset } from "./validate-dataset.js";

let folder: string;
let tokenizer: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-validate-"));
  tokenizer = await writeTokenizer(join(folder, "tokenizer"), { words: ["user", "assistant", "system"] });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function fileOf(...rows: readonly (object | string)[]): Promise<string> {
  const path = join(folder, `${++files}.jsonl`);
  await writeFile(path, rows.map((row) => `${typeof row === "string" ? row : JSON.stringify(row)}\n`).join(""));
  return path;
}
const checked = async (rows: readonly (object | string)[], options: ValidateOptions = {}) =>
  validateDataset(await fileOf(...rows), options);

const turn = (role: string, content: unknown = `of ${role}`, more: object = {}) => ({ role, content, ...more });
const QUESTION = "What is 2 + 2?";
const user = turn("user", QUESTION);
const four = turn("assistant", "4");
const prompt = [user];
const codes = ({ findings }: ValidationReport) => findings.map(({ code }) => code);
/** What small files are told anyway. */
const USUAL: readonly FindingCode[] = ["estimatedTokens", "fewSteps"];
const unusual = (report: ValidationReport) => codes(report).filter((code) => !USUAL.includes(code));
const call = (name: string, given: unknown, id = "c1") => ({
  id,
  type: "function",
  function: { name, arguments: given },
});
const tool = (name: string) => ({ type: "function", function: { name, parameters: {} } });

const sound = {
  "sft messages": [{ messages: [user, four] }, "sft"],
  "sft text": [{ text: "Question: 2 + 2? Answer: 4" }, "sft"],
  "sft prompt-completion": [{ prompt, completion: [four] }, "sft"],
  "sft strings": [{ prompt: "2 + 2 is ", completion: "4" }, "sft"],
  dpo: [{ prompt, chosen: [four], rejected: [turn("assistant", "5")] }, "dpo"],
  reward: [{ prompt, chosen: [four], rejected: [turn("assistant", "5")], margin: 0.5 }, "reward"],
  grpo: [
    {
      prompt,
      responses: [
        { text: "4", reward: 1.5 },
        { text: "5", reward: 0 },
      ],
    },
    "grpo",
  ],
  "grpo online": [{ prompt, reference: "4" }, "grpo-online"],
} as const;

describe.each(Object.entries(sound))("a row of %s", (_name, [row, method]) => {
  it("is recognised by its columns, and nothing is found in it", async () => {
    const report = await checked([row]);
    expect(report.method).toBe(method);
    expect(unusual(report)).toEqual([]);
    expect(report.status).toBe("warnings");
    expect(report.rows).toBe(1);
    expect(report.tokens.rows).toBe(1);
  });
});

describe("a row with one fault", () => {
  const messages = (...turns: readonly unknown[]) => ({ messages: turns });
  const pair = (chosen: unknown, rejected: unknown) => ({
    prompt,
    chosen: [turn("assistant", chosen)],
    rejected: [turn("assistant", rejected)],
  });
  const asks = (...calls: readonly unknown[]) => turn("assistant", "", { tool_calls: calls });
  const receipt = (id = "c1") => turn("tool", "4", { tool_call_id: id });
  const tools = [tool("add")];

  it.each<readonly [FindingCode, object | string]>([
    ["notJson", '{"messages": ['],
    ["notJson", "[1, 2]"],
    ["nonFiniteNumber", '{"prompt":"a","responses":[{"text":"x","reward":NaN}]}'],
    ["repeatedKey", '{"text":"a b","text":"c d"}'],
    ["loneSurrogate", '{"text":"half a smile \\ud83d"}'],
    ["unknownColumns", { question: "2 + 2?", answer: "4" }],
    ["missingColumn", { prompt, chosen: [four] }],
    ["reservedColumn", { ...sound["sft messages"][0], images: null }],
    ["reservedColumn", { ...sound["sft prompt-completion"][0], messages: [user, four] }],
    ["agentTraceColumns", { id: "1", source: "x", model: "y", system_prompt: "z", messages: [user, four] }],
    ["mixedForms", { prompt: "2 + 2?", completion: [four] }],
    ["emptyMessages", messages()],
    ["notATurn", messages("hello", four)],
    ["unknownRole", messages(turn("developer"), user, four)],
    ["noContent", messages(turn("user", null), four)],
    ["noAssistantTurn", messages(user)],
    ["lastTurnNotAssistant", messages(user, four, turn("user", "thanks"))],
    ["promptEndsWrong", { prompt: [turn("system")], completion: [four] }],
    ["emptyPrompt", { prompt: " ", completion: "4" }],
    ["emptyCompletion", { prompt, completion: [turn("assistant", "  ")] }],
    ["emptyCompletion", messages(user, turn("assistant", ""))],
    ["completionNotAssistant", { prompt, completion: [turn("user", "and 3 + 3?"), four] }],
    ["toolWithoutCall", { messages: [user, receipt(), four], tools }],
    ["unknownToolCallId", { messages: [user, asks(call("add", {})), receipt("c2"), four], tools }],
    ["textArguments", { messages: [user, asks(call("add", "{}")), receipt(), four], tools }],
    ["badToolCall", { messages: [user, asks({}), receipt(), four], tools }],
    ["unknownTool", { messages: [user, asks(call("subtract", {})), receipt(), four], tools }],
    ["callsWithoutTools", messages(user, asks(call("add", {})), receipt(), four)],
    [
      "nullInTools",
      { messages: [user, four], tools: [{ type: "function", function: { name: "add", parameters: null } }] },
    ],
    ["systemNotFirst", messages(user, turn("system"), four)],
    ["rolesDoNotAlternate", messages(user, user, four)],
    ["identicalPair", pair("4", " 4 ")],
    ["implicitPrompt", { chosen: [user, four], rejected: [user, turn("assistant", "5")] }],
    ["smallGaps", { ...pair("4", "5"), metadata: { quality_diff: 0.05 } }],
    ["badLabel", { prompt, completion: [four], label: 1 }],
    [
      "badReward",
      {
        prompt,
        responses: [
          { text: "a", reward: "1" },
          { text: "b", reward: 0 },
        ],
      },
    ],
    ["badResponse", { prompt, responses: [{ reward: 1 }, { text: "b", reward: 0 }] }],
    ["groupTooSmall", { prompt, responses: [{ text: "a", reward: 1 }] }],
    [
      "equalRewards",
      {
        prompt,
        responses: [
          { text: "a", reward: 1 },
          { text: "b", reward: 1 },
        ],
      },
    ],
    ["controlTokens", messages(turn("user", "what does <|im_end|> mean?"), four)],
    ["personalData", messages(turn("user", "write to ada@lovelace.org"), four)],
    ["poorAnswers", messages(user, turn("assistant", "I'm sorry, but I can't help with that."))],
  ])("is found: %s", async (code, row) => {
    const report = await checked([row]);
    expect(codes(report)).toContain(code);
    const finding = report.findings.find((one) => one.code === code);
    expect(finding?.count).toBe(1);
    expect(finding?.examples[0]?.line).toBe(1);
    expect(report.status).toBe(finding?.severity === "error" ? "errors" : report.status);
  });
});

it("takes tools as JSON too, and calls that the prompt makes for the answer to use", async () => {
  const asks = turn("assistant", "", { tool_calls: [call("add", { a: 2 })] });
  const row = {
    prompt: [user, asks, turn("tool", "4", { tool_call_id: "c1" })],
    completion: [turn("assistant", "The sum of both is 4.")],
    tools: JSON.stringify([tool("add")]),
  };
  expect(unusual(await checked([row]))).toEqual([]);
});

describe("rows together", () => {
  const kto = (label: boolean, text: string) => ({ prompt, completion: [turn("assistant", text)], label });
  const dpo = (chosen: string, rejected: string, question = "2 + 2?") => ({
    prompt: [turn("user", question)],
    chosen: [turn("assistant", chosen)],
    rejected: [turn("assistant", rejected)],
  });
  const many = (count: number, row: (i: number) => object) => Array.from({ length: count }, (_, i) => row(i));

  it("show repeats and contradictions", async () => {
    const report = await checked([dpo("4", "5"), dpo("5", "4"), dpo("4", "5")]);
    expect(report.findings.find(({ code }) => code === "repeatedRows")).toMatchObject({
      count: 1,
      examples: [{ line: 3 }],
    });
    // The third repeats the first, and so contradicts the second again.
    expect(report.findings.find(({ code }) => code === "contradictions")?.count).toBe(2);
    expect(unusual(await checked([kto(true, "4"), kto(false, "4")]))).toContain("contradictions");
  });

  it("show labels of one kind, and weights for those out of balance", async () => {
    expect(unusual(await checked([kto(true, "4"), kto(true, "four")]))).toContain("oneClassOnly");
    const report = await checked([kto(false, "5"), ...many(4, (i) => kto(true, `4${" ".repeat(i)}.`))]);
    expect(unusual(report)).toContain("classImbalance");
    expect(report.labels).toEqual({ wanted: 4, unwanted: 1, desirableWeight: 0.25, undesirableWeight: 1 });
  });

  it("show a prompt that has most rows, and chosen answers that are long as a rule", async () => {
    const long = "a long answer ".repeat(10);
    const report = await checked(many(40, (i) => dpo(`${long}${i}`, `${i}`, i % 4 === 0 ? "the usual?" : `q ${i}?`)));
    expect(unusual(report)).toEqual(expect.arrayContaining(["dominantPrompt", "lengthBias"]));
    expect(report.findings.find(({ code }) => code === "dominantPrompt")?.message).toContain("10 of 40");
  });

  it("show texts and message lists in one column, and columns that come and go", async () => {
    const report = await checked([
      { prompt: "a", completion: "b" },
      { prompt, completion: [four] },
      { prompt: "c", completion: "d", note: 1 },
    ]);
    expect(report.findings.find(({ code }) => code === "mixedForms")?.examples[0]?.line).toBe(2);
    expect(unusual(report)).toEqual(expect.arrayContaining(["mixedTypes", "changingColumns"]));
  });

  it("are of one method", async () => {
    const report = await checked([dpo("4", "5"), { messages: [user, four] }]);
    expect(report.method).toBe("dpo");
    expect(report.findings.find(({ code }) => code === "missingColumn")?.examples).toEqual([
      { file: expect.any(String), line: 2, detail: "for dpo, in a row of messages" },
    ]);
  });

  it("are compared with the method that is wanted", async () => {
    expect(unusual(await checked([{ messages: [user, four] }], { method: "dpo" }))).toContain("missingColumn");
    expect(unusual(await checked([dpo("4", "5")], { method: "kto" }))).toEqual([]);
    expect(unusual(await checked([{ prompt, question: "x" }], { method: "grpo-online" }))).toEqual([]);
    expect(unusual(await checked([{ prompt, completions: "x" }], { method: "grpo-online" }))).toEqual([
      "reservedColumn",
    ]);
    await expect(checked([dpo("4", "5")], { method: "ppo" as never })).rejects.toThrow('method is "ppo"');
  });

  it("make steps, and batches that the generations must fit in", async () => {
    const rows = many(20, (i) => ({ prompt: [turn("user", `${i} + 1?`)] }));
    const report = await checked(rows, { batchSize: 6, numGenerations: 4 });
    expect(unusual(report)).toContain("batchNotDivisible");
    expect(report.findings.find(({ code }) => code === "fewSteps")?.message).toContain("20 rows in batches of 6");
    expect(codes(await checked([kto(true, "4"), kto(false, "5")], { batchSize: 1 }))).toContain("batchTooSmall");
  });
});

describe("a folder", () => {
  const sft = (question: string) => ({ messages: [turn("user", question), four] });
  const story =
    "Tell me the story of the ship that sailed from the harbour with nobody at the helm, and what became of it.";

  it("whose training part has a prompt of the test part, or one nearly the same, says so", async () => {
    const path = await mkdtemp(join(folder, "split-"));
    const write = (name: string, ...rows: readonly object[]) =>
      writeFile(join(path, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    await write("train.jsonl", sft("2 + 2?"), sft(story), sft("3 + 3?"));
    await write("test.jsonl", sft("2 + 2?"), sft(`Please, ${story}`));
    const report = await validateDataset(path);
    expect(report.files).toEqual([
      { name: "test.jsonl", part: "test", rows: 2 },
      { name: "train.jsonl", part: "train", rows: 3 },
    ]);
    expect(report.findings.find(({ code }) => code === "promptInTest")).toMatchObject({
      count: 1,
      examples: [{ line: 1 }],
    });
    expect(report.findings.find(({ code }) => code === "similarPromptInTest")).toMatchObject({
      count: 1,
      examples: [{ line: 2 }],
    });
  });

  it("with a card is held to the columns that the card declares", async () => {
    const path = join(folder, "declared");
    const row = { messages: [user, four], metadata: { when: "2026-01-05" } };
    await writeDataset([row, row], path);
    expect(codes(await validateDataset(path))).not.toContain("dateTexts");
    await writeFile(join(path, "train.jsonl"), `${JSON.stringify({ ...row, note: "x" })}\n`);
    expect(codes(await validateDataset(path))).toContain("undeclaredColumn");
    await rm(join(path, "README.md"));
    await writeFile(join(path, "train.jsonl"), `${JSON.stringify(row)}\n${JSON.stringify(row)}\n`);
    const report = await validateDataset(path);
    expect(report.findings.find(({ code }) => code === "dateTexts")?.examples[0]?.detail).toBe("metadata.when");
  });

  it("may hold gzipped files, a byte order mark, empty lines and lines that end in CRLF", async () => {
    const path = await mkdtemp(join(folder, "gzip-"));
    const line = JSON.stringify(sft("2 + 2?"));
    await writeFile(join(path, "train-00000-of-00001.jsonl.gz"), gzipSync(`\ufeff${line}\r\n\r\n${line}`));
    const report = await validateDataset(path);
    expect(report.rows).toBe(2);
    expect(unusual(report)).toEqual(["repeatedRows"]);
  });

  it("without a row is an error, one that is not there a refusal", async () => {
    const path = await fileOf();
    expect((await validateDataset(path)).findings.map(({ code }) => code)).toEqual(["noRows"]);
    await expect(validateDataset(join(folder, "nowhere"))).rejects.toThrow("does not exist");
    await expect(validateDataset(await mkdtemp(join(folder, "empty-")))).rejects.toThrow("holds no .jsonl file");
  });
});

it("finds what would stop a loader that guessed types from the first 10 MiB, and where", async () => {
  const filler = "x".repeat(10_000);
  const row = (more: object) => ({
    messages: [user, four],
    metadata: { score: 1, tags: [], note: null, filler, ...more },
  });
  const rows = Array.from({ length: 1_100 }, () => JSON.stringify(row({ at: "2026-01-05" })));
  const path = await fileOf(
    ...rows,
    row({ score: 0.5 }),
    row({ tags: ["a"] }),
    row({ note: "x" }),
    row({ at: "soon" }),
    row({ more: 1 }),
  );
  const report = await validateDataset(path);
  const late = report.findings.find(({ code }) => code === "lateType");
  expect(late?.count).toBe(5);
  expect(late?.examples.map(({ line, detail }) => `${line} ${detail?.split(" ")[0]}`)).toEqual([
    "1101 metadata.score",
    "1102 metadata.tags[]",
    "1103 metadata.note",
  ]);
  // A number that is written with a point makes a column of floats, whatever JavaScript reads.
  const floats = rows.map((line) => line.replace('"score":1', '"score":1.0'));
  expect(codes(await validateDataset(await fileOf(...floats, row({ score: 0.5, at: "2026-01-06" }))))).not.toContain(
    "lateType",
  );
});

describe("with a tokenizer", () => {
  // <|im_start|> user \n … <|im_end|> \n: five tokens around a text, a byte of which is one token here.
  const AROUND = 5;

  it("counts what the model's own template and tokenizer make of a row", async () => {
    const { tokens, findings } = await checked([{ messages: [user, four] }], { tokenizer });
    expect(tokens).toMatchObject({
      tokenizer,
      rows: 1,
      total: AROUND + QUESTION.length + AROUND + 1,
      // The answer, the mark that ends it and the line feed behind.
      trained: 3,
      truncated: 0,
    });
    expect(findings.map(({ code }) => code)).toEqual(["fewSteps"]);
  });

  it("counts both answers of a pair, and the loss on the answers alone", async () => {
    const row = { prompt, chosen: [four], rejected: [turn("assistant", "five")] };
    const { tokens } = await checked([row], { tokenizer });
    const before = AROUND + QUESTION.length + 3;
    expect(tokens).toMatchObject({ total: 2 * before + 3 + 6, trained: 3 + 6, longest: before + 6 });
  });

  it("tells how many rows are cut off, and which have no room for an answer", async () => {
    const of = (length: number) => ({
      prompt: [turn("user", "x".repeat(length))],
      completion: [turn("assistant", "y".repeat(20))],
    });
    const report = await checked([of(10), of(100), of(140), of(300)], { tokenizer, maxLength: 128 });
    expect(report.tokens).toMatchObject({ truncated: 3, truncatedShare: 0.75, maxLength: 128 });
    expect(report.findings.find(({ code }) => code === "promptTooLong")?.examples.map(({ line }) => line)).toEqual([
      3, 4,
    ]);
    expect(report.tokens.histogram).toEqual([
      { below: 64, rows: 1 },
      { below: 128, rows: 0 },
      { below: 256, rows: 2 },
      { below: 512, rows: 1 },
    ]);
    expect(report.findings.find(({ code }) => code === "truncatedRows")?.message).toContain("3 of 4 rows (75.0 %)");
  });

  it("says what a template refuses, does not mark or writes in another way later on", async () => {
    const strict = `{%- if messages[0].role == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- for m in messages -%}[{{ m.role }}]{{ m.content.split('</think>')[-1] if not loop.last else m.content }}{%- endfor -%}`;
    const path = await writeTokenizer(join(folder, "strict"), { template: strict });
    const thinking = turn("assistant", "<think>hm</think>4");
    const report = await checked(
      [{ messages: [turn("system"), user, four] }, { messages: [user, thinking, user, thinking] }],
      { tokenizer: path },
    );
    expect(report.findings.find(({ code }) => code === "templateError")?.examples[0]).toMatchObject({
      line: 1,
      detail: expect.stringContaining("System role not supported"),
    });
    expect(report.findings.find(({ code }) => code === "templateRewritesTurns")?.examples[0]?.line).toBe(2);
    expect(codes(report)).toContain("noGenerationMarks");
  });

  it("without a template counts real tokens of an estimated form, and says so", async () => {
    const path = await writeTokenizer(join(folder, "plain"), { template: null });
    const report = await checked([{ messages: [user, four] }], { tokenizer: path });
    expect(report.findings.find(({ code }) => code === "noChatTemplate")?.severity).toBe("error");
    expect(codes(await checked([{ text: "2 + 2 is 4" }], { tokenizer: path }))).toEqual(["fewSteps"]);
  });

  it("that cannot be used is refused with the reason", async () => {
    await expect(checked([{ text: "a" }], { tokenizer: join(folder, "nowhere") })).rejects.toThrow("no tokenizer.json");
    const path = await writeTokenizer(join(folder, "broken"), { template: "{% if %}" });
    await expect(checked([{ text: "a" }], { tokenizer: path })).rejects.toThrow("cannot be used");
  });

  it("counts a sample spread over the files, where one is asked for", async () => {
    const rows = Array.from({ length: 400 }, (_, i) => ({ text: `row ${i}` }));
    const { tokens } = await checked(rows, { tokenizer, sampleRows: 40 });
    expect(tokens.rows).toBeGreaterThan(35);
    expect(tokens.rows).toBeLessThan(45);
  });
});

it("finds nothing wrong in what the builders write", async () => {
  const answers = Array.from({ length: 60 }, (_, n) =>
    [1, 0.1].map((overall) =>
      interaction({
        query: `What is ${n} times ${n + 7}?`,
        answer: `${n * (n + 7) + (overall === 1 ? 0 : 1)}`,
        reference: `${n * (n + 7)}`,
        overall,
        sessionId: `s${n}`,
      }),
    ),
  ).flat();
  const store = await storeOf(answers);
  const builds = {
    sft: buildSftDataset(store),
    dpo: buildDpoDataset(store),
    reward: buildRewardDataset(store),
    kto: buildKtoDataset(store),
    grpo: buildGrpoDataset(store, { groupSize: 2 }),
    "grpo-online": buildOnlineGrpoDataset(store),
  };
  for (const [method, build] of Object.entries(builds)) {
    const path = join(folder, `built-${method}`);
    await writeDataset(build, path, { testShare: 0.2 });
    const report = await validateDataset(path, { tokenizer, batchSize: 2 });
    expect({ method: report.method, findings: report.findings }).toEqual({ method, findings: [] });
    expect(report.status).toBe("sound");
    expect(report.files.map(({ part }) => part)).toEqual(["test", "train"]);
  }
});

it("gives up when told, and says how far it is", async () => {
  const path = await fileOf(...Array.from({ length: 2_000 }, (_, i) => ({ text: `row ${i}` })));
  const stop = new AbortController();
  const seen: number[] = [];
  const run = validateDataset(path, {
    signal: stop.signal,
    onProgress({ rows, share }) {
      expect(share).toBeGreaterThan(0);
      seen.push(rows);
      if (rows >= 512) stop.abort(new Error("enough"));
    },
  });
  await expect(run).rejects.toThrow();
  expect(seen[0]).toBe(256);
  expect(seen.length).toBeLessThan(8);
});

it("is written as a report that JSON can hold", async () => {
  const path = await fileOf({ messages: [user, four] });
  const report = await validateDataset(path);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(await readFile(path, "utf8")).toContain("2 + 2");
});

it("passes over what is hidden in a folder, such as a build under way", async () => {
  const path = join(folder, "with-hidden");
  await mkdir(join(path, ".sft.0123.tmp"), { recursive: true });
  for (const name of [".sft.0123.tmp/train.jsonl", ".rows.jsonl"]) await writeFile(join(path, name), "broken\n");
  await expect(validateDataset(path)).rejects.toThrow(/holds no .jsonl file/);
  await writeFile(join(path, "train.jsonl"), `${JSON.stringify({ messages: [user, four] })}\n`);
  expect((await validateDataset(path)).files.map(({ name }) => name)).toEqual(["train.jsonl"]);
});
