import { createInteractionLogger, scoreInteractions } from "@whetstone/core";
import { clientFromEnvironment, defaultModel } from "@whetstone/example-shared/chat-model";
import { runProgram } from "@whetstone/example-shared/run-program";
import { withStore } from "@whetstone/example-shared/with-store";
import { createCodeAgent } from "./code-agent.js";
import { liveSolver, policies } from "./solve-task.js";
import { tasks } from "./tasks.js";
import { testsVerifier } from "./tests-verifier.js";

const USAGE = `Usage: npx tsx examples/code-agent/src/main.ts [options]

Writes small functions, runs them against their tests, and records all of it.

  --task ID       only this task, and show the answer
  --store FOLDER  keep the records there (default: a temporary folder, gone afterwards)
  --live          let a model write: needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own
  --model NAME    which model (default: OPENAI_MODEL, else gpt-4o-mini)
  --help          show this
`;

await runProgram(
  USAGE,
  { task: { type: "string" }, store: { type: "string" }, live: { type: "boolean" }, model: { type: "string" } },
  async ({ task, store: folder, live, model = defaultModel() }) => {
    const chosen = task === undefined ? tasks : tasks.filter(({ id }) => id === task);
    if (chosen.length === 0)
      throw new Error(`there is no task "${task}": use one of ${tasks.map(({ id }) => id).join(", ")}`);
    const solvers = live ? { [model]: liveSolver(clientFromEnvironment(), model) } : policies;

    await withStore(folder, async (store) => {
      await using logger = createInteractionLogger({ store });
      for (const [variant, solve] of Object.entries(solvers)) {
        const agent = createCodeAgent(logger, variant, solve);
        const counts = { passed: 0, failed: 0, unknown: 0 };
        for (const asked of chosen) {
          const { answer, executionResult } = await agent.answer(asked);
          const passed = executionResult?.passed;
          counts[passed === undefined ? "unknown" : passed ? "passed" : "failed"] += 1;
          if (task === undefined) continue;
          console.log(`--- ${variant}\n${answer}\n${executionResult?.status ?? "nothing to run"}`);
          for (const problem of executionResult?.problems ?? []) console.log(`  ${problem}`);
        }
        const { passed, failed, unknown } = counts;
        console.log(`${variant.padEnd(10)} ${passed} passed, ${failed} failed, ${unknown} without a result`);
      }
      const { stored } = await logger.flush();
      const { scored } = await scoreInteractions(store, testsVerifier);
      console.log(`recorded   ${stored}, scored ${scored}`);
    });
  },
);
