import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import type { ChatMessage } from "@whetstone/core";
import { parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildDpoDataset } from "../dpo.js";
import { buildGrpoDataset } from "../grpo.js";
import { buildKtoDataset } from "../kto.js";
import { interaction, storeOf } from "../recorded.fixture.js";
import { buildRewardDataset } from "../reward.js";
import { buildSftDataset } from "../sft.js";
import { writeDataset } from "../write-dataset.js";
import { type ExportTarget, exportDataset } from "./export-dataset.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-export-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (...names: string[]) => join(folder, ...names);
const read = (...names: string[]) => readFileSync(at(...names), "utf8");
const rows = (...names: string[]) =>
  read(...names)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

const TOOLS = [{ type: "function" as const, function: { name: "add", parameters: { type: "object" } } }];
const CALL = { id: "c1", type: "function" as const, function: { name: "add", arguments: { a: 1, b: [2, "é"] } } };

/** A conversation with a tool call in it, and a plain question with a good and a bad answer. */
function store() {
  const said = (answer: string): ChatMessage[] => [
    { role: "system", content: "You add." },
    { role: "user", content: "1 + 2?" },
    { role: "assistant", content: "", tool_calls: [CALL] },
    { role: "tool", content: "3", tool_call_id: "c1" },
    { role: "assistant", content: answer },
  ];
  const trajectory = (answer: string, overall: number) =>
    interaction({ query: "1 + 2?", answer, overall, messages: said(answer), tools: TOOLS });
  const plain = (answer: string, overall: number) => interaction({ query: "Who are you?", answer, overall });
  return storeOf([trajectory("It is 3.", 1), trajectory("It is 4.", 0), plain("An adder.", 1), plain("Nobody.", 0)]);
}

async function exported(method: "sft" | "turns" | "dpo" | "reward" | "kto", to: ExportTarget) {
  const from = await store();
  const builds = {
    sft: () => buildSftDataset(from),
    turns: () => buildSftDataset(from, { perTurn: true }),
    dpo: () => buildDpoDataset(from),
    reward: () => buildRewardDataset(from),
    kto: () => buildKtoDataset(from),
  };
  await writeDataset(builds[method](), at(method));
  return exportDataset(at(method), at("out"), { to });
}

const WIRE_CALL = { ...CALL, function: { name: "add", arguments: '{"a":1,"b":[2,"é"]}' } };

describe("for services", () => {
  it.each(["together", "fireworks", "azure"] as const)("%s gets conversations with arguments as texts", async (to) => {
    const { path, rows: count, leftOut, warnings } = await exported("sft", to);
    expect({ path, count, leftOut }).toEqual({ path: at("out"), count: 2, leftOut: {} });
    expect(warnings).toEqual(
      to === "together" ? [] : [`${to} takes files of ${to === "azure" ? 10 : 3} rows or more, and train.jsonl has 2`],
    );
    expect(readdirSync(path).sort()).toEqual(["manifest.json", "train.jsonl"]);
    expect(rows("out", "train.jsonl")).toEqual([
      {
        messages: [
          { role: "system", content: "You add." },
          { role: "user", content: "1 + 2?" },
          { role: "assistant", content: "", tool_calls: [WIRE_CALL] },
          { role: "tool", content: "3", tool_call_id: "c1" },
          { role: "assistant", content: "It is 3." },
        ],
        tools: TOOLS,
      },
      {
        messages: [
          { role: "user", content: "Who are you?" },
          { role: "assistant", content: "An adder." },
        ],
      },
    ]);
  });

  it("are told not to learn the earlier turns of a prompt", async () => {
    await exported("turns", "fireworks");
    const weights = rows("out", "train.jsonl").map(({ messages }) =>
      messages.map(({ role, weight }: { role: string; weight?: number }) => (weight === 0 ? "0" : role[0])).join(""),
    );
    expect(weights).toEqual(["sua", "su0ta", "ua"]);
  });

  it.each(["dpo", "reward"] as const)("get pairs of %s as preferences, without metadata", async (method) => {
    await exported(method, "azure");
    expect(rows("out", "train.jsonl").at(-1)).toEqual({
      input: { messages: [{ role: "user", content: "Who are you?" }] },
      preferred_output: [{ role: "assistant", content: "An adder." }],
      non_preferred_output: [{ role: "assistant", content: "Nobody." }],
    });
    expect(rows("out", "train.jsonl")[0].input.tools).toEqual(TOOLS);
  });

  it("do not get what they would refuse: it is counted", async () => {
    expect(await exported("dpo", "fireworks")).toMatchObject({ rows: 1, leftOut: { toolTurns: 1 } });
    const talk = (...roles: ChatMessage["role"][]) => ({ messages: roles.map((role) => ({ role, content: role })) });
    const given = [talk("user", "assistant"), talk("user", "user", "assistant"), talk("user", "system", "assistant")];
    await writeDataset([...given, talk("user")], at("talk.jsonl"));
    const options = { to: "together" } as const;
    expect(await exportDataset(at("talk.jsonl"), at("talk"), options)).toMatchObject({
      rows: 1,
      leftOut: { turnOrder: 3 },
    });
    expect(await exportDataset(at("talk.jsonl"), at("azure.jsonl"), { to: "azure" })).toMatchObject({ rows: 2 });
    expect(rows("azure.jsonl")).toEqual(given.slice(0, 2));
  });
});

