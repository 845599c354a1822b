import { readFileSync } from "node:fs";
import { type Measurement, median } from "./measure.js";

/** One line of a table: the medians of the rounds of one task. */
export interface Line {
  readonly name: string;
  readonly rounds: readonly Measurement[];
}

/** Prints medians, and each line's CPU and wall time over the first line's. */
export function printTable(title: string, lines: readonly Line[]): void {
  console.log(`\n${title}`);
  const base = lines[0]?.rounds ?? [];
  console.log(row(["", "count", "wall ms", "cpu ms", "µs cpu each", "x cpu", "x wall", "peak heap MB", "peak RSS MB"]));
  for (const { name, rounds } of lines) {
    const of = (pick: (measurement: Measurement) => number) => median(rounds.map(pick));
    console.log(
      row([
        name,
        of(({ count }) => count).toFixed(0),
        of(({ wallMs }) => wallMs).toFixed(0),
        of(({ cpuMs }) => cpuMs).toFixed(0),
        of(({ cpuMs, count }) => (cpuMs * 1_000) / count).toFixed(2),
        ratio(rounds, base, ({ cpuMs }) => cpuMs).toFixed(2),
        ratio(rounds, base, ({ wallMs }) => wallMs).toFixed(2),
        of(({ peakHeapMb }) => peakHeapMb).toFixed(0),
        of(({ peakRssMb }) => peakRssMb).toFixed(0),
      ]),
    );
  }
}

/** The median over the rounds of a task's figure divided by the base's figure of the same round. */
export function ratio(
  rounds: readonly Measurement[],
  base: readonly Measurement[],
  pick: (measurement: Measurement) => number,
): number {
  return median(rounds.map((measurement, i) => pick(measurement) / pick(base[i] as Measurement)));
}

interface Bar {
  readonly limit: number;
  readonly of: string;
  readonly least?: true;
  /** Why a bar that is short is short, where that is known. */
  readonly note?: string;
}

/** Prints one line a bar and says whether all were met. */
export function checkBars(values: Readonly<Record<string, number>>): boolean {
  const bars: Record<string, Bar> = JSON.parse(readFileSync(new URL("../bars.json", import.meta.url), "utf8"));
  console.log("\nbars (name, value, limit; >= where it is the least)");
  let met = true;
  for (const [name, value] of Object.entries(values)) {
    const bar = bars[name];
    if (!bar) throw new Error(`bars.json has no bar "${name}"`);
    const ok = bar.least ? value >= bar.limit : value <= bar.limit;
    met &&= ok;
    const limit = `${bar.least ? ">=" : ""}${bar.limit}`;
    const judged = ok ? "ok" : bar.note ? `short: ${bar.note}` : "short";
    console.log(`${name.padEnd(20)} ${value.toFixed(2).padStart(6)} ${limit.padStart(6)}  ${judged}`);
  }
  return met;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(34) : cell.padStart(13))).join("");
}
