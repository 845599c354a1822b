import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { fileStore, type StoredInteraction } from "@whetstone/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { ExitCode } from "../exit-code.js";
import { NOW, type RunOptions, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const FIELDS = ["--query", "question", "--answer", "solution"];

/** A folder with one input file in it. */
function folderWith(rows: string | Buffer | readonly unknown[], name = "rows.jsonl"): string {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, name), Array.isArray(rows) ? jsonl(rows) : (rows as string | Buffer));
  return cwd;
}

const jsonl = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** What the store in a folder holds, oldest first. */
async function stored(cwd: string, folder = ".whetstone"): Promise<StoredInteraction[]> {
  const store = fileStore(join(cwd, folder));
  const all: StoredInteraction[] = [];
  for await (const batch of store.query()) all.push(...batch);
  await store.close();
  return all;
}

describe("named fields", () => {
  it("fill an interaction, whatever the row calls them", async () => {
    const cwd = folderWith([
      {
        meta: { task: { id: 17 }, who: ["ann", "bob"] },
        question: "What is 6 times 7?",
        "model.answer": { text: "It is 42." },
        truth: 42,
        kind: "math",
        at: "2026-01-15T10:00:00Z",
        ms: 12.5,
        right: true,
        unused: "x",
      },
    ]);
    const report = await runJson(
      [
        ...["import", "rows.jsonl", "--query", "question", "--answer", "model.answer.text", "--reference", "truth"],
        ...["--agent-type-field", "kind", "--id", "meta.task.id", "--session", "meta.who.1", "--timestamp", "at"],
        ...["--latency-ms", "ms", "--score", "right", "--model", "missing", "--group", "meta.task.id"],
      ],
      { cwd },
    );
    expect(report).toEqual({
      rows: 1,
      stored: 1,
      duplicates: 0,
      altered: 0,
      skipped_rows: 0,
      failed_rows: 0,
      failures: [],
      store: `file:${cwd}/.whetstone`,
    });
    expect(await stored(cwd)).toEqual([
      {
        interactionId: "17",
        timestamp: Date.UTC(2026, 0, 15, 10),
        query: "What is 6 times 7?",
        answer: "It is 42.",
        agentType: "math",
        qualityScores: { overall: 1 },
        sessionId: "bob",
        latencyMs: 12.5,
        toolsUsed: [],
        errorOccurred: false,
        reference: "42",
        groupId: "17",
      },
    ]);
  });

  it("take --agent-type where a row does not say, and the present where there is no time", async () => {
    const cwd = folderWith([
      { question: "q", solution: "a", kind: "code" },
      { question: "r", solution: "b" },
    ]);
    await runJson(["import", "rows.jsonl", ...FIELDS, "--agent-type", "math", "--agent-type-field", "kind"], { cwd });
    expect((await stored(cwd)).map(({ agentType, timestamp }) => [agentType, timestamp])).toEqual([
      ["code", NOW],
      ["math", NOW],
    ]);
  });

  it.each([
    [1_768_471_200, "epoch seconds"],
    [1_768_471_200_000, "epoch milliseconds"],
    ["1768471200", "seconds as a text"],
    ["2026-01-15T10:00:00Z", "ISO 8601"],
    ["2026-01-15T12:00:00+02:00", "ISO 8601 with an offset"],
  ])("read %j as a time: %s", async (at: unknown, _name) => {
    const cwd = folderWith([{ question: "q", solution: "a", at }]);
    await runJson(["import", "rows.jsonl", ...FIELDS, "--timestamp", "at"], { cwd });
    expect((await stored(cwd))[0]?.timestamp).toBe(Date.UTC(2026, 0, 15, 10));
  });

  it.each([
    [20_260_131, "1970-08-23"],
    ["20260131", "1970-08-23"],
    ["2026", "1970-01-01"],
    [0, "1970-01-01"],
    [202_601_311_200, "1976-06-02"],
    ["20260131120000", "2612-01-08"],
    [1_768_471_200_000_000, "+058010-08-15"],
    [1_768_471_200_000_000_000, "no date at all"],
  ])("refuse %j, which is a time only by mistake: %s", async (at: unknown, date) => {
    const cwd = folderWith([{ question: "q", solution: "a", at }]);
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS, "--timestamp", "at"], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr).toContain(
      `timestamp ${JSON.stringify(at)} would be ${date}: write dates as 2026-01-31, or give epoch seconds or milliseconds`,
    );
    expect(await stored(cwd)).toEqual([]);
  });

  it("take a date that is written as one, however old", async () => {
    const cwd = folderWith([{ question: "q", solution: "a", at: "1970-08-23" }]);
    await runJson(["import", "rows.jsonl", ...FIELDS, "--timestamp", "at"], { cwd });
    expect((await stored(cwd))[0]?.timestamp).toBe(Date.UTC(1970, 7, 23));
  });

  it("mark a row with an error message as failed call", async () => {
    const cwd = folderWith([{ question: "q", solution: "", oops: "timeout" }]);
    await runJson(["import", "rows.jsonl", ...FIELDS, "--error", "oops"], { cwd });
    expect(await stored(cwd)).toMatchObject([{ errorOccurred: true, errorMessage: "timeout", answer: "" }]);
  });

  it("take the question and the answer out of the messages", async () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "What is 2+3?" }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "add", arguments: '{"a":2,"b":3}' } }],
      },
      { role: "tool", tool_call_id: "c1", content: "5" },
      { role: "assistant", content: "It is 5." },
    ];
    const cwd = folderWith([{ chat: messages }]);
    await runJson(["import", "rows.jsonl", "--messages", "chat"], { cwd });
    const [interaction] = await stored(cwd);
    expect(interaction).toMatchObject({ query: "What is 2+3?", answer: "It is 5." });
    expect(interaction?.messages?.[2]).toEqual({
      role: "assistant",
      content: "",
      tool_calls: [{ id: "c1", type: "function", function: { name: "add", arguments: { a: 2, b: 3 } } }],
    });
  });

  it.each([
    [["--query", "question"], "--answer is missing: name the field that holds it, or use --messages"],
    [["--answer", "solution"], "--query is missing: name the field that holds it, or use --messages"],
    [["--map", "m.mjs", ...FIELDS], "--map and field options exclude each other: the module names the fields itself"],
  ])("%j is wrong usage", async (options, sentence) => {
    const run = await runInProcess(["import", "rows.jsonl", ...options], { cwd: folderWith([{}]) });
    expect(run).toEqual({ exitCode: ExitCode.usage, stdout: "", stderr: `whetstone: ${sentence}\n` });
  });
});

