import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@whetstone/core";
import { type FakeOpenAiReply, fakeOpenAiServer } from "@whetstone/core/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

/** On a busy machine. */
const PATIENTLY = { timeout: 60_000 };

interface ChatRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

/** A judge behind a real endpoint: a text is its reply, a number the status of its refusal. */
async function judgeEndpoint(reply: (request: ChatRequest) => string | number) {
  const server = await fakeOpenAiServer(({ body }) => {
    const said = reply(body as unknown as ChatRequest);
    return typeof said === "string" ? said : { status: said, body: JSON.stringify({ error: { message: "refused" } }) };
  });
  onTestFinished(() => server.close());
  return { baseUrl: server.baseURL, requests: server.requests };
}

async function store() {
  const cwd = temporaryFolder();
  await recorded(
    cwd,
    interaction({ interactionId: "right", answer: "It is 42.", reference: "42" }),
    interaction({ interactionId: "wrong", answer: "It is 41.", reference: "42" }),
    interaction({ interactionId: "unknown", answer: "It is 42." }),
    interaction({ interactionId: "code", agentType: "code", answer: "", reference: "42", errorOccurred: true }),
  );
  return cwd;
}

/** The overall scores in the store, by id. */
async function scoresIn(cwd: string): Promise<Record<string, number | undefined>> {
  const opened = fileStore(join(cwd, ".whetstone"));
  const scores: [string, number | undefined][] = [];
  for await (const batch of opened.query()) {
    for (const { interactionId, annotations } of batch) {
      const [annotation] = annotations ?? [];
      scores.push([interactionId, annotation?.kind === "score" ? annotation.scores.overall : undefined]);
    }
  }
  await opened.close();
  return Object.fromEntries(scores);
}

describe("the verifiers", () => {
  it("math scores by the reference; without one an answer stays unscored, which is not 0", async () => {
    const cwd = await store();
    expect(await runJson(["score", "--scorer", "math"], { cwd })).toEqual({
      source: "verifier:math",
      considered: 4,
      scored: 3,
      skipped: 0,
      unscored: 1,
      failed: 0,
      failures: [],
      usage: { calls: 0, input_tokens: 0, output_tokens: 0, cost_usd: 0 },
      stopped_by: null,
    });
    expect(await scoresIn(cwd)).toEqual({ right: 1, wrong: 0, unknown: undefined, code: 0 });
  });

  it("leave alone what is scored, unless told otherwise", async () => {
    const cwd = await store();
    await runJson(["score", "--scorer", "math"], { cwd });
    expect(await runJson(["score", "--scorer", "exact"], { cwd })).toMatchObject({ scored: 0, skipped: 3 });
    const again = await runInProcess(["score", "--scorer", "exact", "--rescore"], { cwd });
    expect(again).toEqual({
      exitCode: ExitCode.done,
      stdout: "3 scored by verifier:exact, 1 it cannot judge\n",
      stderr: "",
    });
  });

  it("score only what the options name", async () => {
    const cwd = await store();
    expect(await runJson(["score", "--scorer", "math", "--agent-type", "code"], { cwd })).toMatchObject({ scored: 1 });
    expect(await runJson(["score", "--scorer", "math", "--limit", "1"], { cwd })).toMatchObject({ scored: 1 });
    expect(await runJson(["score", "--scorer", "math", "--since", "2030-01-01"], { cwd })).toMatchObject({
      considered: 0,
    });
  });
});

