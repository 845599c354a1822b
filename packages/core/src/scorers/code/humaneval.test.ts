import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { interaction } from "../../testing/interaction.js";
import { codeVerifier } from "./code-verifier.js";

const DATA = process.env.WHETSTONE_REAL_DATA ?? new URL("../../../../../../shared/data", import.meta.url).pathname;
const HUMAN_EVAL = `${DATA}/HumanEval.jsonl.gz`;
const missing = existsSync(HUMAN_EVAL) ? "" : ` (skipped: ${HUMAN_EVAL} is not there)`;

interface Task {
  readonly task_id: string;
  readonly prompt: string;
  readonly canonical_solution: string;
  readonly entry_point: string;
  readonly test: string;
}

it.skipIf(missing)(`tells the solutions of HumanEval from solutions with one change${missing}`, async () => {
  const lines = gunzipSync(readFileSync(HUMAN_EVAL)).toString().trim().split("\n");
  const tasks = lines.map((line) => JSON.parse(line) as Task);
  const verify = codeVerifier({ timeoutMs: 3000 });
  const score = async ({ entry_point, test, prompt }: Task, solution: string) => {
    const answer = `Here is the function:\n\n\`\`\`python\n${prompt}${solution}\`\`\`\nIt passes your examples.`;
    const metadata = { language: "python", tests: test, entry_point, setup: prompt };
    return (await verify(interaction({ agentType: "code", answer, metadata }), {}))?.scores.overall;
  };

  const wrong: string[] = [];
  const survived: string[] = [];
  await Promise.all(
    tasks.map(async (task) => {
      if ((await score(task, task.canonical_solution)) !== 1) wrong.push(task.task_id);
      const changed = mutated(task.canonical_solution);
      if (changed === null || (await score(task, changed)) !== 0) survived.push(task.task_id);
    }),
  );
  const caught = tasks.length - survived.length;
  console.log(
    `HumanEval: ${tasks.length - wrong.length} of ${tasks.length} solutions pass, ${caught} changed ones fail`,
  );
  console.log(`changed and not caught: ${survived.join(", ")}`);
  expect(tasks).toHaveLength(164);
  expect(wrong).toEqual([]);
  expect(caught / tasks.length).toBeGreaterThanOrEqual(0.8);
});

/** Changes one operator or constant: the first of the kind that most surely changes what the code does. */
function mutated(code: string): string | null {
  for (const [pattern, replacement] of MUTATIONS) {
    const changed =
      typeof replacement === "string" ? code.replace(pattern, replacement) : code.replace(pattern, replacement);
    if (changed !== code) return changed;
  }
  return null;
}

const MUTATIONS: readonly (readonly [RegExp, string | ((...match: string[]) => string)])[] = [
  [/ == /, " != "],
  [/ != /, " == "],
  [/ <= /, " > "],
  [/ >= /, " < "],
  [/ < /, " >= "],
  [/ > /, " <= "],
  [/ not in /, " in "],
  [/(?<!for \w+(?:, \w+)?) in (?=\S+(?: |\)|:|$))/, " not in "],
  [/ \+ /, " - "],
  [/ - /, " + "],
  [/ % /, " * "],
  [/ \*\* /, " + "],
  [/ \* /, " + "],
  [/ \/\/? /, " * "],
  [/ \+= /, " -= "],
  [/\bTrue\b/, "False"],
  [/\bFalse\b/, "True"],
  [/\breturn not /, "return "],
  [/\b\d+\b/, (digits = "") => String(Number(digits) + 1)],
  [/(["'])([^"'\n]*)\1/, '"$2x"'],
];