describe("rows in an interaction's own shape", () => {
  it.each([
    [
      "snake_case",
      { agent_type: "math", session_id: "s", tools_used: ["calc"], usage: { input_tokens: 3, output_tokens: 4 } },
    ],
    [
      "camelCase",
      { agentType: "math", sessionId: "s", toolsUsed: ["calc"], usage: { inputTokens: 3, outputTokens: 4 } },
    ],
  ])("need no options: %s", async (_name, fields) => {
    const cwd = folderWith([{ query: "q", answer: "a", ...fields, metadata: { camelKey: { snake_key: 1 } } }]);
    await runJson(["import", "rows.jsonl"], { cwd });
    expect(await stored(cwd)).toMatchObject([
      {
        agentType: "math",
        sessionId: "s",
        toolsUsed: ["calc"],
        usage: { inputTokens: 3, outputTokens: 4 },
        metadata: { camelKey: { snake_key: 1 } },
      },
    ]);
  });

  it("come back as they were: one store's query is another store's import", async () => {
    const cwd = temporaryFolder();
    const source = fileStore(join(cwd, "old"));
    await source.append([
      {
        interactionId: "full",
        timestamp: NOW - 5,
        query: "q\u2028\u009b",
        answer: "a",
        agentType: "rag",
        messages: [{ role: "user", content: "q" }],
        qualityScores: { overall: 0.5 },
        userId: "ann",
        latencyMs: 3,
        toolsUsed: ["search"],
        sources: [{ id: "doc", score: 0.25 }],
        retrievalMethod: "bm25",
        errorOccurred: false,
        usage: { inputTokens: 1, outputTokens: 2, costUsd: 0.5 },
        metadata: { aKey: [1, null] },
      },
    ]);
    await source.annotate([
      {
        interactionId: "full",
        kind: "score",
        source: "verifier:math",
        at: NOW,
        scores: { overall: 1 },
        rationale: "yes",
      },
      {
        interactionId: "full",
        kind: "feedback",
        source: "human:ann",
        at: NOW,
        feedback: { type: "demonstration", value: "b" },
      },
    ]);
    await source.close();

    const exported = await runInProcess(["query", "--json", "--store", "old"], { cwd });
    const report = await runJson(["import", "-", "--store", "new"], { cwd, stdin: exported.stdout });
    expect(report).toMatchObject({ stored: 1, failed_rows: 0, altered: 0 });
    expect(await stored(cwd, "new")).toEqual(await stored(cwd, "old"));
  });

  it("tell which fields there are when they are not an interaction's", async () => {
    const cwd = folderWith([{ question: "q", solution: "a" }]);
    const run = await runInProcess(["import", "rows.jsonl"], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr).toBe(
      'whetstone: the only row of "rows.jsonl" could not be imported; line 1: ' +
        'no field "query": name one with --query <field> (the row has question, solution)\n',
    );
  });
});

