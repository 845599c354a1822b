import { type ExecFileException, execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loopbackModel, mixedModel } from "./loopback-model.js";
import { tasks } from "./tasks.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const demoPath = join(root, "examples/math-agent/src/demo.ts");

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The demo as a process of its own, on the packages' sources. */
function demo(folder: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Run> {
  const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, ...inherited } = process.env;
  const command = [
    join(root, "node_modules/tsx/dist/cli.mjs"),
    "--tsconfig",
    join(root, "tsconfig.base.json"),
    demoPath,
  ];
  return run(process.execPath, [...command, ...args], folder, { ...inherited, ...env });
}

function run(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<Run> {
  return new Promise((resolve) => {
    execFile(file, [...args], { cwd, env }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}

async function freshFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "whetstone-demo-test-"));
}

async function rowsOf(folder: string, kind: string): Promise<readonly Record<string, unknown>[]> {
  const dataset = join(folder, "whetstone-demo/datasets", kind);
  const names = (await readdir(dataset)).filter((name) => name.endsWith(".jsonl"));
  const texts = await Promise.all(names.map((name) => readFile(join(dataset, name), "utf8")));
  return texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** How many rows of a kind the summary says there are. */
function told(stdout: string, kind: string): number {
  return Number(new RegExp(`^ {2}${kind} +(\\d+) row`, "m").exec(stdout)?.[1]);
}

describe("npm run demo", { timeout: 120_000 }, () => {
  let folder: string;
  let first: Run;

  beforeAll(async () => {
    folder = await freshFolder();
    first = await demo(folder);
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("ends well, silently on stderr and without colour where nobody looks", () => {
    expect(first).toMatchObject({ code: 0, stderr: "" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what must not be there
    expect(first.stdout).not.toMatch(/\x1b/);
  });

  it("stores one interaction for each task and variant and drops none", async () => {
    expect(first.stdout).toContain(`recorded  ${tasks.length * 5} of ${tasks.length * 5} interactions, 0 dropped`);
    expect(first.stdout).toContain(`checked   ${tasks.length * 5} of them by verifier:math`);
    const store = join(folder, "whetstone-demo/store");
    const days = (await readdir(store)).filter((name) => /^\d{4}-\d\d-\d\d$/.test(name));
    let lines = 0;
    for (const day of days) {
      for (const name of await readdir(join(store, day))) {
        if (!name.endsWith(".ndjson") || name.startsWith("annotations")) continue;
        lines += (await readFile(join(store, day, name), "utf8")).trimEnd().split("\n").length;
      }
    }
    expect(lines).toBe(tasks.length * 5);
  });

  it("shows the quality of each variant, the best first", () => {
    const shares = [...first.stdout.matchAll(/^ {2}(\w+) +[#.]{30} +([\d.]+) % {2}(\d+) of (\d+)$/gm)];
    expect(shares.map((match) => match[1])).toEqual(["planner", "paper", "terse", "careless", "hasty"]);
    const percents = shares.map((match) => Number(match[2]));
    expect(percents[0]).toBeGreaterThanOrEqual(97);
    expect(percents[3]).toBeLessThan(80);
    expect(percents[4]).toBeLessThan(60);
    for (const [, , percent, right, all] of shares) {
      expect(((Number(right) / Number(all)) * 100).toFixed(1)).toBe(percent);
    }
  });

  it("writes as many rows as it says, and of the kinds it says", async () => {
    const [sft, dpo, grpo] = [await rowsOf(folder, "sft"), await rowsOf(folder, "dpo"), await rowsOf(folder, "grpo")];
    expect(sft.length).toBe(told(first.stdout, "sft"));
    expect(dpo.length).toBe(told(first.stdout, "dpo"));
    expect(grpo.length).toBe(told(first.stdout, "grpo"));
    const right = [...first.stdout.matchAll(/(\d+) of \d+$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
    // An SFT row is a right answer, unless an equal one to the same question is there already.
    expect(sft.length).toBeLessThanOrEqual(right);
    expect(sft.length).toBeGreaterThan(tasks.length * 2);
    expect(dpo.length).toBeGreaterThanOrEqual(60);
    expect(dpo.length).toBe(grpo.length);
    for (const { metadata } of dpo) expect(metadata).toMatchObject({ chosen_score: 1, rejected_score: 0 });
    for (const { responses } of grpo) expect(responses).toHaveLength(4);
  });

  it("keeps the planner's tool calls in the SFT rows", async () => {
    const rows = await rowsOf(folder, "sft");
    const roles = rows.map(({ messages }) => (messages as readonly { role: string }[]).map(({ role }) => role));
    const withTools = roles.filter((turns) => turns.includes("tool"));
    expect(withTools.length).toBeGreaterThanOrEqual(Math.floor(tasks.length * 0.97));
    expect(new Set(rows.map((row) => Object.keys(row).join())).size).toBe(1);
  });

  it("writes two training scripts that Python compiles", async (context) => {
    const scripts = ["sft", "dpo"].map((kind) => join(folder, `whetstone-demo/scripts/train-${kind}.py`));
    for (const script of scripts) expect(await readFile(script, "utf8")).toContain("whetstone-demo/datasets/");
    const python = await run("python3", ["--version"], folder);
    if (python.code !== 0) context.skip("python3 is not on this machine");
    expect(await run("python3", ["-m", "py_compile", ...scripts], folder)).toMatchObject({ code: 0, stderr: "" });
  });

  it("starts afresh when it runs again, and keeps what it did not make", async () => {
    const models = join(folder, "whetstone-demo/models");
    await mkdir(models);
    await writeFile(join(models, "precious"), "weights");
    const second = await demo(folder, ["--tasks", "20"]);
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toContain("recorded  100 of 100 interactions");
    expect((await rowsOf(folder, "sft")).length).toBe(told(second.stdout, "sft"));
    expect(await readFile(join(models, "precious"), "utf8")).toBe("weights");
  });
});

describe("the demo's manners", { timeout: 60_000 }, () => {
  it("leaves a folder alone that it did not make", async () => {
    const folder = await freshFolder();
    await mkdir(join(folder, "whetstone-demo/store"), { recursive: true });
    await writeFile(join(folder, "whetstone-demo/thesis.txt"), "years of work");
    const { code, stderr, stdout } = await demo(folder);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      "./whetstone-demo is there already and was not made by this demo: move it away, or start the demo in another folder\n",
    );
    expect((await readdir(join(folder, "whetstone-demo"))).sort()).toEqual(["store", "thesis.txt"]);
    await rm(folder, { recursive: true });
  });

  it.each([
    [["--live"], "--live needs a model: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own\n"],
    [["--tasks", "many"], `--tasks is "many": use a whole number from 1 to ${tasks.length}\n`],
    [["--fast"], "Unknown option '--fast'"],
  ])("refuses %j in a sentence and makes nothing", async (args, reason) => {
    const folder = await freshFolder();
    const { code, stderr } = await demo(folder, args);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
    expect(existsSync(join(folder, "whetstone-demo"))).toBe(false);
    await rm(folder, { recursive: true });
  });
});

describe("npm run demo -- --live", { timeout: 120_000 }, () => {
  it("lets a model answer over the API, along the same line", async () => {
    const folder = await freshFolder();
    await using server = await loopbackModel(mixedModel());
    const env = { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: "test-key" };
    const args = ["--live", "--model", "tiny", "--tasks", "10", "--attempts", "4"];
    const { code, stdout, stderr } = await demo(folder, args, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("10 tasks, each answered 4 times by tiny");
    expect(stdout).toContain("recorded  40 of 40 interactions, 0 dropped");
    expect(stdout).toMatch(/^ {2}tiny {2}#{22}\.{8} {3}75\.0 % {2}30 of 40$/m);
    // Of four attempts two call the calculator, one answers rightly at once and one wrongly: those two make a pair.
    expect(await rowsOf(folder, "dpo")).toHaveLength(10);
    // A group takes all four, whatever they did on their way: they are attempts at one task.
    expect(told(stdout, "grpo")).toBe(10);
    const [group] = (await rowsOf(folder, "grpo")) as readonly {
      responses: readonly { messages: readonly object[] }[];
    }[];
    expect(group?.responses.map(({ messages }) => messages.length)).toEqual(expect.arrayContaining([1, 3]));
    expect(server.requests).toHaveLength(10 * (2 + 2 + 1 + 1));
    await rm(folder, { recursive: true });
  });

  it("tells of an endpoint that refuses, and fails", async () => {
    const folder = await freshFolder();
    await using server = await loopbackModel(() => 401);
    const env = { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: "wrong" };
    const { code, stdout } = await demo(folder, ["--live", "--tasks", "2", "--attempts", "2"], env);
    expect(code).toBe(1);
    expect(stdout).toContain("4 of 4 calls ended in an error; the first one: 401 refused with 401");
    expect(stdout).toContain("4 failed");
    await rm(folder, { recursive: true });
  });
});
