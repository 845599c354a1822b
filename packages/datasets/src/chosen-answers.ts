import { setImmediate as nextTurn } from "node:timers/promises";
import { type FetchedRecord, type InteractionStore, isSamePrompt, type StoredInteraction } from "@whetstone/core";
import type { Answer } from "./answer.js";
import type { InteractionDrop, PromptDrop, Tally } from "./build-report.js";
import { candidateSlices, fetchRecords, SLICE } from "./fetch-records.js";
import type { IndexRows } from "./index-rows.js";
import { GROUPS_A_TURN, groupByPrompt, membersOf } from "./prompt-groups.js";

/** Picks the answers of one prompt that make its rows. `members` are row positions, the worst answer first. */
export type Choose = (members: Uint32Array, index: IndexRows) => readonly number[] | PromptDrop;

/** The rows of one prompt, and those of the picked answers that stand in them. */
export interface PromptRows {
  readonly lines: readonly string[];
  readonly used: readonly Answer[];
}

/** What makes one method's rows out of the answers to one prompt. */
export interface ComparisonRules {
  readonly choose: Choose;
  /** Takes a picked record apart, or says which rule keeps it out. */
  readonly take: (record: FetchedRecord, row: number) => Answer | InteractionDrop;
  /** Called with the answers in the order in which they were picked. */
  readonly toRows: (answers: readonly Answer[]) => PromptRows | PromptDrop;
  readonly maxRows: number;
  /** How many rows a prompt can give. Default 1. */
  readonly rowsAPrompt?: number;
  /** Whether two interactions that the index put together belong together. Default: the prompt is the same. */
  readonly belong?: (one: StoredInteraction, other: StoredInteraction) => boolean;
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
  const { choose, maxRows, rowsAPrompt = 1 } = rules;
  const groups = await groupByPrompt(index);
  const candidates = new Uint32Array(groups.length);
  let [count, picksAPrompt, tried] = [0, 1, 0];
  for (let group = 0; group < groups.length; group++) {
    if (group % GROUPS_A_TURN === GROUPS_A_TURN - 1) await nextTurn();
    const picked = choose(membersOf(groups, group), index);
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
  for (const [start, end] of candidateSlices(count, size, () => Math.ceil((maxRows - books.rows) / rowsAPrompt))) {
    signal?.throwIfAborted();
    const lines: string[] = [];
    const prompts = Array.from(candidates.subarray(start, end), (group) => membersOf(groups, group));
    for (const picks of await readChosen(store, index, books, rules, prompts)) {
      const isFull = books.rows === maxRows;
      if (!isFull) tried += 1;
      const rows = typeof picks === "string" ? picks : isFull ? "overLimit" : rowsOf(picks, rules);
      const used = typeof rows === "string" ? [] : rows.used;
      for (const { answer, row } of typeof picks === "string" ? [] : picks) {
        const [user, session] = [index.users[row] as number, index.sessions[row] as number];
        if (!used.includes(answer)) {
          books.contributors.count(user, session, -1);
          continue;
        }
        books.contributors.name(user, answer.interaction.userId);
        books.use(answer.score.source);
      }
      if (typeof rows === "string") {
        if (!isFull) books.drop(rows);
        continue;
      }
      const fitting = rows.lines.slice(0, maxRows - books.rows);
      lines.push(...fitting);
      books.rows += fitting.length;
      books.promptsUsed += 1;
    }
    yield lines;
  }
  books.drop("overLimit", count - tried);
}

/** An answer that was read, and its row in the index. */
interface Pick {
  readonly answer: Answer;
  readonly row: number;
}

function rowsOf(picks: readonly Pick[], { toRows, belong = isSamePrompt }: ComparisonRules): PromptRows | PromptDrop {
  const answers = picks.map(({ answer }) => answer);
  const [first, ...others] = answers;
  // The index holds 64 bits of a key. What shares them without belonging together must not be mixed, however rare that is.
  const isOne = first && others.every(({ interaction }) => belong(first.interaction, interaction));
  return isOne ? toRows(answers) : "keyCollision";
}

// Whoever is picked is counted for the caps at once, and taken back when the prompt turns out to need others.
async function readChosen(
  store: InteractionStore,
  index: IndexRows,
  books: Tally,
  rules: ComparisonRules,
  prompts: readonly Uint32Array[],
): Promise<(readonly Pick[] | PromptDrop)[]> {
  const { fullOf, count } = books.contributors;
  const capOf = (row: number) => fullOf(index.users[row] as number, index.sessions[row] as number);
  const countRow = (row: number, by: 1 | -1) => count(index.users[row] as number, index.sessions[row] as number, by);
  const results: (readonly Pick[] | PromptDrop)[] = [];
  let open = prompts.map((members, place) => ({ place, members }));
  while (open.length > 0) {
    const chosen = open.map(({ place, members }) => ({ place, members, picked: rules.choose(members, index) }));
    const refs: number[] = [];
    for (const { picked } of chosen) {
      if (typeof picked !== "string") for (const row of picked) refs.push(index.refs[row] as number);
    }
    const records = await fetchRecords(store, Float64Array.from(refs));
    let next = 0;
    open = [];
    for (const { place, members, picked } of chosen) {
      if (typeof picked === "string") {
        results[place] = picked;
        continue;
      }
      const unfit = new Set<number>();
      const picks: Pick[] = [];
      for (const row of picked) {
        const record = records[next];
        next += 1;
        const answer = record ? rules.take(record, row) : "unreadable";
        const drop = typeof answer === "string" ? answer : capOf(row);
        if (typeof answer !== "string" && drop === null) {
          picks.push({ answer, row });
          countRow(row, 1);
        } else {
          books.drop(drop ?? "unreadable");
          unfit.add(row);
        }
      }
      if (unfit.size === 0) {
        results[place] = picks;
        continue;
      }
      for (const { row } of picks) countRow(row, -1);
      open.push({ place, members: members.filter((row) => !unfit.has(row)) });
    }
  }
  return results;
}