describe("a mapping module", () => {
  const mapped = async (source: string, rows: readonly unknown[], options: Partial<RunOptions> = {}) => {
    const cwd = folderWith(rows);
    writeFileSync(join(cwd, "map.mjs"), source);
    const run = await runInProcess(["import", "rows.jsonl", "--map", "./map.mjs"], { cwd, ...options });
    return { cwd, ...run };
  };

  it("makes one, several or no interactions of a row, at once or later", async () => {
    const { cwd, stdout, exitCode } = await mapped(
      `export default async (row, line) => {
        if (row.skip) return null;
        return row.answers.map((answer) => ({ query: row.q, answer, agent_type: "math", metadata: { line } }));
      };`,
      [{ q: "q", answers: ["a", "b"] }, { skip: true }, { q: "r", answers: ["c"] }],
    );
    expect(exitCode).toBe(ExitCode.done);
    expect(stdout).toBe(`3 interactions from 3 rows stored in file:${cwd}/.whetstone\n1 row left out by the mapping\n`);
    expect((await stored(cwd)).map(({ answer, metadata }) => [answer, metadata?.line])).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 3],
    ]);
  });

  it("imports a row whole or not at all", async () => {
    const { cwd, stderr, exitCode } = await mapped(
      "export default ({ answers }) => answers.map((answer) => ({ query: 'q', answer, agentType: 'math' }))",
      [{ answers: ["a", 5] }, { answers: ["b"] }],
    );
    expect(exitCode).toBe(ExitCode.partly);
    expect(stderr).toBe("1 row could not be imported:\n  line 1: answer is not a text\n");
    expect((await stored(cwd)).map(({ answer }) => answer)).toEqual(["b"]);
  });

  it("has its own errors told with the line", async () => {
    const { stderr, exitCode } = await mapped(
      "export default (row) => { if (row.bad) throw new Error('no such task'); return { query: 'q', answer: 'a' }; }",
      [{}, { bad: true }],
    );
    expect(exitCode).toBe(ExitCode.partly);
    expect(stderr).toBe("1 row could not be imported:\n  line 2: no such task\n");
  });

  it.each([
    ["export const map = 1", /has no default export that is a function/],
    ["export default {}", /has no default export that is a function/],
    ["export default (row) =>", /cannot be loaded: /],
    ["throw new Error('no key')", /cannot be loaded: no key/],
  ])("that is %j is wrong usage", async (source, sentence) => {
    const { cwd, stderr, exitCode } = await mapped(source, [{}]);
    expect(exitCode).toBe(ExitCode.usage);
    expect(stderr).toMatch(sentence);
    expect(existsSync(join(cwd, ".whetstone"))).toBe(false);
  });

  it("that is not there is wrong usage", async () => {
    const run = await runInProcess(["import", "rows.jsonl", "--map", "gone.mjs"], { cwd: folderWith([{}]) });
    expect(run).toEqual({
      exitCode: ExitCode.usage,
      stdout: "",
      stderr: 'whetstone: there is no mapping module "gone.mjs"\n',
    });
  });
});

