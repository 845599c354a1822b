import { type InteractionStore, isSamePrompt } from "@whetstone/core";
import { type Answer, type AnswerRules, answerOf } from "./answer.js";
import type { InteractionDrop, PromptDrop, Tally } from "./build-report.js";
import { candidateSlices, fetchRecords, SLICE } from "./fetch-records.js";
import type { IndexRows } from "./index-rows.js";
import { groupByPrompt, membersOf } from "./prompt-groups.js";

/** Picks the answers of one prompt that make a row. `members` are row positions, the worst answer first. */
export type Choose = (members: Uint32Array, overall: Float64Array) => readonly number[] | PromptDrop;

/** What makes one method's rows out of the answers to one prompt. */
export interface ComparisonRules extends AnswerRules {
  readonly choose: Choose;
  /** Called with the answers in the order in which they were picked. */
  readonly toLine: (answers: readonly Answer[]) => { readonly line: string } | PromptDrop;
  readonly maxRows: number;
}

/**
 * The second pass of every method that compares answers: chooses by the index alone, reads only what was chosen, and
 * chooses again among the rest of a prompt's answers where a chosen one turns out to be unfit.
 */
export async function* linesFromChosen(
  store: InteractionStore,
  index: IndexRows,
  books: Tally,
  rules: ComparisonRules,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly string[], void, void> {
  const { choose, toLine, maxRows } = rules;
  const groups = groupByPrompt(index);
  const candidates = new Uint32Array(groups.length);
  let [count, picksAPrompt, tried] = [0, 1, 0];
  for (let group = 0; group < groups.length; group++) {
    const picked = choose(membersOf(groups, group), index.overall);
    if (typeof picked === "string") {
      books.drop(picked);
    } else {
      candidates[count] = group;
      count += 1;
      picksAPrompt = picked.length;
    }
  }
  books.prompts = groups.length;

  const size = Math.max(1, Math.floor(SLICE / picksAPrompt));
  for (const [start, end] of candidateSlices(count, size, () => maxRows - books.rows)) {
    signal?.throwIfAborted();
    tried += end - start;
    const lines: string[] = [];
    const prompts = Array.from(candidates.subarray(start, end), (group) => membersOf(groups, group));
    for (const answers of await readChosen(store, index, books, rules, prompts)) {
      const row = typeof answers === "string" ? answers : isOnePrompt(answers) ? toLine(answers) : "keyCollision";
      if (typeof answers === "string" || typeof row === "string") {
        books.drop(row as PromptDrop);
      } else {
        for (const { score } of answers) books.use(score.source);
        lines.push(row.line);
      }
    }
    books.rows += lines.length;
    yield lines;
  }
  books.drop("overLimit", count - tried);
}

async function readChosen(
  store: InteractionStore,
  index: IndexRows,
  books: Tally,
  rules: ComparisonRules,
  prompts: readonly Uint32Array[],
): Promise<(readonly Answer[] | PromptDrop)[]> {
  const results: (readonly Answer[] | PromptDrop)[] = [];
  let open = prompts.map((members, place) => ({ place, members }));
  while (open.length > 0) {
    const chosen = open.map(({ place, members }) => ({ place, members, picked: rules.choose(members, index.overall) }));
    const refs = chosen.flatMap(({ picked }) =>
      typeof picked === "string" ? [] : picked.map((row) => index.refs[row] as number),
    );
    const records = await fetchRecords(store, Float64Array.from(refs));
    let next = 0;
    open = [];
    for (const { place, members, picked } of chosen) {
      if (typeof picked === "string") {
        results[place] = picked;
        continue;
      }
      const unfit = new Set<number>();
      const answers: Answer[] = [];
      for (const row of picked) {
        const record = records[next];
        next += 1;
        const answer: Answer | InteractionDrop = record ? answerOf(record, rules) : "gone";
        if (typeof answer !== "string") {
          answers.push(answer);
        } else {
          books.drop(answer);
          unfit.add(row);
        }
      }
      if (unfit.size === 0) results[place] = answers;
      else open.push({ place, members: members.filter((row) => !unfit.has(row)) });
    }
  }
  return results;
}

// The index holds 64 bits of a prompt key. Two prompts that share them must not be compared, however rare that is.
function isOnePrompt(answers: readonly Answer[]): boolean {
  const [first, ...others] = answers;
  if (!first) return false;
  return others.every(({ interaction }) => isSamePrompt(first.interaction, interaction));
}