describe("the other verifiers", () => {
  it.each([
    [
      "code",
      { answer: "```js\nconst twice = (n) => 2 * n;\n```", metadata: { tests: "assert.equal(twice(4), 8);" } },
      { answer: "```js\nconst twice = (n) => n;\n```", metadata: { tests: "assert.equal(twice(4), 8);" } },
    ],
    [
      "citations",
      { answer: "Water boils at 100 degrees [1].", sources: [{ id: "1", text: "Water boils at 100 degrees." }] },
      { answer: "Water boils at 100 degrees [7].", sources: [{ id: "1", text: "Water boils at 100 degrees." }] },
    ],
    [
      "tool-calls",
      { toolsUsed: ["search"], metadata: { expectedToolCalls: [{ name: "search" }] } },
      { toolsUsed: ["delete"], metadata: { expectedToolCalls: [{ name: "search" }] } },
    ],
  ])("%s tells a right answer from a wrong one", async (scorer, right, wrong) => {
    const cwd = temporaryFolder();
    await recorded(
      cwd,
      interaction({ interactionId: "right", ...right }),
      interaction({ interactionId: "wrong", ...wrong }),
    );
    const report = await runJson(["score", "--scorer", scorer], { cwd });
    expect(report).toMatchObject({ source: `verifier:${scorer}`, scored: 2, failed: 0 });
    expect(await scoresIn(cwd)).toEqual({ right: 1, wrong: 0 });
  });
});

it("the heuristic scores defects only", async () => {
  const cwd = await store();
  expect(await runJson(["score", "--scorer", "heuristic"], { cwd })).toMatchObject({ scored: 1, unscored: 3 });
  expect(await scoresIn(cwd)).toMatchObject({ code: 0, right: undefined });
});