describe("importing again", () => {
  it("stores nothing twice, on another day too", async () => {
    const cwd = folderWith([
      { question: "q", solution: "a" },
      { question: "q", solution: "a" },
      { question: "q", solution: "b" },
    ]);
    const first = await runJson(["import", "rows.jsonl", ...FIELDS], { cwd });
    expect(first).toMatchObject({ stored: 3, duplicates: 0 });
    const again = await runJson(["import", "rows.jsonl", ...FIELDS], { cwd, now: NOW + 3 * 86_400_000 });
    expect(again).toMatchObject({ stored: 0, duplicates: 3 });
    expect(await stored(cwd)).toHaveLength(3);
  });

  it("after the file has grown stores only what is new", async () => {
    const cwd = folderWith([{ question: "q", solution: "a" }]);
    await runJson(["import", "rows.jsonl", ...FIELDS], { cwd });
    writeFileSync(
      join(cwd, "rows.jsonl"),
      jsonl([
        { question: "q", solution: "a" },
        { question: "q", solution: "a" },
        { question: "r", solution: "a" },
      ]),
    );
    const grown = await runJson(["import", "rows.jsonl", ...FIELDS], { cwd });
    expect(grown).toMatchObject({ stored: 2, duplicates: 1 });
  });

  it("with other fields is another import: no answer is taken for one that is there", async () => {
    const cwd = folderWith([{ question: "q", solution: "a", other: "a", third: "c" }]);
    await runJson(["import", "rows.jsonl", ...FIELDS], { cwd });
    const third = await runJson(["import", "rows.jsonl", "--query", "question", "--answer", "third"], { cwd });
    expect(third).toMatchObject({ stored: 1, duplicates: 0 });
    const asCode = await runJson(["import", "rows.jsonl", ...FIELDS, "--agent-type", "code"], { cwd });
    expect(asCode).toMatchObject({ stored: 1, duplicates: 0 });
  });
});

