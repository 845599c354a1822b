import { join } from "node:path";
import { fileStore } from "@whetstone/core";
import { fakeOpenAiServer } from "@whetstone/core/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

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
    expect(run.stdout).toBe("2 scored by judge:judge-1@auto-v1, 1 failed\n");
    expect(run.stderr).toMatch(/^ {2}wrong: .+\n$/);
    expect(await scoresIn(cwd)).toMatchObject({ wrong: undefined, right: 1 });
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
    [["--scorer", "math", "--model", "x"], "--model and --base-url are for --scorer judge only"],
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
