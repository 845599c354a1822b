import type { RecorderName } from "./capture-recorders.js";
import type { CaptureRun } from "./capture-task.js";
import { median } from "./measure.js";

/** One phase of the comparison: the rounds of every recorder. */
export interface Phase {
  readonly title: string;
  readonly lines: readonly { readonly name: RecorderName; readonly rounds: readonly CaptureRun[] }[];
}

/** The median of a figure over a recorder's rounds; NaN when it did not run. */
export function figure(phase: Phase, name: RecorderName, pick: (run: CaptureRun) => number): number {
  return median(phase.lines.find((line) => line.name === name)?.rounds.map(pick) ?? []);
}

/** The same above that of the bare call. */
export function added(phase: Phase, name: RecorderName, pick: (run: CaptureRun) => number): number {
  return figure(phase, name, pick) - figure(phase, "bare", pick);
}

/** The share of the offered calls that was delivered, or of those that were not refused aloud. */
export function delivered({ calls, arrived = 0, dropped }: CaptureRun, { accepted = false } = {}): number {
  return arrived / (accepted ? calls - dropped : calls);
}

/** Prints medians. Without a bare call in the phase, the times are the whole call's. */
export function printPhase(phase: Phase): void {
  const above = phase.lines.some(({ name }) => name === "bare") ? "+" : "";
  console.log(`\n${phase.title}`);
  console.log(
    row([
      "",
      `${above}p50 µs`,
      `${above}p99 µs`,
      `${above}cpu µs`,
      "calls/s",
      "delay ms",
      "peak MB",
      "held MB",
      "delivered",
    ]),
  );
  for (const { name, rounds } of phase.lines) {
    const of = (pick: (run: CaptureRun) => number) => figure(phase, name, pick);
    const over = (pick: (run: CaptureRun) => number) =>
      above && name !== "bare" ? added(phase, name, pick) : of(pick);
    console.log(
      row([
        name,
        over(({ p50 }) => p50).toFixed(2),
        over(({ p99 }) => p99).toFixed(1),
        over(({ cpu }) => cpu).toFixed(1),
        of(({ perSecond }) => perSecond).toFixed(0),
        of(({ eventLoopDelayMs }) => eventLoopDelayMs).toFixed(1),
        of(({ peakMb }) => peakMb).toFixed(0),
        of(({ heldMb }) => heldMb).toFixed(0),
        rounds.every(({ arrived }) => arrived !== undefined) ? `${(100 * of(delivered)).toFixed(1)} %` : "-",
      ]),
    );
  }
}

/** Prints what importing each library costs. */
export function printImports(costs: ReadonlyMap<string, number>): void {
  console.log("\nimport, milliseconds of CPU above a bare process");
  for (const [name, cpuMs] of costs) console.log(row([name, cpuMs.toFixed(0)]));
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(18) : cell.padStart(11))).join("");
}