describe("bad rows", () => {
  const rows =
    '{"question":"q","solution":"a"}\n' +
    '{"question":"only"}\n' +
    "\n" +
    "not json\n" +
    "[1,2]\n" +
    "5\n" +
    "null\n" +
    '{"question":["q"],"solution":"a"}\n' +
    '{"question":"r","solution":"b"}\r\n' +
    '{"question":"cut","solu';

  it("are counted and the first few shown, the rest is imported, exit code 3", async () => {
    const cwd = folderWith(rows);
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS], { cwd });
    expect(run.exitCode).toBe(ExitCode.partly);
    expect(run.stdout).toBe(`2 interactions from 9 rows stored in file:${cwd}/.whetstone\n`);
    expect(run.stderr.split("\n")).toEqual([
      "7 rows could not be imported:",
      '  line 2: no field "solution" (the row has question)',
      expect.stringMatching(/^ {2}line 4: not JSON: /),
      "  line 5: an array, not a JSON object: make lines of it with: jq -c '.[]'",
      "  line 6: a number, not a JSON object",
      "  line 7: null, not a JSON object",
      "  … and 2 more",
      "",
    ]);
    expect((await stored(cwd)).map(({ query }) => query)).toEqual(["q", "r"]);
  });

  it("are in the report with --json, all of them counted", async () => {
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS, "--json"], { cwd: folderWith(rows) });
    expect(run).toMatchObject({ exitCode: ExitCode.partly, stderr: "" });
    const report = JSON.parse(run.stdout);
    expect(report).toMatchObject({ rows: 9, stored: 2, failed_rows: 7 });
    expect(report.failures.map(({ line }: { line: number }) => line)).toEqual([2, 4, 5, 6, 7]);
  });

  it("stop a --strict import at once, with nothing imported", async () => {
    const cwd = folderWith(rows);
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS, "--strict"], { cwd });
    expect(run).toEqual({
      exitCode: ExitCode.failed,
      stdout: "",
      stderr: 'whetstone: line 2 of "rows.jsonl": no field "solution" (the row has question); nothing was imported\n',
    });
    expect(existsSync(join(cwd, ".whetstone"))).toBe(false);
  });

  it("at the very end of a --strict import leave nothing behind either", async () => {
    const good = Array.from({ length: 600 }, (_, i) => ({ question: `q\u2028${i}`, solution: "a" }));
    const cwd = folderWith(`${jsonl(good)}{"question":"cut`);
    const spools = () => readdirSync(tmpdir()).filter((name) => name.startsWith("whetstone-import-"));
    const before = spools();
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS, "--strict"], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr).toContain("line 601");
    expect(run.stderr).toContain("cut short: the file ends inside this row");
    expect(existsSync(join(cwd, ".whetstone"))).toBe(false);
    expect(spools()).toEqual(before);

    writeFileSync(join(cwd, "rows.jsonl"), jsonl(good));
    expect(await runJson(["import", "rows.jsonl", ...FIELDS, "--strict"], { cwd })).toMatchObject({ stored: 600 });
    expect((await stored(cwd))[0]?.query).toBe("q\u20280");
    expect(spools()).toEqual(before);
  });

  it("show no control character on a terminal", async () => {
    const cwd = folderWith([{ "q\u001b]52;c;x\u0007": 1 }, { question: "q", solution: "a" }]);
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS], { cwd, isTTY: true });
    expect(run.exitCode).toBe(ExitCode.partly);
    expect(run.stderr.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  it.each([
    [{ at: "soon" }, 'timestamp "soon" is not a time: use ISO 8601, epoch seconds or milliseconds'],
    [{ at: -5 }, "timestamp -5 is not a time: use ISO 8601, epoch seconds or milliseconds"],
    [{ id: "has spaces" }, /interactionId "has spaces" is not an id/],
    [{ score: 7 }, 'field "score" is 7: a score is a number from 0 to 1, or true or false'],
    [{ chat: "hello" }, "messages is not a list of chat messages ({role, content})"],
    [
      { chat: [{ role: "user", content: "q" }] },
      "the messages do not end with an assistant turn, and there is no answer",
    ],
    [{ chat: [{ role: "assistant", content: "a" }] }, "the messages have no user turn, and there is no query"],
  ])("such as %j say what is wrong", async (row, reason) => {
    const cwd = folderWith([row]);
    const options = ["--messages", "chat", "--timestamp", "at", "--id", "id", "--score", "score"];
    const valid = {
      chat: [
        { role: "user", content: "q" },
        { role: "assistant", content: "a" },
      ],
    };
    writeFileSync(join(cwd, "rows.jsonl"), jsonl([{ ...valid, ...row }, valid]));
    const run = await runInProcess(["import", "rows.jsonl", ...options, "--json"], { cwd });
    expect(run.exitCode).toBe(ExitCode.partly);
    const [failure] = JSON.parse(run.stdout).failures;
    if (typeof reason === "string") expect(failure).toEqual({ line: 1, reason });
    else expect(failure.reason).toMatch(reason);
  });

  it("that had to be mended are counted as altered", async () => {
    const cwd = folderWith([{ query: "q", answer: "a", agent_type: "math", quality_scores: { overall: 7 } }]);
    const run = await runInProcess(["import", "rows.jsonl"], { cwd });
    expect(run.exitCode).toBe(ExitCode.done);
    expect(run.stdout).toContain("1 interaction cut, mended or redacted; the flags say what\n");
    expect(await stored(cwd)).toMatchObject([{ qualityScores: {}, flags: ["qualityScores.overall:dropped"] }]);
  });
});

