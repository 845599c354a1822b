import { randomInt } from "node:crypto";
import * as z from "zod/mini";
import type { StoredInteraction } from "../annotation.js";
import { ScoringError } from "../errors.js";
import { isSamePrompt } from "../prompt-key.js";
import type { Score, ScorerContext } from "../scorer.js";
import { saysNothing } from "./degenerate-answer.js";
import { judgeClient } from "./judge-client.js";
import { refuseInjection } from "./judge-injection.js";
import type { JudgeOptions } from "./judge-options.js";
import { type JudgeTask, judgePrompt, situationParts } from "./judge-prompt.js";
import { readVerdict, unparsable, verdictSchema } from "./judge-verdict.js";
import type { Rubric, RubricChoice, RubricOptions } from "./rubrics.js";

export interface GroupJudgeOptions extends JudgeOptions, RubricOptions {}

export type GroupJudging = (group: readonly StoredInteraction[], context?: ScorerContext) => Promise<Score[]>;

/** How `groupJudge` judges; it loads this with the first call. */
export function groupJudging(options: GroupJudgeOptions, rubrics: RubricChoice): GroupJudging {
  const { maxPartChars = 24_000 } = options;
  const client = judgeClient(options);

  return async (group: readonly StoredInteraction[], context: ScorerContext = {}): Promise<Score[]> => {
    const [first] = group;
    checkGroup(group);
    const answers = [...new Set(group.filter((each) => !saysNothing(each)).map(({ answer }) => answer.trim()))];
    if (!first || answers.length < 2) return toScores(group, answers, "one answer at most says anything");
    const shown = shuffled(answers);
    const criteria = rubrics.of(first);
    const task = groupTask(first, shown, criteria);
    refuseInjection(task, options);
    // The order is no part of the content: the same answers shuffled otherwise have the same ranking.
    const content = [{ ...task, parts: situationParts(first) }, answers.toSorted(), maxPartChars];
    const { ranking, rationale } = await client.remembered(content, async () => {
      const { nonce, messages } = judgePrompt(task, maxPartChars);
      const reply = await client.ask({ messages, schema: SCHEMA }, context);
      const verdict = readVerdict(reply, { ranking: z.array(z.int()) }, nonce);
      return { ranking: answersInOrder(verdict.ranking, shown, reply), rationale: verdict.rationale };
    });
    return toScores(group, ranking, rationale);
  };
}

const MOST = 8;
const SCHEMA = verdictSchema({
  ranking: { type: "array", items: { type: "integer" }, description: "The answers' numbers, the best first." },
});

function checkGroup(group: readonly StoredInteraction[]): void {
  if (group.length < 2 || group.length > MOST) {
    throw new ScoringError("SCORING_FAILED", `the group has ${group.length} answers: rank 2 to ${MOST} at once`);
  }
  const [first, ...others] = group;
  const stranger = others.find((other) => first && !isSamePrompt(first, other));
  if (stranger) {
    const ids = `${first?.interactionId} and ${stranger.interactionId}`;
    throw new ScoringError("SCORING_FAILED", `${ids} answer different prompts: rank answers to the same one`);
  }
}

function groupTask(first: StoredInteraction, answers: readonly string[], { task, criteria }: Rubric): JudgeTask {
  return {
    task: `You rank ${answers.length} answers to the same prompt, from the best to the worst. ${task}`,
    rules: [
      "Rank by these criteria, the first of them before the others:",
      ...criteria.map(({ id, description }) => `- ${id}: ${description}`),
      `The order in which the answers stand means nothing. Name each number from 1 to ${answers.length} exactly once.`,
    ],
    parts: [
      ...situationParts(first),
      ...answers.map((answer, position) => [`answer ${position + 1}`, answer] as const),
    ],
    fields: '"ranking": [<number of the best answer>, <the next>, …]',
  };
}

/** The answers, the best first. @throws ScoringError when a number is missing, strange or there twice */
function answersInOrder(ranking: readonly number[], shown: readonly string[], reply: string): string[] {
  const named = new Set(ranking.filter((number) => number >= 1 && number <= shown.length));
  if (ranking.length !== shown.length || named.size !== shown.length) {
    throw unparsable(`its ranking does not name each of ${shown.length} answers once`, reply);
  }
  return ranking.map((number) => shown[number - 1] ?? "");
}

/** Evenly spaced from 1 to 0; members of the group that share a place share its mean. */
function toScores(group: readonly StoredInteraction[], ranking: readonly string[], rationale: string): Score[] {
  const placeOf = ({ answer }: StoredInteraction) => {
    const place = ranking.indexOf(answer.trim());
    return place < 0 ? ranking.length : place;
  };
  return group.map((each) => {
    const place = placeOf(each);
    const better = group.filter((other) => placeOf(other) < place).length;
    const equal = group.filter((other) => placeOf(other) === place).length;
    const overall = 1 - (better + (equal - 1) / 2) / (group.length - 1);
    const text = saysNothing(each) ? "the answer says nothing" : rationale;
    return { scores: { overall }, rationale: text };
  });
}

function shuffled<T>(values: readonly T[]): T[] {
  const all = [...values];
  for (let last = all.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [all[last], all[other]] = [all[other] as T, all[last] as T];
  }
  return all;
}
