import { type ChildProcess, fork } from "node:child_process";
import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";

/** What one run of one thing took. */
export interface Measurement {
  readonly wallMs: number;
  /** User and system time of all threads. */
  readonly cpuMs: number;
  readonly peakHeapMb: number;
  readonly peakRssMb: number;
  /** Whatever the measured thing counted: records, rows, bytes. */
  readonly count: number;
}

/** Measures one call in this process. The heap is sampled between turns of the event loop and at the end. */
export async function measure(run: () => Promise<number> | number): Promise<Measurement> {
  globalThis.gc?.();
  let peakHeap = 0;
  const sample = () => {
    peakHeap = Math.max(peakHeap, process.memoryUsage().heapUsed);
  };
  const sampler = setInterval(sample, 20);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const count = await run();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(sampler);
  sample();
  return {
    wallMs,
    cpuMs: (user + system) / 1_000,
    peakHeapMb: peakHeap / 2 ** 20,
    peakRssMb: process.resourceUsage().maxRSS / 1_024,
    count,
  };
}

/** Measures a task of `file` in a process of its own, started with `flags`, so that one run's garbage is not another's. */
export function measureApart(
  task: string,
  args: readonly string[],
  file = "task.ts",
  flags: readonly string[] = [],
): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(new URL(file, import.meta.url), [task, ...args], {
      execArgv: ["--expose-gc", "--import", "tsx", ...flags],
    });
    let measured: Measurement | undefined;
    child.on("message", (message) => {
      measured = message as Measurement;
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (measured) resolve(measured);
      else reject(new Error(`${task} ended with exit code ${code} and no measurement`));
    });
  });
}

/**
 * Reads every file below a folder once. Before each run over a store, so that all of them find it in the page cache: a
 * system that takes idle pages away would charge whoever comes last, and whoever reads here and there the most.
 */
export function bringToMemory(root: string): void {
  const block = Buffer.allocUnsafe(1024 * 1024);
  for (const file of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const fd = openSync(join(file.parentPath, file.name), "r");
    while (readSync(fd, block, 0, block.length, null) > 0);
    closeSync(fd);
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The fastest plain way to have every record as an object: blocks of 1 MiB, split at line feeds, parsed. */
export function readAndParse(root: string): number {
  const block = Buffer.allocUnsafe(1024 * 1024);
  let records = 0;
  for (const day of readdirSync(root)
    .filter((name) => name.startsWith("2026-"))
    .sort()) {
    for (const name of readdirSync(join(root, day)).filter((file) => /^w.*\.ndjson$/.test(file))) {
      const fd = openSync(join(root, day, name), "r");
      let kept = 0;
      for (let read = readSync(fd, block, kept, block.length - kept, null); read > 0; ) {
        const end = kept + read;
        let start = 0;
        for (let feed = block.indexOf(10); feed >= 0 && feed < end; feed = block.indexOf(10, start)) {
          JSON.parse(block.toString("utf8", start, feed));
          records += 1;
          start = feed + 1;
        }
        block.copy(block, 0, start, end);
        kept = end - start;
        read = readSync(fd, block, kept, block.length - kept, null);
      }
      closeSync(fd);
    }
  }
  return records;
}