describe("inputs", () => {
  it.each([
    ["a gzipped file", gzipSync(jsonl([{ question: "q", solution: "a" }])), 1],
    ["a file with a byte order mark", Buffer.from(`\ufeff${jsonl([{ question: "q", solution: "a" }])}`), 1],
    ["a file without a last newline", '{"question":"q","solution":"a"}', 1],
    ["a file with Windows line ends", '{"question":"q","solution":"a"}\r\n{"question":"r","solution":"a"}\r\n', 2],
  ])("may be %s", async (_name, content, expected) => {
    const report = await runJson(["import", "rows.jsonl", ...FIELDS], { cwd: folderWith(content) });
    expect(report).toMatchObject({ stored: expected, failed_rows: 0 });
  });

  it("may be standard input, gzipped or not, in pieces", async () => {
    const cwd = temporaryFolder();
    const bytes = gzipSync(jsonl([{ question: "q", solution: "a" }]));
    const stdin = Readable.from([bytes.subarray(0, 1), bytes.subarray(1, 9), bytes.subarray(9)]);
    expect(await runJson(["import", "-", ...FIELDS], { cwd, stdin })).toMatchObject({ stored: 1 });
  });

  it("that are gzipped and cut short give what could be read, and say so", async () => {
    const rows = Array.from({ length: 3_000 }, (_, i) => ({ question: `${i} ${Math.sin(i)}`, solution: "a" }));
    const bytes = gzipSync(jsonl(rows));
    const cwd = folderWith(bytes.subarray(0, bytes.length - 2_000));
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS], { cwd });
    expect(run.exitCode).toBe(ExitCode.partly);
    expect(run.stderr).toMatch(/line \d+: the gzip data is cut short or damaged from here on/);
    expect((await stored(cwd)).length).toBeGreaterThan(100);
  });

  const unreadable: readonly (readonly [string, string, (cwd: string) => void])[] = [
    ["a missing file", 'cannot read "in": it does not exist', () => {}],
    ["a folder", 'cannot read "in": it is a folder, give a JSONL file in it', (cwd) => mkdirSync(join(cwd, "in"))],
    ["an empty file", '"in" is empty: nothing was imported', (cwd) => writeFileSync(join(cwd, "in"), "")],
    ["a file of blank lines", '"in" is empty: nothing was imported', (cwd) => writeFileSync(join(cwd, "in"), "\n \n")],
    [
      "a truncated only row",
      'the only row of "in" could not be imported; line 1: cut short: the file ends inside this row',
      (cwd) => writeFileSync(join(cwd, "in"), '{"question":"q","sol'),
    ],
    [
      "a UTF-16 file",
      '"in" is UTF-16, and JSONL is UTF-8: convert it with: iconv -f UTF-16 -t UTF-8',
      (cwd) => writeFileSync(join(cwd, "in"), Buffer.from('\ufeff{"question":"q"}\n', "utf16le")),
    ],
    [
      "one JSON array over several lines",
      "none of the 3 rows of \"in\" could be imported; line 1: not JSONL but one JSON array: make lines of it with: jq -c '.[]'",
      (cwd) => writeFileSync(join(cwd, "in"), '[\n{"question":"q","solution":"a"},\n]\n'),
    ],
  ];

  it.each(unreadable)("that are %s are told in one sentence, and no store is made", async (_name, sentence, make) => {
    const cwd = temporaryFolder();
    make(cwd);
    const run = await runInProcess(["import", "in", ...FIELDS], { cwd });
    expect(run).toEqual({ exitCode: ExitCode.failed, stdout: "", stderr: `whetstone: ${sentence}\n` });
    expect(existsSync(join(cwd, ".whetstone"))).toBe(false);
  });

  it("with invalid UTF-8 lose that row only", async () => {
    const cwd = folderWith(
      Buffer.concat([
        Buffer.from('{"question":"q","solution":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}\n'),
        Buffer.from(jsonl([{ question: "r", solution: "a" }])),
      ]),
    );
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS, "--json"], { cwd });
    expect(run.exitCode).toBe(ExitCode.partly);
    expect(JSON.parse(run.stdout)).toMatchObject({ stored: 1, failures: [{ line: 1, reason: "not valid UTF-8" }] });
  });
});