describe("the judge", () => {
  const judge = (baseUrl: string) => ["score", "--scorer", "judge", "--model", "judge-1", "--base-url", baseUrl];

  /** A judge that gives every criterion it is asked for the same grade. */
  const grading = (grade: number) => (system: string) => {
    const form = /exactly one JSON object and nothing else: (\{.+\})/.exec(system)?.[1] ?? "";
    return form.replace(/"<one or two sentences>"/, '"fine"').replaceAll("<0 to 1>", String(grade));
  };

  it("scores through an OpenAI-compatible endpoint, with the key of the environment", async () => {
    const cwd = await store();
    const { baseUrl, requests } = await judgeEndpoint(({ messages }) => grading(0.75)(messages[0]?.content ?? ""));
    const env = { OPENAI_API_KEY: "test-key" };
    const report = await runJson([...judge(baseUrl), "--agent-type", "math"], { cwd, env });
    expect(report).toMatchObject({ source: "judge:judge-1@auto-v1", scored: 3, failed: 0 });
    expect(requests.map(({ body, headers }) => [body.model, headers.authorization])).toEqual(
      Array.from({ length: 3 }, () => ["judge-1", "Bearer test-key"]),
    );
    expect(await scoresIn(cwd)).toMatchObject({ right: 0.75, unknown: 0.75 });
  });

  it("that answers some of them with nonsense leaves these unscored: exit code 3", async () => {
    const cwd = await store();
    const { baseUrl } = await judgeEndpoint(({ messages }) =>
      messages.some(({ content }) => content.includes("It is 41."))
        ? '{"overall": 1}'
        : grading(1)(messages[0]?.content ?? ""),
    );
    const run = await runInProcess([...judge(baseUrl), "--agent-type", "math"], { cwd });
    expect(run.exitCode).toBe(ExitCode.partly);
    expect(run.stdout).toBe("2 scored by judge:judge-1@auto-v1, 1 failed\n3 calls, 30 tokens in and 15 out\n");
    expect(run.stderr).toMatch(/^ {2}wrong: .+\nall of them: whetstone query --unscored --reason\n$/);
    expect(await scoresIn(cwd)).toMatchObject({ wrong: undefined, right: 1 });
    const quarantined = await runInProcess(["query", "--unscored", "--reason", "unparsable", "--json"], { cwd });
    expect(JSON.parse(quarantined.stdout)).toMatchObject({
      interaction_id: "wrong",
      annotations: [{ kind: "unscored", source: "judge:judge-1@auto-v1", code: "SCORING_UNPARSABLE" }],
    });
  });

  const verdict = (messages: ChatRequest["messages"]) => grading(1)(messages[0]?.content ?? "");
  const oneBad: readonly (readonly [string, (good: string) => FakeOpenAiReply, string])[] = [
    ["a wrong key", () => ({ status: 401 }), "SCORING_UNAVAILABLE"],
    ["an unknown model", () => ({ status: 404 }), "SCORING_UNAVAILABLE"],
    ["HTML", () => ({ body: "<html>hello</html>", headers: { "content-type": "text/html" } }), "SCORING_UNPARSABLE"],
    ["429 for minutes", () => ({ status: 429, headers: { "retry-after": "600" } }), "SCORING_UNAVAILABLE"],
    ["200 with an empty body", () => ({ body: "" }), "SCORING_UNPARSABLE"],
    ["a reply that never ends", () => ({ misbehave: "endless" }), "SCORING_UNPARSABLE"],
    ['a score of "0.9"', (good) => good.replace('"clarity": 1', '"clarity": "0.9"'), "SCORING_UNPARSABLE"],
    ["1e999", (good) => good.replace('"clarity": 1', '"clarity": 1e999'), "SCORING_UNPARSABLE"],
    ["true", (good) => good.replace('"clarity": 1', '"clarity": true'), "SCORING_UNPARSABLE"],
    ["two objects", (good) => `${good}\n${good}`, "SCORING_UNPARSABLE"],
  ];

  it.each(oneBad)(
    "that answers one of them with %s: the run goes on, the reason stays, exit code 3",
    async (_, bad, code) => {
      const cwd = await store();
      const server = await fakeOpenAiServer(({ body }) => {
        const { messages } = body as unknown as ChatRequest;
        const isBad = messages.some(({ content }) => content.includes("It is 41."));
        return isBad ? bad(verdict(messages)) : verdict(messages);
      });
      onTestFinished(() => server.close());
      const run = await runInProcess([...judge(server.baseURL), "--agent-type", "math", "--json"], { cwd });
      expect(run.exitCode).toBe(ExitCode.partly);
      expect(JSON.parse(run.stdout)).toMatchObject({
        scored: 2,
        failed: 1,
        failures: [{ interaction_id: "wrong", code }],
      });
      const quarantined = await runInProcess(["query", "--unscored", "--reason", code, "--json"], { cwd });
      expect(JSON.parse(quarantined.stdout)).toMatchObject({ interaction_id: "wrong" });
      const shown = await runJson<{ effective: unknown }>(["show", "wrong"], { cwd });
      expect(shown.effective).toBeNull();
    },
  );

  it("without a key and without an address is a sentence, and nothing is tried", async () => {
    const run = await runInProcess(["score", "--scorer", "judge", "--model", "m"], { cwd: await store() });
    expect(run).toMatchObject({ exitCode: ExitCode.usage, stdout: "" });
    expect(run.stderr).toContain("set OPENAI_API_KEY");
  });

  it("says in a dry run how many calls it takes and about what they cost, and asks nobody", async () => {
    const cwd = await store();
    const { baseUrl, requests } = await judgeEndpoint(() => 500);
    const dry = [...judge(baseUrl), "--dry-run"];
    const report = await runJson([...dry, "--price", "0,1000"], { cwd });
    // One of the four says nothing and needs no call.
    expect(report).toMatchObject({
      source: "judge:judge-1@auto-v1",
      to_score: 4,
      estimate: { calls: 3, output_tokens: 450, cost_usd: expect.closeTo(0.45, 10) },
    });
    const run = await runInProcess(dry, { cwd });
    expect(run.stdout).toMatch(
      /^4 interactions to score by judge:judge-1@auto-v1: 3 calls, about [\d,]+ tokens in and 450 out; give --price to see the cost\n$/,
    );
    const verifier = await runInProcess(["score", "--scorer", "math", "--dry-run"], { cwd });
    expect(verifier.stdout).toBe("4 interactions to score by verifier:math: no model call\n");
    expect(requests).toHaveLength(0);
    expect(await scoresIn(cwd)).toMatchObject({ right: undefined });
  });

  it("stops at the budget of the day, also in a later run", async () => {
    const cwd = await store();
    const { baseUrl, requests } = await judgeEndpoint(({ messages }) => verdict(messages));
    const paid = [...judge(baseUrl), "--agent-type", "math", "--concurrency", "1", "--price", "0,1000"];
    const first = await runInProcess([...paid, "--usd-per-day", "0.156"], { cwd });
    expect(first.exitCode).toBe(ExitCode.partly);
    expect(first.stdout).toBe("2 scored by judge:judge-1@auto-v1\n2 calls, 20 tokens in and 10 out, $0.0100\n");
    expect(first.stderr).toBe(
      "stopped: the judge's budget of $0.156 a day is spent: it goes on after midnight UTC, or raise the budget\n",
    );
    const second = await runInProcess([...paid, "--usd-per-day", "0.156"], { cwd });
    expect(second).toMatchObject({ exitCode: ExitCode.failed, stdout: "" });
    expect(requests).toHaveLength(2);
    expect(await runJson<object>([...paid, "--usd-per-day", "5"], { cwd })).toMatchObject({ scored: 1 });
  });

  it("goes by a rubric of one's own", async () => {
    const cwd = await store();
    writeFileSync(
      join(cwd, "rubric.json"),
      JSON.stringify({
        id: "tone-v1",
        task: "The agent was polite.",
        criteria: [{ id: "tone", description: "1: polite" }],
      }),
    );
    writeFileSync(join(cwd, "wrong.json"), '{"id": "x", "task": "", "criteria": []}');
    const { baseUrl } = await judgeEndpoint(({ messages }) => verdict(messages));
    const asked = [...judge(baseUrl), "--agent-type", "math"];
    expect(await runJson([...asked, "--rubric", "rubric.json"], { cwd })).toMatchObject({
      source: "judge:judge-1@tone-v1",
      scored: 3,
    });
    const wrong = await runInProcess([...asked, "--rubric", "wrong.json"], { cwd });
    expect(wrong).toMatchObject({ exitCode: ExitCode.failed });
    expect(wrong.stderr).toContain("wrong.json is no rubric");
  });

  it("follows the store until Ctrl-C, and says then what it did", async () => {
    const cwd = await store();
    const { baseUrl, requests } = await judgeEndpoint(({ messages }) => verdict(messages));
    const end = new AbortController();
    const run = runInProcess([...judge(baseUrl), "--follow"], { cwd, signal: end.signal });
    await vi.waitFor(() => expect(requests).toHaveLength(3), PATIENTLY);
    await recorded(cwd, interaction({ interactionId: "later", answer: "It is 43.", timestamp: NOW + 60_000 }));
    await vi.waitFor(async () => expect(await scoresIn(cwd)).toMatchObject({ later: 1 }), { timeout: 5_000 });
    end.abort("SIGINT");
    expect(await run).toMatchObject({ exitCode: ExitCode.done, stdout: expect.stringMatching(/^5 scored by judge/) });
    expect(requests).toHaveLength(4);
  });

  it("that refuses every call is one sentence, exit code 1, and never shows the key", async () => {
    const cwd = await store();
    const { baseUrl } = await judgeEndpoint(() => 401);
    const env = { OPENAI_API_KEY: "sk-secret-123456" };
    const run = await runInProcess([...judge(baseUrl), "--agent-type", "math", "--json"], { cwd, env });
    expect(run).toMatchObject({ exitCode: ExitCode.failed, stdout: "" });
    const { error } = JSON.parse(run.stderr);
    expect(error.message).toMatch(/^none of 3 interactions could be scored: .+401/);
    expect(run.stderr).not.toContain("secret");
  });

  it.each([
    [["--scorer", "judge"], "--model is missing: name the model that judges"],
    [
      ["--scorer", "math", "--model", "x"],
      "--model, --base-url, --rubric, --price and the budgets are for --scorer judge only",
    ],
    [
      ["--scorer", "judge", "--model", "x", "--usd-per-day", "1"],
      "--usd-per-day needs --price, so that costs are known",
    ],
    [["--scorer", "math", "--dry-run", "--follow"], "--dry-run and --follow do not go together: use one of them"],
  ])("%j is wrong usage", async (options, sentence) => {
    const run = await runInProcess(["score", ...options], { cwd: await store() });
    expect(run).toEqual({ exitCode: ExitCode.usage, stdout: "", stderr: `whetstone: ${sentence}\n` });
  });

  it("may not be asked at a metadata address", async () => {
    const run = await runInProcess(judge("http://169.254.169.254/v1"), { cwd: await store() });
    expect(run.exitCode).toBe(ExitCode.usage);
    expect(run.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
