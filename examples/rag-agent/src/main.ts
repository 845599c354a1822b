import { createInteractionLogger, scoreInteractions } from "@whetstone/core";
import { clientFromEnvironment, defaultModel } from "@whetstone/example-shared/chat-model";
import { runProgram } from "@whetstone/example-shared/run-program";
import { withStore } from "@whetstone/example-shared/with-store";
import { citationsVerifier } from "./citations-verifier.js";
import { DOCS_FOLDER, readPassages } from "./passages.js";
import { questions } from "./questions.js";
import { createRagAgent } from "./rag-agent.js";
import { liveVariant, offlineVariants } from "./rag-answer.js";

const USAGE = `Usage: npx tsx examples/rag-agent/src/main.ts [options] ["A question?" …]

Answers questions about Whetstone from docs/, and records all of it. Without a question it answers a list of its own
with all variants and says how many answers named what they should.

  --store FOLDER  keep the records there (default: a temporary folder, gone afterwards)
  --live          let a model answer: needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own
  --model NAME    which model (default: OPENAI_MODEL, else gpt-4o-mini)
  --help          show this
`;

await runProgram(
  USAGE,
  { store: { type: "string" }, live: { type: "boolean" }, model: { type: "string" } },
  async ({ store: folder, live, model = defaultModel() }, asked) => {
    const passages = await readPassages(DOCS_FOLDER);
    const { cited, ...weaker } = offlineVariants(passages);
    const best = live ? { [model]: liveVariant(passages, clientFromEnvironment(), model) } : { cited };

    await withStore(folder, async (store) => {
      await using logger = createInteractionLogger({ store });
      for (const [variant, answer] of Object.entries(asked.length > 0 ? best : { ...weaker, ...best })) {
        const agent = createRagAgent(logger, variant, answer);
        for (const question of asked) {
          const { answer: text, sources } = await agent.ask(question);
          console.log(`${text}\n${sources.map(({ url }, place) => `  [${place + 1}] ${url}`).join("\n")}`);
        }
        if (asked.length > 0) continue;
        let right = 0;
        for (const { question, mentions } of questions)
          if (mentions.test((await agent.ask(question)).answer)) right += 1;
        console.log(`${variant.padEnd(10)} ${right} of ${questions.length} answers name what they should`);
      }
      const { stored } = await logger.flush();
      const { scored } = await scoreInteractions(store, citationsVerifier);
      console.log(`recorded   ${stored}, scored ${scored}`);
    });
  },
);