it("writes both splits, and replaces only what is an export", async () => {
  const from = await storeOf(
    Array.from({ length: 20 }, (_, i) => interaction({ query: `q${i} w${i}?`, answer: `a${i}`, overall: 1 })),
  );
  await writeDataset(buildSftDataset(from), at("sft"), { testShare: 0.3 });
  const options = { to: "together" } as const;
  const { files } = await exportDataset(at("sft"), at("out"), options);
  expect((files["train.jsonl"]?.rows ?? 0) + (files["test.jsonl"]?.rows ?? 0)).toBe(20);
  await expect(exportDataset(at("sft"), at("out"), options)).rejects.toThrow(/holds a dataset already/);
  await exportDataset(at("sft"), at("out"), { to: "axolotl", overwrite: true });
  await exportDataset(at("sft"), at("out"), { to: "llama-factory", overwrite: true });
  expect(readdirSync(at("out"))).toContain("llama-factory.yaml");
  writeFileSync(at("out", "notes.txt"), "mine");
  await expect(exportDataset(at("sft"), at("out"), { ...options, overwrite: true })).rejects.toThrow(/notes\.txt/);
  expect(readdirSync(folder).sort()).toEqual(["out", "sft"]);
});

describe("for Axolotl", () => {
  it("writes conversations with settings that name the folder", async () => {
    await exported("sft", "axolotl");
    expect(readdirSync(at("out")).sort()).toEqual(["README.md", "axolotl.yaml", "manifest.json", "train.jsonl"]);
    const [trajectory, plain] = rows("out", "train.jsonl");
    expect(trajectory.messages[2].tool_calls).toEqual([WIRE_CALL]);
    expect(JSON.parse(trajectory.tools)[0].function).toEqual({ name: "add", parameters: '{"type":"object"}' });
    expect(plain.tools).toBeNull();
    expect(read("out", "axolotl.yaml")).toContain(`datasets:
  - path: "./out"
    split: "train"
    type: "chat_template"
    field_messages: "messages"
    field_tools: "tools"
    roles_to_train: ["assistant"]
    train_on_eos: "turn"
`);
  });

  it("marks the turn that is learnt", async () => {
    await exported("turns", "axolotl");
    const marks = rows("out", "train.jsonl").map(({ messages }) =>
      messages.map((turn: { train: boolean }) => turn.train),
    );
    expect(marks).toEqual([
      [false, false, true],
      [false, false, false, false, true],
      [false, true],
    ]);
    expect(read("out", "axolotl.yaml")).toContain('message_field_training: "train"');
  });

  it("writes pairs without tools, and has no form for labels", async () => {
    expect(await exported("dpo", "axolotl")).toMatchObject({ rows: 1, leftOut: { toolTurns: 1 } });
    expect(rows("out", "train.jsonl")).toEqual([
      {
        messages: [{ role: "user", content: "Who are you?" }],
        chosen: { role: "assistant", content: "An adder." },
        rejected: { role: "assistant", content: "Nobody." },
      },
    ]);
    expect(read("out", "axolotl.yaml")).toContain('rl: "dpo"');
    rmSync(at("out"), { recursive: true });
    await expect(exported("kto", "axolotl")).rejects.toThrow(/labels \(KTO\)/);
  });
});

