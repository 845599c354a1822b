import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileStore, type StoredInteraction } from "@whetstone/core";
import { expect, it } from "vitest";
import { runJson } from "./testing/run-in-process.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

const data = process.env.WHETSTONE_REAL_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const file = join(data, "tau-bench-airline.jsonl");

// One row is one attempt at a task: the customer asks first, the last words of the assistant are the answer.
const map = `export default ({ task_id, trial, reward, traj }) => ({
  query: traj.find(({ role }) => role === "user").content,
  answer: traj.findLast(({ role }) => role === "assistant").content ?? "",
  messages: traj,
  toolsUsed: [...new Set(traj.flatMap(({ tool_calls = [] }) => tool_calls.map((call) => call.function.name)))],
  agentType: "airline",
  groupId: "task-" + task_id,
  qualityScores: { overall: reward },
  metadata: { trial },
});
`;

it.skipIf(!existsSync(file))(
  `imports 120 whole trajectories with their 810 tool calls (skipped where ${file} is absent)`,
  { timeout: 120_000 },
  async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "map.mjs"), map);

    const imported = await runJson(["import", file, "--map", "map.mjs", "--no-redact"], { cwd });
    expect(imported).toMatchObject({ rows: 120, stored: 120, duplicates: 0, failed_rows: 0, altered: 0 });
    expect(await runJson(["import", file, "--map", "map.mjs", "--no-redact"], { cwd })).toMatchObject({
      stored: 0,
      duplicates: 120,
    });

    const stored = await storedIn(join(cwd, ".whetstone"));
    expect(stored).toHaveLength(120);
    expect(stored.filter(({ qualityScores }) => qualityScores.overall === 1)).toHaveLength(36);
    expect(new Set(stored.map(({ groupId }) => groupId)).size).toBe(30);
    expect(stored.flatMap(({ messages = [] }) => messages.flatMap(({ tool_calls = [] }) => tool_calls))).toHaveLength(
      810,
    );

    const original = new Map(rowsOf(file).map((row) => [`task-${row.task_id} ${row.trial}`, row]));
    for (const { groupId, metadata, messages = [], toolsUsed } of stored) {
      const { traj } = original.get(`${groupId} ${metadata?.trial}`);
      expect(messages.map(asOnTheWire)).toEqual(traj.map(asOnTheWire));
      const called = new Set(messages.flatMap(({ tool_calls = [] }) => tool_calls.map((call) => call.function.name)));
      expect(new Set(toolsUsed)).toEqual(called);
      for (const [i, { role, tool_call_id }] of messages.entries()) {
        if (role === "tool") expect(messages[i - 1]?.tool_calls?.[0]?.id).toBe(tool_call_id);
      }
    }

    const trained = await runJson(["dataset", "sft", "--min-quality", "1"], { cwd });
    expect(trained).toMatchObject({ rows: 36, considered: 120 });
  },
);

async function storedIn(folder: string): Promise<StoredInteraction[]> {
  const store = fileStore(folder);
  const found: StoredInteraction[] = [];
  for await (const batch of store.query()) found.push(...batch);
  await store.close();
  return found;
}

/** A message of either side in one form: empty content is null there, arguments are a JSON text. */
function asOnTheWire({ role, content, name, tool_call_id, tool_calls }: Turn) {
  const calls = tool_calls?.map(({ id, type, function: { name, arguments: given } }) => ({
    id,
    type,
    name,
    arguments: typeof given === "string" ? JSON.parse(given) : given,
  }));
  return { role, content: content ?? "", name, tool_call_id, calls };
}

interface Turn {
  readonly role: string;
  readonly content: string | null;
  readonly name?: string | undefined;
  readonly tool_call_id?: string | undefined;
  readonly tool_calls?:
    | readonly {
        readonly id?: string | undefined;
        readonly type: string;
        readonly function: { readonly name: string; readonly arguments: unknown };
      }[]
    | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: rows of a JSON file, whose shape the assertions check
function rowsOf(path: string): any[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
