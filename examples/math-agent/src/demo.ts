import { readFile } from "node:fs/promises";
import {
  createInteractionLogger,
  effectiveScore,
  type InteractionStore,
  mathVerifier,
  openStore,
  scoreInteractions,
} from "@whetstone/core";
import {
  buildDpoDataset,
  buildGrpoDataset,
  buildSftDataset,
  type DatasetBuild,
  type DpoRow,
  datasetStats,
  describeReport,
  type GrpoRow,
  type SftMessagesRow,
  type Turns,
  writeDataset,
} from "@whetstone/datasets";
import { clientFromEnvironment } from "@whetstone/example-shared/chat-model";
import { saveTrainingScript } from "@whetstone/trainers";
import { DEMO_FOLDER, freshDemoFolder } from "./demo-folder.js";
import { type DemoOptions, readOptions, USAGE, UsageError } from "./demo-options.js";
import { type DatasetSummary, renderSummary, type VariantQuality } from "./demo-summary.js";
import { liveModel } from "./live-model.js";
import { createMathAgent } from "./math-agent.js";
import type { Solve } from "./math-answer.js";
import { policies } from "./policies.js";
import { type Task, tasks } from "./tasks.js";

/** The whole line: agents answer, every answer is recorded and checked, and datasets and scripts come out. */
async function demo(options: DemoOptions): Promise<void> {
  const started = performance.now();
  await freshDemoFolder();
  const store = openStore(`file:${DEMO_FOLDER}/store`);
  const logger = createInteractionLogger({ store });

  const variants = options.live ? liveVariants(options) : offlineVariants();
  const agents = variants.map(({ name, solve }) => createMathAgent(logger, name, solve));
  const asked = spread(tasks, options.tasks);
  const calls = asked.flatMap((task) => agents.map((agent) => () => agent.answer(task)));
  const failures = await inParallel(options.live ? 4 : 1, calls);
  const { dropped } = await logger.flush();

  const { scored } = await scoreInteractions(store, mathVerifier());

  const stats = await datasetStats(store);
  const { sftSamples, dpoPairs, grpoGroups } = stats.potentialDatasets;
  const datasets = [
    await write(buildSftDataset(store), sftSamples),
    await write(buildDpoDataset(store), dpoPairs),
    await write(buildGrpoDataset(store, { groupSize: 4 }), grpoGroups),
  ];
  const scripts = [];
  for (const kind of ["sft", "dpo"] as const) {
    const { scriptPath, command } = await saveTrainingScript(kind, {
      path: `${DEMO_FOLDER}/scripts/train-${kind}.py`,
      datasetPath: `${DEMO_FOLDER}/datasets/${kind}`,
      outputDir: `${DEMO_FOLDER}/models/${kind}`,
      ...(kind === "dpo" && { sftModelPath: `${DEMO_FOLDER}/models/sft` }),
    });
    scripts.push({ path: scriptPath, command });
  }

  const { offered, stored } = logger.stats();
  const quality = await qualityByVariant(store, [...new Set(variants.map(({ name }) => name))]);
  const [sft, dpo, grpo] = datasets;
  const summary = renderSummary(
    {
      title: options.live
        ? `${asked.length} tasks, each answered ${options.attempts} times by ${options.model}`
        : `${asked.length} tasks, each answered by ${variants.length} variants of a maths agent`,
      seconds: (performance.now() - started) / 1000,
      recorded: { offered, stored, dropped, scored },
      storePath: `${DEMO_FOLDER}/store`,
      variants: options.live ? quality : quality.reverse(),
      datasets,
      recommendation: stats.recommendation,
      note: options.live ? undefined : NOTE,
      examples: {
        sft: await exampleRow<SftMessagesRow>(sft, ({ messages }) => messages.length > 6 && isStory(messages)),
        dpo: await exampleRow<DpoRow>(dpo, ({ prompt }) => isStory(prompt)),
        grpo: await exampleRow<GrpoRow>(
          grpo,
          ({ prompt, metadata }) => isStory(prompt) && metadata.reward_mean === 0.5,
        ),
      },
      scripts,
    },
    {
      colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
      width: Math.min(Math.max(process.stdout.columns ?? 100, 60), 120),
    },
  );
  await logger.close();
  await store.close();
  process.stdout.write(summary);
  if (failures.length > 0) {
    process.stdout.write(
      `\n${failures.length} of ${calls.length} calls ended in an error; the first one: ${failures[0]}\n`,
    );
    if (failures.length === calls.length) process.exitCode = 1;
  }
}

