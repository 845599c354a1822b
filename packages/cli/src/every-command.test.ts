import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { ExitCode } from "./exit-code.js";
import { createProgram } from "./program.js";
import { interaction, recorded } from "./testing/recorded-store.js";
import { type CliRun, runInProcess, testIo } from "./testing/run-in-process.js";
import { temporaryFolder } from "./testing/temporary-folder.js";

/** What a command line leads to each exit code, or why none does. */
interface Row {
  /** Null: only with what is not on this machine; its own test has it. */
  readonly done: string | null;
  readonly failed: string | null;
  readonly usage: string;
  /** Null: as for `done`. Left out: it never is. */
  readonly partly?: string | null;
  /** Rows of the table of keys in docs/cli.md, where it is not the command's own words. */
  readonly keys?: string;
  /** What the program is told besides, such as an interruption for a command that does not end by itself. */
  readonly signal?: AbortSignal;
}

const NO_STORE = "--store ./nothing";

const ROWS: Readonly<Record<string, Row>> = {
  init: { done: "init --yes", failed: "init --yes --store file:./rows.jsonl/x", usage: "init --frob" },
  import: {
    done: "import rows.jsonl",
    failed: "import missing.jsonl",
    usage: "import",
    partly: "import mixed.jsonl",
  },
  stats: { done: "stats", failed: `stats ${NO_STORE}`, usage: "stats --since yesterday" },
  query: { done: "query", failed: `query ${NO_STORE}`, usage: "query --order up" },
  tail: { done: "tail --no-follow", failed: `tail ${NO_STORE}`, usage: "tail --lines x" },
  show: { done: "show hostile", failed: "show unknown", usage: "show" },
  score: {
    done: "score --scorer math",
    failed: `score --scorer math ${NO_STORE}`,
    usage: "score",
    partly: null,
  },
  calibrate: {
    done: "calibrate --scorer exact",
    failed: `calibrate --scorer exact ${NO_STORE}`,
    usage: "calibrate",
  },
  feedback: { done: "feedback hostile --bad", failed: "feedback unknown --good", usage: "feedback hostile" },
  "dataset sft": {
    done: "dataset sft --out data/new",
    failed: "dataset sft --agent-type nobody --out data/none",
    usage: "dataset sft --frob",
    partly: "dataset sft --store ./damaged --out data/part",
    keys: "dataset",
  },
  "dataset dpo": {
    done: "dataset dpo --out data/dpo",
    failed: "dataset dpo --agent-type nobody --out data/none",
    usage: "dataset dpo --min-quality-diff 2",
    partly: "dataset dpo --store ./damaged --out data/part",
    keys: "dataset",
  },
  "dataset grpo": {
    done: "dataset grpo --group-size 2 --out data/grpo",
    failed: "dataset grpo --agent-type nobody --out data/none",
    usage: "dataset grpo --online --group-size 2",
    partly: "dataset grpo --group-size 2 --store ./damaged --out data/part",
    keys: "dataset",
  },
  "dataset kto": {
    done: "dataset kto --out data/kto",
    failed: "dataset kto --agent-type nobody --out data/none",
    usage: "dataset kto --max-samples 0",
    partly: "dataset kto --store ./damaged --out data/part",
    keys: "dataset",
  },
  "dataset reward": {
    done: "dataset reward --out data/reward",
    failed: "dataset reward --agent-type nobody --out data/none",
    usage: "dataset reward --pairing odd",
    partly: "dataset reward --store ./damaged --out data/part",
    keys: "dataset",
  },
  "dataset diff": {
    done: "dataset diff data/sft data/sft",
    failed: "dataset diff data/sft data/missing",
    usage: "dataset diff data/sft",
  },
  "dataset export": {
    done: "dataset export data/sft --to axolotl --out data/axolotl",
    failed: "dataset export data/missing --to axolotl",
    usage: "dataset export data/sft",
  },
  push: { done: null, failed: "push data/missing acme/answers", usage: "push data/sft" },
  validate: {
    done: "validate sound.jsonl --method grpo-online",
    failed: "validate missing.jsonl",
    usage: "validate",
    partly: "validate data/sft",
  },
  ...Object.fromEntries(
    ["sft", "dpo", "kto", "reward", "grpo", "grpo-offline"].map((kind): [string, Row] => [
      `script ${kind}`,
      {
        done: `script ${kind} --out ${kind}/train.py`,
        failed: `script ${kind} --config missing.json`,
        usage: `script ${kind} --set odd`,
        keys: "script",
      },
    ]),
  ),
  train: {
    done: "train train-sft.py --remote slurm",
    failed: "train missing.py",
    usage: "train --gpus 0",
    keys: "train --remote",
  },
  runs: { done: "runs", failed: null, usage: "runs extra" },
  cleanup: {
    done: "cleanup --days-to-keep 90 --yes",
    failed: `cleanup --days-to-keep 90 --yes ${NO_STORE}`,
    usage: "cleanup",
  },
  erase: {
    done: "erase --user nobody --yes",
    failed: `erase --user nobody --yes ${NO_STORE}`,
    usage: "erase",
    partly: null,
  },
  copy: { done: "copy .whetstone ./copied", failed: "copy ./nothing ./copied", usage: "copy .whetstone" },
  export: { done: "export --parquet days", failed: `export --parquet days ${NO_STORE}`, usage: "export" },
  report: { done: "report", failed: `report ${NO_STORE}`, usage: "report --worst many" },
  doctor: { done: "doctor", failed: "doctor --store redis://127.0.0.1:1", usage: "doctor extra", partly: null },
  serve: {
    done: "serve --port 0",
    failed: "serve --port 0 --token-file rows.jsonl",
    usage: "serve --port many",
    signal: AbortSignal.abort("SIGINT"),
  },
  completion: { done: "completion bash", failed: null, usage: "completion powershell" },
};

