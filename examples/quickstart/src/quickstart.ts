import {
  buildSftDataset,
  createInteractionLogger,
  mathVerifier,
  openStore,
  scoreInteractions,
  wrapAgent,
} from "whetstone";

const store = openStore("file:./.whetstone");
await using logger = createInteractionLogger({ store });

const agent = async (question: string) => `Let me see: ${question} The answer is 12.`;
const describe = () => ({ reference: "12" });
const ask = wrapAgent(agent, { logger, agentType: "math", describe });

await ask("What is 7 + 5?");
await logger.flush();
await scoreInteractions(store, mathVerifier());
for await (const row of buildSftDataset(store)) console.log(JSON.stringify(row, null, 2));