describe("the store to import into", () => {
  const rows = [{ question: "q", solution: "a" }];

  it("that is a folder with other files is refused, and stays as it is", async () => {
    const cwd = folderWith(rows);
    mkdirSync(join(cwd, "photos"));
    writeFileSync(join(cwd, "photos", "cat.txt"), "meow");
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS, "--store", "photos"], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr).toMatch(/^whetstone: \S+\/photos holds other files and no whetstone\.json: .+\n$/);
    expect(readdirSync(join(cwd, "photos"))).toEqual(["cat.txt"]);
  });

  it("that is a file is refused", async () => {
    const cwd = folderWith(rows);
    const before = readFileSync(join(cwd, "rows.jsonl"), "utf8");
    const run = await runInProcess(["import", "rows.jsonl", ...FIELDS, "--store", "rows.jsonl"], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(readFileSync(join(cwd, "rows.jsonl"), "utf8")).toBe(before);
  });
});

describe("an interruption", () => {
  it("keeps whole batches, says how many, and the next run imports the rest", async () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => ({ question: `q${i}`, solution: "a" }));
    const cwd = folderWith(rows);
    const interruption = new AbortController();
    writeFileSync(
      join(cwd, "map.mjs"),
      `export default (row) => { globalThis.onImportedRow?.(row); return { query: row.question, answer: "a", agentType: "math" }; };`,
    );
    const hooks = globalThis as { onImportedRow?: (row: { question: string }) => void };
    hooks.onImportedRow = ({ question }) => {
      if (question === "q600") interruption.abort("SIGINT");
    };
    onTestFinished(() => {
      delete hooks.onImportedRow;
    });
    const args = ["import", "rows.jsonl", "--map", "map.mjs"];
    const run = await runInProcess(args, { cwd, signal: interruption.signal });
    expect(run).toEqual({
      exitCode: ExitCode.interrupted,
      stdout: "",
      stderr: "whetstone: interrupted: 512 interactions stored, run the same command again to import the rest\n",
    });
    expect(await stored(cwd)).toHaveLength(512);
    delete hooks.onImportedRow;
    expect(await runJson(args, { cwd })).toMatchObject({ stored: 488, duplicates: 512 });
  });

  it("ends an import that waits for standard input", async () => {
    const interruption = new AbortController();
    const stdin = new Readable({ read() {} });
    stdin.push('{"question":"q","solution":"a"}\n');
    const running = runInProcess(["import", "-", ...FIELDS], {
      cwd: temporaryFolder(),
      stdin,
      signal: interruption.signal,
    });
    setTimeout(() => interruption.abort("SIGTERM"), 20);
    expect(await running).toMatchObject({ exitCode: ExitCode.terminated, stdout: "" });
  });
});

describe("secrets and personal data", () => {
  const rows = [{ id: 7, question: "Mail ada@example.com", solution: "password: hunter22", annotations: [] }];

  it("are taken out before anything is stored, and the record says where", async () => {
    const cwd = folderWith(rows);
    const report = await runJson(["import", "rows.jsonl", ...FIELDS], { cwd });
    expect(report).toMatchObject({ stored: 1, altered: 1 });
    expect(await stored(cwd)).toMatchObject([
      { query: "Mail <EMAIL_1>", answer: "password: <SECRET_1>", flags: ["query:redacted", "answer:redacted"] },
    ]);
  });

  it("stay with --no-redact", async () => {
    const cwd = folderWith(rows);
    const report = await runJson(["import", "rows.jsonl", "--no-redact", ...FIELDS], { cwd });
    expect(report).toMatchObject({ stored: 1, altered: 0 });
    expect(await stored(cwd)).toMatchObject([{ query: "Mail ada@example.com", answer: "password: hunter22" }]);
  });
});
