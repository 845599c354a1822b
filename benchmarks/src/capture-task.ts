/** Runs one phase of the comparison for one recorder in this process, and sends what it took to the parent. */
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { type Agent, answered, arrivedCalls, question, WARM_UP } from "./capture-payload.js";
import { type Recorder, type RecorderName, recorders } from "./capture-recorders.js";

/** What one phase came to. Times are microseconds; what a call took is the agent's own time included. */
export interface CaptureRun {
  readonly p50: number;
  readonly p99: number;
  /** User and system time of all threads until everything is delivered, for each call. */
  readonly cpu: number;
  readonly calls: number;
  readonly perSecond: number;
  readonly eventLoopDelayMs: number;
  /** The heap and what lies beside it, above what there was before. */
  readonly peakMb: number;
  /** Calls that arrived whole. A task itself knows it only of a store of ours. */
  readonly arrived?: number | undefined;
  readonly dropped: number;
  /** What of it is still held, after a garbage collection, while nothing can be delivered. */
  readonly heldMb: number;
}

const FLUSH_LIMIT_MS = 15_000;

const [name = "", phase = "", place = "", amount = "0", rate = "0"] = process.argv.slice(2);
const recorder: Recorder = await recorders[name as RecorderName](place);
const count = Number(amount);
const atOnce = recorder.wrap(answering(false));
const afterTurn = recorder.wrap(answering(true));

for (let n = 0; n < WARM_UP; n++) {
  await atOnce(question(n));
  if (n % 16 === 0) await nextTurn();
}
await flushed();
globalThis.gc?.();
if (phase === "fault") await tellParent("ready");

const delay = monitorEventLoopDelay({ resolution: 2 });
delay.enable();
let peak = 0;
const sampler = setInterval(() => {
  peak = Math.max(peak, heap());
}, 10);
const cpu = process.cpuUsage();
const heapBefore = heap();
const started = performance.now();

const took = await runPhase();
const wallMs = performance.now() - started;
delay.disable();
let heldMb = 0;
if (phase === "fault") {
  await sleep(500);
  globalThis.gc?.();
  heldMb = heap() - heapBefore;
  await tellParent("loaded");
}
await flushed();
const { user, system } = process.cpuUsage(cpu);
clearInterval(sampler);
peak = Math.max(peak, heap());

took.sort((a, b) => a - b);
const result: CaptureRun = {
  p50: took[took.length >> 1] ?? Number.NaN,
  p99: took[Math.floor(took.length * 0.99)] ?? Number.NaN,
  cpu: (user + system) / took.length,
  calls: took.length,
  perSecond: (took.length * 1_000) / wallMs,
  eventLoopDelayMs: delay.percentile(99) / 1e6,
  peakMb: peak - heapBefore,
  arrived: await arrived(),
  dropped: recorder.books?.().dropped ?? 0,
  heldMb,
};
process.send?.(result, () => process.exit());

function runPhase(): Promise<number[]> {
  if (phase === "turn") return oneTurn();
  if (phase === "unlimited") return unlimited(Number(rate));
  if (phase === "rate" || phase === "fault") return atRate(Number(rate));
  return oneByOne();
}

/**
 * One after the other, with a turn of the event loop before the next begins: what is measured is what a caller waits for,
 * and not what is done behind its back.
 */
async function oneByOne(): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    took.push(await timed(n, atOnce));
    await nextTurn();
  }
  return took;
}

async function oneTurn(): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < count; n++) took.push(await timed(n, atOnce));
  return took;
}

/** As fast as it goes for some milliseconds, a hundred calls at once. */
async function unlimited(limitMs: number): Promise<number[]> {
  const took: number[] = [];
  const end = performance.now() + limitMs;
  while (took.length < count && performance.now() < end) {
    const from = took.length;
    took.push(...(await Promise.all(Array.from({ length: 100 }, (_, i) => timed(from + i, afterTurn)))));
  }
  return took;
}

/** So many a second, each begun when it is due, whatever became of those before it. */
async function atRate(perSecond: number): Promise<number[]> {
  const running: Promise<number>[] = [];
  const begun = performance.now();
  while (running.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - begun) * perSecond) / 1_000));
    while (running.length < due) running.push(timed(running.length, afterTurn));
    await sleep(1);
  }
  return Promise.all(running);
}

/** Microseconds that one call takes. */
async function timed(n: number, call: Agent): Promise<number> {
  const query = question(WARM_UP + n);
  const start = performance.now();
  await call(query);
  return (performance.now() - start) * 1_000;
}

/** The agent itself. */
function answering(later: boolean): Agent {
  return async (query) => {
    if (later) await nextTurn();
    return answered(query);
  };
}

async function flushed(): Promise<void> {
  await Promise.race([recorder.flush(), sleep(FLUSH_LIMIT_MS, undefined, { ref: false })]).catch(() => undefined);
}

async function arrived(): Promise<number | undefined> {
  if (!recorder.stored) return undefined;
  const texts: string[] = [];
  for await (const text of recorder.stored()) texts.push(text);
  return arrivedCalls(texts);
}

function heap(): number {
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** Says where it stands and goes on when it is told to. */
async function tellParent(stand: "ready" | "loaded"): Promise<void> {
  process.send?.(stand);
  await once(process, "message");
}