/** Sets a clipboard, a title and colours, moves the cursor, and turns the direction of what follows. */
const HOSTILE =
  "\u001b]52;c;cHduZWQ=\u0007\u001b]0;pwned\u0007\u001b[31m\u001b[2J\u009b5A\r\u0000\u0008\u202egnp\u2066 end";

/** A store with answers of all kinds, a hostile one among them, datasets, a script and rows to import. */
async function workshop(): Promise<string> {
  const cwd = temporaryFolder();
  const answers = [0, 1, 2, 3].flatMap((i) => [
    interaction({
      interactionId: `good-${i}`,
      query: `What is ${i} times 2?`,
      answer: `${i * 2}`,
      reference: `${i * 2}`,
      qualityScores: { overall: 0.9 },
    }),
    interaction({
      interactionId: `bad-${i}`,
      query: `What is ${i} times 2?`,
      answer: `It is ${i * 2 + 1}.`,
      reference: `${i * 2}`,
      qualityScores: { overall: 0.1 },
    }),
  ]);
  const hostile = interaction({
    interactionId: "hostile",
    query: HOSTILE,
    answer: HOSTILE,
    agentType: HOSTILE,
    variant: HOSTILE,
    model: HOSTILE,
    reference: HOSTILE,
    sessionId: HOSTILE,
    errorOccurred: true,
    errorMessage: HOSTILE,
    toolsUsed: [HOSTILE],
    sources: [{ id: HOSTILE, title: HOSTILE, url: HOSTILE, text: HOSTILE }],
    qualityScores: { overall: 0.05, [HOSTILE]: 0.5 },
    messages: [
      { role: "user", content: HOSTILE },
      {
        role: "assistant",
        content: HOSTILE,
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: { [HOSTILE]: HOSTILE } } }],
      },
    ],
  });
  await recorded(cwd, ...answers, hostile);
  writeFileSync(join(cwd, "rows.jsonl"), '{"query":"q","answer":"a"}\n');
  writeFileSync(join(cwd, "mixed.jsonl"), '{"query":"q","answer":"b"}\n{"query":""}\n');
  const prompts = Array.from({ length: 120 }, (_, i) => {
    const words = createHash("sha256").update(`${i}`).digest("hex").match(/.{8}/g) ?? [];
    return { prompt: [{ role: "user", content: `Explain ${words.join(" ")}.` }], reference: words[0] };
  });
  writeFileSync(join(cwd, "sound.jsonl"), prompts.map((row) => `${JSON.stringify(row)}\n`).join(""));
  for (const line of [
    "feedback good-0 --good --by ada",
    "dataset sft --out data/sft",
    "script sft --dataset data/sft",
  ]) {
    expect(await runInProcess(line.split(" "), { cwd })).toMatchObject({ exitCode: ExitCode.done });
  }
  // A store on a disk that went bad.
  cpSync(join(cwd, ".whetstone"), join(cwd, "damaged"), { recursive: true });
  for (const file of filesOf(join(cwd, "damaged")).filter((path) => /\/w[^/]*\.ndjson$/.test(path))) {
    writeFileSync(file, readFileSync(file, "utf8").replace(/"query":"(?=What is 0)/g, '"que\0y":"'));
  }
  return cwd;
}

const COMMANDS = leavesOf(createProgram(testIo({ cwd: "/" }).io));
const PAGE = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
const ERRORS = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");

it("stands in the table, whichever command there is", () => {
  expect(COMMANDS.filter((command) => !ROWS[command])).toEqual([]);
});

describe.each(
  COMMANDS.flatMap((command) => {
    const row = ROWS[command];
    return row ? [[command, row] as const] : [];
  }),
)("whetstone %s", (command, row) => {
  const { done, failed, usage, partly, keys = command, signal } = row;
  const run = async (line: string, options: { cwd: string; isTTY?: boolean }): Promise<CliRun> =>
    runInProcess(line.split(" "), {
      ...options,
      ...(signal && line.replace(/ --(json|overwrite)$/, "") === done && { signal }),
    });

  it.runIf(done)("exits with 0 when it is done, and lets nothing stored through to the terminal", async () => {
    const cwd = await workshop();
    for (const isTTY of [false, true]) {
      // What asks on a terminal is told the answer; what writes a file is told to replace it.
      const again = isTTY && /^(dataset (?!diff)|script|report)/.test(command) ? `${done} --overwrite` : (done ?? "");
      const { exitCode, stdout, stderr } = await run(again, { cwd, isTTY });
      expect({ exitCode, stderr }).toMatchObject({ exitCode: ExitCode.done });
      // Emphasis and the redrawn line of progress are our own.
      const foreign = OURS.reduce((text, own) => text.replaceAll(own, ""), stdout + stderr);
      if (command !== "completion") expect(foreign).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
    }
  });

  it.runIf(done)("prints JSON with the keys that docs/cli.md names", async () => {
    const { exitCode, stdout } = await run(`${done} --json`, { cwd: await workshop() });
    expect(exitCode).toBe(ExitCode.done);
    expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
    const line = stdout.split("\n")[0] ?? "";
    const documented = PAGE.split("\n").find((each) => each.startsWith(`| \`${keys}\` |`));
    expect(documented, `docs/cli.md has no row of keys for ${keys}`).toBeDefined();
    if (line === "" || documented?.includes("the fields of the record")) return;
    const names = [...(documented ?? "").matchAll(/`([\w.]+)`/g)].map(([, name]) => name);
    expect(Object.keys(JSON.parse(line)).filter((key) => !names.includes(key))).toEqual([]);
  });

  it.runIf(failed)(`exits with 1 when it fails: ${failed}`, async () => {
    const cwd = await workshop();
    const plain = await run(failed ?? "", { cwd });
    expect(plain.exitCode).toBe(ExitCode.failed);
    expect(plain.stdout + plain.stderr).not.toBe("");
    const { exitCode, stdout, stderr } = await run(`${failed} --json`, { cwd });
    expect(exitCode).toBe(ExitCode.failed);
    if (stdout !== "") return; // a report that is bad news is still a report
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    expect(error.message).not.toBe("");
    expect(`${PAGE}${ERRORS}`).toContain(`\`${error.code}\``);
    expect(error.code).not.toBe("INTERNAL");
  });

  it(`exits with 2 when the command line is wrong: ${usage}`, async () => {
    const run = await runInProcess(usage.split(" "), { cwd: await workshop() });
    expect(run).toMatchObject({ exitCode: ExitCode.usage, stdout: "" });
    expect(run.stderr).toMatch(/^whetstone: .+\n$/);
  });

  it.runIf(partly)(`exits with 3 when it is done but for some: ${partly}`, async () => {
    expect((await run(partly ?? "", { cwd: await workshop() })).exitCode).toBe(ExitCode.partly);
  });

  it.runIf(done)("sets no colour and no emphasis where NO_COLOR asks for none", async () => {
    const cwd = await workshop();
    const env = { NO_COLOR: "1", TERM: "xterm-256color" };
    const run = await runInProcess((done ?? "").split(" "), { cwd, env, isTTY: true, ...(signal && { signal }) });
    expect(run.exitCode).toBe(ExitCode.done);
    expect(run.stdout + run.stderr).not.toContain("\u001b[1m");
  });
});

it("names in docs/cli.md which commands may exit with 3", () => {
  const documented = PAGE.split("\n").find((line) => line.startsWith("| 3 |")) ?? "";
  const names = [...documented.matchAll(/`([a-z ]+)`/g)].map(([, name]) => name);
  const partly = COMMANDS.filter((command) => ROWS[command]?.partly !== undefined);
  expect(names.toSorted()).toEqual([...new Set(partly.map((command) => command.replace(/ .*/, "")))].toSorted());
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const OURS = ["\u001b[1m", "\u001b[22m", "\r\u001b[2K"];

function leavesOf(parent: Command, path = ""): string[] {
  return parent.commands.flatMap((command) => {
    const here = `${path} ${command.name()}`.trim();
    return command.commands.length === 0 ? [here] : leavesOf(command, here);
  });
}
