import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import type { Interaction } from "../interaction.js";
import type { JsonObject } from "../json.js";
import { interaction } from "../testing/interaction.js";
import { toolCallMatch } from "./tool-call-match.js";
import type { ToolCallMatchOptions } from "./tool-call-score.js";

const DATA = process.env.WHETSTONE_REAL_DATA ?? new URL("../../../../../shared/data", import.meta.url).pathname;
const TAU_BENCH = `${DATA}/tau-bench-airline.jsonl`;
const missing = existsSync(TAU_BENCH) ? "" : ` (skipped: ${TAU_BENCH} is not there)`;

const SEARCH = { name: "search", arguments: { city: "Bern", nights: 2 } };
const BOOK = { name: "book", arguments: { hotel: "h7" } };

/** An interaction in which the calls were made. */
function made(...calls: readonly { name: string; arguments: JsonObject }[]): Partial<Interaction> {
  const turns = calls.map((call) => ({
    role: "assistant" as const,
    content: "",
    tool_calls: [{ type: "function" as const, function: call }],
  }));
  return { messages: [{ role: "user", content: "A room in Bern" }, ...turns, { role: "assistant", content: "Done." }] };
}

async function match(given: Partial<Interaction>, options: ToolCallMatchOptions = {}) {
  return toolCallMatch({ expected: () => [SEARCH, BOOK], ...options })(interaction(given), {});
}

describe("toolCallMatch", () => {
  it("speaks as verifier:tool-calls, and says how many", async () => {
    expect(toolCallMatch().source).toBe("verifier:tool-calls");
    expect(await match(made(SEARCH, { name: "pay", arguments: {} }))).toEqual({
      scores: { overall: 0, recall: 0.5, precision: 0.5 },
      rationale: "1 of 2 expected calls made, 1 others",
    });
  });

  it.each([
    ["ordered", [SEARCH, BOOK], 1],
    ["ordered", [BOOK, SEARCH], 0],
    ["ordered", [SEARCH, SEARCH, BOOK], 0],
    ["any-order", [BOOK, SEARCH], 1],
    ["any-order", [BOOK, SEARCH, BOOK], 0],
    ["contains", [BOOK, SEARCH, BOOK], 1],
    ["contains", [BOOK], 0],
    ["ordered", [], 0],
  ] as const)("%s: %j is %d", async (mode, calls, overall) => {
    expect((await match(made(...calls), { mode }))?.scores.overall).toBe(overall);
  });

  it("compares arguments as JSON, whatever the order of their names", async () => {
    const turned = { name: "search", arguments: { nights: 2, city: "Bern" } };
    expect((await match(made(turned, BOOK)))?.scores.overall).toBe(1);
    const other = { name: "search", arguments: { nights: "2", city: "Bern" } };
    expect((await match(made(other, BOOK)))?.scores.overall).toBe(0);
    const more = { name: "search", arguments: { nights: 2, city: "Bern", page: 1 } };
    expect((await match(made(more, BOOK)))?.scores.overall).toBe(0);
    expect((await match(made(more, BOOK), { arguments: "subset" }))?.scores.overall).toBe(1);
  });

  it("counts only names where no arguments are expected", async () => {
    const expected = () => [{ name: "search" }, { name: "book" }];
    expect((await match(made(SEARCH, BOOK), { expected }))?.scores.overall).toBe(1);
    expect((await match({ toolsUsed: ["search", "book"] }, { expected }))?.scores.overall).toBe(1);
    expect(await match({ toolsUsed: ["search", "book"] })).toBeNull();
  });

  it("reads what is expected from the metadata or a reference in JSON, and cannot say without", async () => {
    const scored = async (given: Partial<Interaction>) =>
      (await toolCallMatch()(interaction({ ...made(SEARCH), ...given }), {}))?.scores.overall;
    expect(await scored({ metadata: { expectedToolCalls: [SEARCH] } })).toBe(1);
    expect(await scored({ metadata: { expected_tool_calls: ["search"] } })).toBe(1);
    expect(
      await scored({ reference: JSON.stringify([{ function: { name: "search", arguments: '{"city":"Rome"}' } }]) }),
    ).toBe(0);
    expect(await scored({ metadata: { expectedToolCalls: [] } })).toBe(0);
    expect(await scored({ reference: "42" })).toBeUndefined();
    expect(await scored({})).toBeUndefined();
  });

  it("refuses wrong options", () => {
    expect(() => toolCallMatch({ mode: "exact" as never })).toThrow(ConfigError);
    expect(() => toolCallMatch({ arguments: "near" as never })).toThrow(ConfigError);
  });

  it.skipIf(missing)(`agrees with what tau-bench rewards${missing}`, async () => {
    interface Row {
      readonly reward: number;
      readonly info: { readonly task: { readonly actions: { name: string; kwargs: JsonObject }[] } };
      readonly traj: {
        role: string;
        content: string | null;
        tool_calls?: { function: { name: string; arguments: string } }[];
      }[];
    }
    const rows = readFileSync(TAU_BENCH, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);
    const counts = { rewarded: 0, rewardedMatch: 0, missed: 0, missedMatch: 0 };
    for (const { reward, info, traj } of rows) {
      const expected = info.task.actions.map(({ name, kwargs }) => ({ name, arguments: kwargs }));
      const calls = traj.flatMap(({ tool_calls }) => tool_calls ?? []);
      const given = made(
        ...calls.map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) })),
      );
      const score = await match(given, { expected: () => expected, mode: "contains" });
      counts[reward === 1 ? "rewarded" : "missed"] += 1;
      counts[reward === 1 ? "rewardedMatch" : "missedMatch"] += score?.scores.overall ?? 0;
    }
    console.log(
      `tau-bench: all expected calls in ${counts.rewardedMatch} of ${counts.rewarded} rewarded trajectories, in ${counts.missedMatch} of ${counts.missed} others`,
    );
    expect(counts.rewardedMatch / counts.rewarded).toBeGreaterThan(2 * (counts.missedMatch / counts.missed));
  });
});
