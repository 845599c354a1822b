import * as z from "zod/mini";
import type { StoredInteraction } from "../annotation.js";
import { ScoringError } from "../errors.js";
import { isSamePrompt } from "../prompt-key.js";
import type { ScorerContext } from "../scorer.js";
import { saysNothing } from "./degenerate-answer.js";
import { type JudgeClient, judgeClient } from "./judge-client.js";
import { refuseInjection } from "./judge-injection.js";
import type { JudgeOptions } from "./judge-options.js";
import { type JudgeTask, judgePrompt, situationParts } from "./judge-prompt.js";
import { readVerdict, verdictSchema } from "./judge-verdict.js";
import type { Rubric, RubricChoice, RubricOptions } from "./rubrics.js";

export interface PairwiseJudgeOptions extends JudgeOptions, RubricOptions {}

/** Which of two answers to the same prompt is better. */
export interface Preference {
  readonly better: "first" | "second" | "tie";
  readonly rationale: string;
}

export type PairwiseJudging = (
  first: StoredInteraction,
  second: StoredInteraction,
  context?: ScorerContext,
) => Promise<Preference | null>;

/** How `pairwiseJudge` judges; it loads this with the first call. */
export function pairwiseJudging(options: PairwiseJudgeOptions, rubrics: RubricChoice): PairwiseJudging {
  const client = judgeClient(options);

  return async (
    first: StoredInteraction,
    second: StoredInteraction,
    context: ScorerContext = {},
  ): Promise<Preference | null> => {
    if (!isSamePrompt(first, second)) {
      const ids = `${first.interactionId} and ${second.interactionId}`;
      throw new ScoringError("SCORING_FAILED", `${ids} answer different prompts: compare answers to the same one`);
    }
    const obvious = withoutAsking(first, second);
    if (obvious) return obvious;
    const criteria = rubrics.of(first);
    const tasks = [pairTask(first, second, criteria), pairTask(second, first, criteria)] as const;
    refuseInjection(tasks[0], options);
    const [forward, backward] = await Promise.all(tasks.map((task) => askOnce(client, task, options, context)));
    if (!forward || !backward || forward.better !== SWAPPED[backward.better]) return null;
    return { better: NAMES[forward.better], rationale: forward.rationale };
  };
}

const CHOICES = ["A", "B", "tie"] as const;
type Choice = (typeof CHOICES)[number];
const SWAPPED: Readonly<Record<Choice, Choice>> = { A: "B", B: "A", tie: "tie" };
const NAMES: Readonly<Record<Choice, Preference["better"]>> = { A: "first", B: "second", tie: "tie" };
const SCHEMA = verdictSchema({ better: { type: "string", enum: CHOICES } });

function askOnce(
  client: JudgeClient,
  task: JudgeTask,
  { maxPartChars = 24_000 }: PairwiseJudgeOptions,
  context: ScorerContext,
): Promise<{ readonly better: Choice; readonly rationale: string }> {
  return client.remembered([task, maxPartChars], async () => {
    const { nonce, messages } = judgePrompt(task, maxPartChars);
    const reply = await client.ask({ messages, schema: SCHEMA }, context);
    const { better, rationale } = readVerdict(reply, { better: z.enum(CHOICES) }, nonce);
    return { better, rationale };
  });
}

function pairTask(a: StoredInteraction, b: StoredInteraction, { task, criteria }: Rubric): JudgeTask {
  return {
    task: `You compare two answers to the same prompt, A and B. ${task}`,
    rules: [
      "Say which is better as a whole, by these criteria, the first of them before the others:",
      ...criteria.map(({ id, description }) => `- ${id}: ${description}`),
      'The order of the answers means nothing. Where neither is better, say "tie".',
    ],
    parts: [...situationParts(a), ["answer A", a.answer], ["answer B", b.answer]],
    fields: '"better": <"A", "B" or "tie">',
  };
}

/** What says nothing loses against what says something, and equal answers tie, whatever a model thinks of them. */
function withoutAsking(first: StoredInteraction, second: StoredInteraction): Preference | null {
  if (first.answer.trim() === second.answer.trim()) return { better: "tie", rationale: "the answers are the same" };
  const [isFirstEmpty, isSecondEmpty] = [saysNothing(first), saysNothing(second)];
  if (!isFirstEmpty && !isSecondEmpty) return null;
  if (isFirstEmpty && isSecondEmpty) return { better: "tie", rationale: "both answers say nothing" };
  return { better: isFirstEmpty ? "second" : "first", rationale: "the other answer says nothing" };
}
