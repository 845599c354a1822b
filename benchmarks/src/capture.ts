/**
 * `npm run bench:capture`: what it costs an agent to be recorded, by us and by others, in one interleaved run.
 * `--check` exits with 1 when a bar is short; `--rounds`, `--calls` and `--only` make it smaller.
 */
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openPlaces, type RunOptions } from "./capture-places.js";
import { type RecorderName, recorders } from "./capture-recorders.js";
import { added, delivered, figure, type Phase, printImports, printPhase } from "./capture-report.js";
import type { CaptureRun } from "./capture-task.js";
import { median } from "./measure.js";
import { checkBars } from "./report.js";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    calls: { type: "string", default: "10000" },
    only: { type: "string", default: Object.keys(recorders).join() },
  },
});
const amount = Number(values.calls);
const rounds = Number(values.rounds);
/** What a logger of ours may hold at its defaults. */
const QUEUE_MB = 64;

const started = performance.now();
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}`);
console.log("questions of 200 characters, answers of 1,200, five fields; every recorder at its defaults");
const places = await openPlaces();
const names = (values.only.split(",") as RecorderName[]).filter((name) => places.has(name));
const away = names.filter((name) => !["bare", "closure", "written", "file"].includes(name));

try {
  const single = await run("one call after the other, a turn of the event loop between two", "calls", {
    amount,
    rounds,
  });
  const turn = await run("all calls in one turn of the event loop, twice as many", "turn", { amount: 2 * amount });
  await run("1,000 calls a second", "rate", { amount: amount / 10, rate: 1_000 });
  const fast = await run("10,000 calls a second", "rate", { amount, rate: 10_000, rounds });
  const flood = await run("as many as it takes within two seconds, 100 at once", "unlimited", {
    amount: 4 * amount,
    rate: 2_000,
  });
  // As often as the healthy store that it is compared with; the others' figures are no bar's.
  const ours = (name: RecorderName) => (name === "redis" ? rounds : 1);
  const fault = { amount, rate: 10_000, rounds: ours };
  const down = await run("10,000 calls a second, the sink is down", "fault", { ...fault, away: "down" });
  const hung = await run("10,000 calls a second, the sink hangs", "fault", { ...fault, away: "hung" });
  const imports = importCosts();
  printImports(imports);

  const cpu = (name: RecorderName) =>
    added(single, name, (run) => run.cpu / (run.arrived === undefined ? 1 : delivered(run)));
  const p50 = (name: RecorderName) => added(single, name, ({ p50 }) => p50);
  const p99 = (name: RecorderName) => figure(fast, name, ({ p99 }) => p99);
  const bars: Record<string, number> = {
    "capture.p50.closure": p50("file") / p50("closure"),
    "capture.p50.langfuse": p50("file") / p50("langfuse"),
    "capture.p99.otel": p99("file") / p99("otel"),
    "capture.cpu.file": cpu("file") / cpu("langfuse"),
    "capture.cpu.redis": cpu("redis") / cpu("langfuse"),
    "capture.import.cpu": (imports.get("@whetstone/core") ?? Number.NaN) / (imports.get("langfuse") ?? Number.NaN),
  };
  for (const [what, phase] of Object.entries({ turn, fast, flood })) {
    for (const name of ["file", "redis"] as const)
      bars[`capture.lost.${what}.${name}`] = 1 - figure(phase, name, delivered);
  }
  for (const [what, phase] of Object.entries({ down, hung })) {
    const of = (pick: (run: CaptureRun) => number) => figure(phase, "redis", pick);
    bars[`capture.${what}.p50`] = of(({ p50 }) => p50) / figure(fast, "redis", ({ p50 }) => p50);
    bars[`capture.${what}.memory`] = of(({ heldMb }) => heldMb) / QUEUE_MB;
    bars[`capture.${what}.lost`] = 1 - of((run) => delivered(run, { accepted: true }));
  }
  // What did not run has no bar.
  const met = checkBars(Object.fromEntries(Object.entries(bars).filter(([, value]) => !Number.isNaN(value))));
  console.log(`\n${Math.round((performance.now() - started) / 1_000)} seconds`);
  if (values.check && !met) process.exitCode = 1;
} finally {
  await places.close();
}

/** Runs and prints a phase for every recorder, the rounds in turn and the order turned round every other time. */
async function run(
  title: string,
  phase: string,
  { rounds = 1, ...options }: RunOptions & { readonly rounds?: number | ((name: RecorderName) => number) },
): Promise<Phase> {
  const lines = (options.away ? away : names).map((name) => ({ name, rounds: [] as CaptureRun[] }));
  const roundsOf = (name: RecorderName) => (typeof rounds === "number" ? rounds : rounds(name));
  const most = Math.max(...lines.map(({ name }) => roundsOf(name)));
  for (let round = 0; round < most; round++) {
    for (const line of round % 2 === 0 ? lines : lines.toReversed()) {
      if (round < roundsOf(line.name)) line.rounds.push(await places.run(line.name, phase, options));
    }
  }
  printPhase({ title, lines });
  return { title, lines };
}

/** Milliseconds of CPU that an import costs above a bare process, the median of five. */
function importCosts(): ReadonlyMap<string, number> {
  const modules: Readonly<Record<string, readonly string[]>> = {
    nothing: [],
    "@whetstone/core": ["@whetstone/core"],
    otel: ["@opentelemetry/sdk-trace-node", "@opentelemetry/exporter-trace-otlp-http"],
    langfuse: ["@langfuse/otel", "@langfuse/tracing", "@opentelemetry/sdk-trace-node"],
    langsmith: ["langsmith", "langsmith/traceable"],
    braintrust: ["braintrust"],
  };
  const costs = new Map(Object.keys(modules).map((name) => [name, [] as number[]]));
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  for (let round = 0; round < 5; round++) {
    for (const [name, wanted] of Object.entries(modules)) {
      const imports = wanted.map((specifier) => `import ${JSON.stringify(specifier)};`).join("");
      const script = `${imports} const { user, system } = process.cpuUsage(); console.log((user + system) / 1000);`;
      const told = execFileSync(process.execPath, ["--input-type=module", "-e", script], { cwd, encoding: "utf8" });
      costs.get(name)?.push(Number(told));
    }
  }
  const bare = median(costs.get("nothing") ?? []);
  costs.delete("nothing");
  return new Map([...costs].map(([name, rounds]) => [name, median(rounds) - bare]));
}
