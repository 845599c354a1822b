import type { Measurement } from "./measure.js";
import type { Line } from "./report.js";

/** Runs every task once a round, in turn, the order turned round every other time. */
export async function interleaved<const T extends readonly string[]>(
  rounds: number,
  tasks: T,
  run: (task: string) => Promise<Measurement>,
): Promise<{ [K in keyof T]: Line }> {
  const lines = tasks.map((name) => ({ name, rounds: [] as Measurement[] }));
  for (let round = 0; round < rounds; round++) {
    for (const line of round % 2 === 0 ? lines : lines.toReversed()) line.rounds.push(await run(line.name));
  }
  return lines as unknown as { [K in keyof T]: Line };
}
