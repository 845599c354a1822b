import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { type InteractionStore, memoryStore } from "@whetstone/core";
import { type ListenOptions, listen } from "../listen.js";
import { recordAnswers } from "./recorded-answers.js";

/** What the test tells this process to be, in its first argument. */
export interface AttackedOptions {
  readonly tokens: ListenOptions["tokens"];
  readonly dataRoot: string;
  /** Questions to record, four answers each. */
  readonly prompts: number;
  /** Between two batches of a build. */
  readonly pauseMs: number;
}

/** What the process tells of itself since it was asked the last time. */
export interface Measured {
  readonly url: string;
  readonly rssMb: number;
  readonly delayMaxMs: number;
  readonly polluted: boolean;
}

const { tokens, dataRoot, prompts, pauseMs } = JSON.parse(process.argv[2] ?? "") as AttackedOptions;
const store = memoryStore();
await recordAnswers(store, { prompts, answers: 4 });
const slow: InteractionStore = {
  ...store,
  async *fetch(refs) {
    for await (const batch of store.fetch(refs)) {
      if (pauseMs > 0) await sleep(pauseMs);
      yield batch;
    }
  },
};
const { url } = await listen({ store: slow, tokens, dataRoot, port: 0, onError: (error) => console.error(error) });
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on("message", () => {
  const measured: Measured = {
    url,
    rssMb: Math.round(process.memoryUsage.rss() / 1e6),
    delayMaxMs: Math.round(delay.max / 1e6),
    polluted: "x" in {} || "polluted" in {},
  };
  delay.reset();
  process.send?.(measured);
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