describe("for LLaMA-Factory", () => {
  it("writes trajectories in its own form, which a loader cannot guess wrong", async () => {
    await exported("sft", "llama-factory");
    expect(rows("out", "train.jsonl")).toEqual([
      {
        conversations: [
          { from: "human", value: "1 + 2?" },
          { from: "function_call", value: '[{"name":"add","arguments":{"a":1,"b":[2,"é"]}}]' },
          { from: "observation", value: "3" },
          { from: "gpt", value: "It is 3." },
        ],
        system: "You add.",
        tools: '[{"name":"add","parameters":{"type":"object"}}]',
      },
      {
        conversations: [
          { from: "human", value: "Who are you?" },
          { from: "gpt", value: "An adder." },
        ],
        system: "",
        tools: "",
      },
    ]);
    expect(JSON.parse(read("out", "dataset_info.json")).train).toMatchObject({ file_name: "train.jsonl" });
    expect(read("out", "llama-factory.yaml")).toContain('stage: "sft"');
  });

  it.each([
    ["dpo", "dpo", { ranking: true, columns: { chosen: "chosen", rejected: "rejected" } }],
    ["reward", "rm", { ranking: true, columns: { chosen: "chosen", rejected: "rejected" } }],
    ["kto", "kto", { columns: { kto_tag: "label" } }],
  ] as const)("writes %s for the stage %s", async (method, stage, entry) => {
    await exported(method, "llama-factory");
    expect(JSON.parse(read("out", "dataset_info.json")).train).toMatchObject(entry);
    expect(read("out", "llama-factory.yaml")).toContain(`stage: "${stage}"`);
    const last = rows("out", "train.jsonl").at(-1);
    if (method === "kto") expect(last).toMatchObject({ label: false, conversations: [{}, { value: "Nobody." }] });
    else
      expect(last).toMatchObject({ chosen: { from: "gpt", value: "An adder." }, conversations: [{ from: "human" }] });
  });

  it("leaves out what it would skip or misread", async () => {
    const turns = (...messages: object[]) => ({ messages });
    const user = { role: "user", content: "?" };
    const calls = { role: "assistant", content: "I look.", tool_calls: [CALL] };
    const result = { role: "tool", content: "3", tool_call_id: "c1" };
    const answer = { role: "assistant", content: "3" };
    await writeDataset(
      [turns(user, answer), turns(user, user, answer), turns(user, calls, result, answer), turns(user)],
      at("odd.jsonl"),
    );
    expect(await exportDataset(at("odd.jsonl"), at("odd"), { to: "llama-factory" })).toMatchObject({
      rows: 1,
      leftOut: { turnOrder: 2, textBesideCall: 1 },
    });
  });
});

describe("Parquet", () => {
  it("holds the rows of every method, with their columns", async () => {
    await writeDataset(buildGrpoDataset(await store(), { groupSize: 2 }), at("grpo"));
    const { files } = await exportDataset(at("grpo"), at("out"), { to: "parquet" });
    expect(readdirSync(at("out")).sort()).toEqual(["README.md", "manifest.json", "train.parquet"]);
    expect(files["train.parquet"]).toMatchObject({ rows: 2 });
    const bytes = readFileSync(at("out", "train.parquet"));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const compressors = { BROTLI: (input: Uint8Array) => new Uint8Array(brotliDecompressSync(input)) };
    expect(await parquetReadObjects({ file, compressors })).toEqual(rows("grpo", "train.jsonl"));
    expect(read("out", "README.md")).toContain('  - name: "responses"\n    dtype: json');
  });
});

it("says what an export cannot do", async () => {
  await writeDataset(buildGrpoDataset(await store(), { groupSize: 2 }), at("grpo"));
  await expect(exportDataset(at("grpo"), at("out"), { to: "azure" })).rejects.toThrow(/no other form but Parquet/);
  await expect(exportDataset(at("nothing"), at("out"), { to: "azure" })).rejects.toThrow(/is no dataset/);
  await expect(exportDataset(at("grpo"), at("x.jsonl"), { to: "parquet" })).rejects.toThrow(/name a folder/);
  await expect(exportDataset(at("grpo"), at("out"), { to: "openai" as "azure" })).rejects.toThrow(
    /use one of together/,
  );
  await writeDataset([{ messages: [{ role: "user", content: "?" }] }], at("silent.jsonl"));
  await expect(exportDataset(at("silent.jsonl"), at("out"), { to: "azure" })).rejects.toThrow(/turnOrder 1/);
  expect(readdirSync(folder).sort()).toEqual(["grpo", "silent.jsonl"]);
});
