import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { runCli } from "../program.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, testIo } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const DAY_MS = 86_400_000;

async function store() {
  const cwd = temporaryFolder();
  await recorded(
    cwd,
    interaction({ interactionId: "old", timestamp: NOW - 10 * DAY_MS, qualityScores: { overall: 0.9 } }),
    interaction({ interactionId: "wrong", timestamp: NOW - 3 * DAY_MS, errorOccurred: true, errorMessage: "timeout" }),
    interaction({
      interactionId: "code",
      timestamp: NOW - 2 * DAY_MS,
      agentType: "code",
      qualityScores: { overall: 0.4 },
    }),
    interaction({ interactionId: "good", timestamp: NOW - DAY_MS, qualityScores: { overall: 0.8 } }),
    interaction({ interactionId: "new", timestamp: NOW - 1 }),
  );
  return cwd;
}

async function idsOf(cwd: string, ...options: string[]): Promise<string[]> {
  const run = await runInProcess(["query", "--json", ...options], { cwd });
  expect(run).toMatchObject({ exitCode: ExitCode.done, stderr: "" });
  return run.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).interaction_id);
}

describe("query --json", () => {
  it("prints one interaction a line in snake_case, newest first, times in ISO 8601", async () => {
    const cwd = await store();
    const run = await runInProcess(["query", "--json"], { cwd });
    const lines = run.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    expect(JSON.parse(lines[3] ?? "")).toEqual({
      interaction_id: "wrong",
      timestamp: "2026-01-29T12:00:00.000Z",
      query: "What is 6 times 7?",
      answer: "42",
      agent_type: "math",
      quality_scores: {},
      latency_ms: 12,
      tools_used: [],
      error_occurred: true,
      error_message: "timeout",
    });
  });

  it.each([
    [[], ["new", "good", "code", "wrong", "old"]],
    [
      ["--order", "asc"],
      ["old", "wrong", "code", "good", "new"],
    ],
    [
      ["--since", "7d"],
      ["new", "good", "code", "wrong"],
    ],
    [
      ["--since", "2026-01-30", "--until", "2026-01-31T13:00"],
      ["good", "code"],
    ],
    [["--agent-type", "code"], ["code"]],
    [
      ["--agent-type", "code", "--agent-type", "math", "--limit", "3"],
      ["new", "good", "code"],
    ],
    [
      ["--min-quality", "0.8"],
      ["good", "old"],
    ],
    [["--errors"], ["wrong"]],
    [
      ["--errors", "exclude"],
      ["new", "good", "code", "old"],
    ],
    [["--unscored"], ["new", "wrong"]],
    [
      ["--limit", "2"],
      ["new", "good"],
    ],
    [
      ["--cursor", "code"],
      ["wrong", "old"],
    ],
    [["--agent-type", "nobody"], []],
  ])("%j gives %j", async (options, ids) => {
    expect(await idsOf(await store(), ...options)).toEqual(ids);
  });

  it.each(["99999999999999999999 a", "8640000000000001 a", `${"9".repeat(400)} a`])(
    "refuses a forged cursor: %s",
    async (text) => {
      const cursor = Buffer.from(text).toString("base64url");
      const run = await runInProcess(["query", "--cursor", cursor], { cwd: await store() });
      expect(run.exitCode).toBe(ExitCode.usage);
      expect(run.stderr).toMatch(/^whetstone: .*cursor ".+" is not one: .+\n$/);
    },
  );

  it("refuses a cursor that is none", async () => {
    const run = await runInProcess(["query", "--json", "--cursor", "zzz"], { cwd: await store() });
    expect(run.exitCode).toBe(ExitCode.usage);
    expect(JSON.parse(run.stderr)).toMatchObject({ error: { code: "CONFIG_INVALID" } });
  });

  it("stops without an error when nobody reads on", async () => {
    const cwd = temporaryFolder();
    await recorded(cwd, ...Array.from({ length: 2_000 }, (_, i) => interaction({ interactionId: `i${i}` })));
    let writes = 0;
    const stdout = new Writable({
      write(_chunk, _encoding, done) {
        writes += 1;
        done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
      },
    });
    const { io, result } = testIo({ cwd });
    await runCli(["query", "--json"], { ...io, stdout });
    expect({ ...result(), writes }).toEqual({ exitCode: ExitCode.done, stdout: "", stderr: "", writes: 1 });
  });
});

describe("query as a table", () => {
  it("aligns time, agent, score, question and answer", async () => {
    const run = await runInProcess(["query", "--limit", "5"], { cwd: await store() });
    expect(run.stdout).toBe(
      [
        "TIME (UTC)           AGENT  SCORE  QUERY               ANSWER",
        "2026-02-01 11:59:59  math       –  What is 6 times 7?  42",
        "2026-01-31 12:00:00  math    0.80  What is 6 times 7?  42",
        "2026-01-30 12:00:00  code    0.40  What is 6 times 7?  42",
        "2026-01-29 12:00:00  math       –  What is 6 times 7?  error: timeout",
        "2026-01-22 12:00:00  math    0.90  What is 6 times 7?  42",
        "",
      ].join("\n"),
    );
  });

  it("ends with the cursor of the next page, which goes on exactly there", async () => {
    const cwd = await store();
    const pages: string[] = [];
    let cursor: string[] = [];
    for (;;) {
      const { stdout } = await runInProcess(["query", "--limit", "2", ...cursor], { cwd });
      pages.push(stdout);
      const next = /^more: add --cursor (\S+)$/m.exec(stdout)?.[1];
      if (!next) break;
      cursor = ["--cursor", next];
    }
    const times = pages.join("").match(/^2026\S+ \S+/gm);
    expect(pages).toHaveLength(3);
    expect(times).toHaveLength(5);
    expect(new Set(times).size).toBe(5);
  });

  it("cuts long texts to the terminal and lets no escape sequence through", async () => {
    const cwd = temporaryFolder();
    const evil = `\u001b]52;c;ZXZpbA==\u0007\u009b2J\u202e${"long text ".repeat(50)}`;
    await recorded(cwd, interaction({ interactionId: "evil", query: evil, answer: evil, agentType: "\u001b[31mred" }));
    const run = await runInProcess(["query"], { cwd, isTTY: true, env: { NO_COLOR: "1" } });
    for (const line of run.stdout.split("\n")) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(line.length).toBeLessThanOrEqual(120);
    }
  });

  it("has a bold heading on a terminal, and none with NO_COLOR or in a pipe", async () => {
    const cwd = await store();
    expect((await runInProcess(["query"], { cwd, isTTY: true })).stdout).toContain("\u001b[1mTIME");
    expect((await runInProcess(["query"], { cwd, isTTY: true, env: { NO_COLOR: "1" } })).stdout).toMatch(/^TIME/);
    expect((await runInProcess(["query"], { cwd })).stdout).toMatch(/^TIME/);
  });

  it("says so when nothing matches", async () => {
    const run = await runInProcess(["query", "--agent-type", "nobody"], { cwd: await store() });
    expect(run).toEqual({ exitCode: ExitCode.done, stdout: "no interactions match\n", stderr: "" });
  });
});
