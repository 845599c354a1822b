// What a strict TypeScript project sees. Every name below has a type of its own: `any` would fail the assertions.
import { wrapAgent } from "@whetstone/agent-wrappers";
import {
  createInteractionLogger,
  type Interaction,
  type InteractionStore,
  memoryStore,
  type Scorer,
  scorer,
  WhetstoneError,
} from "@whetstone/core";
import { testStore } from "@whetstone/core/testing";
import { buildDpoDataset, buildGrpoDataset, buildSftDataset } from "@whetstone/datasets";
import { createApp } from "@whetstone/server";
import { generateTrainingScript } from "@whetstone/trainers";
import type * as whetstone from "whetstone";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <_Claim extends true>(): void => {};

const store: InteractionStore = memoryStore();
await using logger = createInteractionLogger({ store });

class Solver {
  readonly factor = 2;
  async solve(this: Solver, question: string, digits?: number): Promise<{ readonly answer: string }> {
    return { answer: `${question} ${digits ?? this.factor}` };
  }
}
const solve = wrapAgent(new Solver().solve, { logger, agentType: "math" });
is<Equal<Awaited<ReturnType<typeof solve>>, { readonly answer: string }>>();
is<Equal<Parameters<typeof solve>, [question: string, digits?: number | undefined]>>();
// @ts-expect-error a wrapped agent takes what the agent takes
void (() => solve.call(new Solver(), 7));

const id: string = logger.log({ query: "6 * 7", answer: "42", agentType: "math" });
// @ts-expect-error an interaction without an answer is none
void (() => logger.log({ query: "6 * 7", agentType: "math" }));
// @ts-expect-error records cannot be changed
void ((interaction: Interaction) => (interaction.answer = "43"));

const exact: Scorer = scorer("verifier:exact", ({ answer, reference }) =>
  reference === undefined ? null : { scores: { overall: answer === reference ? 1 : 0 } },
);

for await (const row of buildSftDataset(store, { minQuality: 0.8 })) void row.metadata;
for await (const row of buildDpoDataset(store, { minQualityDiff: 0.3 })) void row.chosen;
for await (const row of buildGrpoDataset(store, { groupSize: 4 })) void row.responses;
is<Equal<typeof whetstone.buildSftDataset, typeof buildSftDataset>>();

const script = generateTrainingScript("sft", { datasetPath: "./data", outputDir: "./out" });
is<Equal<typeof script, string>>();

const app = createApp({ store, tokens: false });
const response: Response = await app.request("/health");
try {
  await store.close();
} catch (error) {
  if (WhetstoneError.isInstance(error)) console.log(error.code satisfies string);
}
console.log(id, exact.source, response.status, typeof testStore);
