import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { memoryStore, prepareInteraction } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { buildDpoDataset } from "./dpo.js";
import { buildGrpoDataset } from "./grpo.js";
import { collect, dropsOf } from "./recorded.fixture.js";
import { buildSftDataset } from "./sft.js";

const data = process.env.WHETSTONE_REAL_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const file = `${data}/tau-bench-airline.jsonl`;

describe.skipIf(!existsSync(file))(`120 real tool-using trajectories (skipped without ${file})`, () => {
  async function recorded() {
    const store = memoryStore();
    for (const line of readFileSync(file, "utf8").trimEnd().split("\n")) {
      const { traj, reward, task_id } = JSON.parse(line);
      const said = (role: string) => traj.filter((turn: { role: string }) => turn.role === role);
      const prepared = prepareInteraction({
        query: said("user")[0].content,
        answer: said("assistant").at(-1).content ?? "",
        agentType: "airline",
        messages: traj,
        qualityScores: { overall: reward },
        groupId: `task-${task_id}`,
      });
      if ("reason" in prepared) throw new Error(prepared.reason);
      await store.append([prepared.interaction]);
    }
    return store;
  }

  it("gives 36 whole trajectories, each ending in an assistant turn", async () => {
    const build = buildSftDataset(await recorded(), { minQuality: 1 });
    const rows = await collect(build);
    expect(rows).toHaveLength(36);
    expect(dropsOf(build.report)).toEqual({ belowMinQuality: 84 });
    for (const row of rows) {
      const messages = "messages" in row ? row.messages : [];
      expect(messages.at(-1)?.role).toBe("assistant");
      for (const [i, turn] of messages.entries()) {
        expect(typeof turn.content).toBe("string");
        for (const call of turn.tool_calls ?? []) expect(typeof call.function.arguments).toBe("object");
        if (turn.role === "tool") expect(["assistant", "tool"]).toContain(messages[i - 1]?.role);
      }
    }
  });

  it("gives no pair, for no two of them have the same history", async () => {
    const build = buildDpoDataset(await recorded());
    expect(await collect(build)).toEqual([]);
    expect(dropsOf(build.report)).toEqual({ singleAnswer: 120 });
  });

  it("gives 433 rows of one assistant turn each, with the trajectory's score", async () => {
    const build = buildSftDataset(await recorded(), { minQuality: 1, perTurn: true });
    const rows = await collect(build);
    expect(rows).toHaveLength(433);
    expect(build.report).toMatchObject({ rows: 433, used: 36, considered: 120 });
    for (const row of rows) {
      const { prompt, completion } = "prompt" in row ? row : { prompt: [], completion: [] };
      expect(["user", "tool"]).toContain((prompt.at(-1) as { role: string }).role);
      expect(completion).toMatchObject([{ role: "assistant" }]);
      expect(row.metadata.quality_score).toBe(1);
    }
    expect(new Set(rows.map(({ metadata }) => `${metadata.interaction_id} ${metadata.turn}`)).size).toBe(433);
  });

  it("gives 14 groups with signal by task, whose prompt is what the attempts share", async () => {
    const store = await recorded();
    const build = buildGrpoDataset(store);
    const rows = await collect(build);
    expect(rows).toHaveLength(14);
    expect(build.report).toMatchObject({ considered: 120, prompts: 30, promptsUsed: 14, used: 56 });
    expect(dropsOf(build.report)).toEqual({ zeroVariance: 16 });
    for (const { prompt, responses, metadata } of rows) {
      expect(metadata.group_id).toMatch(/^task-/);
      expect(responses).toHaveLength(4);
      for (const [i, { text, messages = [] }] of responses.entries()) {
        const whole = await store.get(metadata.interaction_ids[i] ?? "");
        const turns = [...(prompt as object[]), ...messages];
        expect(turns).toEqual(whole?.messages?.slice(0, turns.length));
        expect(messages.at(-1)).toMatchObject({ role: "assistant", content: text });
      }
      expect(new Set(responses.map(({ messages }) => JSON.stringify(messages?.[0]))).size).toBeGreaterThan(1);
    }
  });
});