interface Variant {
  readonly name: string;
  readonly solve: Solve;
}

// The weakest first: of equally good answers to one prompt the builders take the newest, which is then the fullest.
function offlineVariants(): readonly Variant[] {
  return (["hasty", "careless", "terse", "paper", "planner"] as const).map((name) => ({ name, solve: policies[name] }));
}

function liveVariants({ model, attempts }: DemoOptions): readonly Variant[] {
  const solve = liveModel({ client: clientFromEnvironment(), model });
  return Array.from({ length: attempts }, () => ({ name: model, solve }));
}

/** So many tasks, evenly spread over the list and so over its topics. */
function spread(all: readonly Task[], count: number): readonly Task[] {
  return all.filter(
    (_, place) => Math.floor((place * count) / all.length) !== Math.floor(((place - 1) * count) / all.length),
  );
}

/** Makes all calls, so many at a time. What one throws ends that call only, and is handed back as text. */
async function inParallel(workers: number, calls: readonly (() => Promise<unknown>)[]): Promise<string[]> {
  const failures: string[] = [];
  const queue = calls.values();
  const worker = async () => {
    for (const call of queue) {
      await call().catch((error: unknown) => failures.push(error instanceof Error ? error.message : String(error)));
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return failures;
}

async function write<Row extends object>(build: DatasetBuild<Row>, expected: number): Promise<DatasetSummary> {
  const { kind } = build;
  const path = `${DEMO_FOLDER}/datasets/${kind}`;
  if (expected === 0) {
    for await (const _ of build); // an empty build still says why it is empty
    return { kind, path, rows: 0, account: describeReport(build.report) };
  }
  // A tenth of a handful of rows would be no test.
  const { rows, report } = await writeDataset(build, path, expected >= 50 ? { testShare: 0.1 } : {});
  return { kind, path, rows, account: report ? describeReport(report) : "" };
}

async function qualityByVariant(store: InteractionStore, names: readonly string[]): Promise<VariantQuality[]> {
  const counts = new Map(names.map((name) => [name, { answers: 0, right: 0, errors: 0, unscored: 0 }]));
  for await (const batch of store.query()) {
    for (const interaction of batch) {
      const count = counts.get(interaction.variant ?? "");
      if (!count) continue;
      const score = effectiveScore(interaction);
      count.answers += 1;
      if (interaction.errorOccurred) count.errors += 1;
      else if (!score) count.unscored += 1;
      else if (score.overall === 1) count.right += 1;
    }
  }
  return [...counts].map(([variant, count]) => ({ variant, ...count }));
}

/** The first row that shows the point of its kind, else the first row. */
async function exampleRow<Row>(
  dataset: DatasetSummary | undefined,
  isTelling: (row: Row) => boolean,
): Promise<Row | undefined> {
  if (!dataset || dataset.rows === 0) return undefined;
  const lines = (await readFile(`${dataset.path}/train.jsonl`, "utf8")).trimEnd().split("\n");
  const rows = lines.map((line) => JSON.parse(line) as Row);
  return rows.find(isTelling) ?? rows[0];
}

const NOTE =
  "The planner's answers follow tool calls that no other variant made. Pairs compare answers to the same situation, so " +
  "its answers are in none; groups take attempts at the same task, and hold its whole way to the answer.";

// Sums show less of an agent than a problem told in words.
function isStory(turns: Turns): boolean {
  return typeof turns !== "string" && turns.some(({ role, content }) => role === "user" && content.length > 60);
}

try {
  const options = readOptions(process.argv.slice(2), tasks.length);
  if (options) await demo(options);
  else process.stdout.write(USAGE);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
