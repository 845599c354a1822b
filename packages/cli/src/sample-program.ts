/** What `whetstone init` calls the sample program. */
export const SAMPLE_FILE = "whetstone-sample.mjs";

/** A small program that records answers of two agents, a good and a hasty one, in the store that `url` names. */
export function sampleProgram(url: string): string {
  return `// Records what two agents answer to the same questions: a careful one and a hasty one. Then try:
//   npx whetstone score --scorer math
//   npx whetstone stats
//   npx whetstone dataset dpo
import { createInteractionLogger, openStore } from "whetstone";

const questions = [
  { query: "What is 17 times 6?", careful: "17 times 6 is 102.", hasty: "17 times 6 is 112.", reference: "102" },
  { query: "What is 3/4 of 120?", careful: "3/4 of 120 is 90.", hasty: "3/4 of 120 is 80.", reference: "90" },
  { query: "What is 15% of 60?", careful: "15% of 60 is 9.", hasty: "15% of 60 is 6.", reference: "9" },
];

const store = openStore(${JSON.stringify(url)});
const logger = createInteractionLogger({ store });

for (const { query, reference, ...answers } of questions) {
  for (const [variant, answer] of Object.entries(answers)) {
    logger.log({ query, answer, reference, agentType: "math", variant });
  }
}

await logger.close();
await store.close();
`;
}
