import { type Scorer, scorer } from "@whetstone/core";

/**
 * Scores an answer by the tests that the agent ran: 1 when all passed, else 0, with the share that passed beside it.
 * It cannot say when nothing was run. Trust it where the agent's own report can be trusted, as here.
 */
export const testsVerifier: Scorer = scorer("verifier:tests", ({ metadata }) => {
  const result = metadata?.executionResult;
  if (typeof result !== "object" || result === null || !("passedTests" in result)) return null;
  const { status, passedTests, totalTests, problems } = result;
  if (status === "not run" || typeof passedTests !== "number" || typeof totalTests !== "number") return null;
  const overall = passedTests === totalTests ? 1 : 0;
  const first = Array.isArray(problems) ? problems[0] : undefined;
  return {
    scores: { overall, tests: passedTests / totalTests },
    rationale: `${passedTests} of ${totalTests} tests passed${typeof first === "string" ? `: ${first}` : ""}`,
  };
});
