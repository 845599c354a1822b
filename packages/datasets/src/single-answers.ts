import type { FetchedRecord, InteractionStore } from "@whetstone/core";
import type { Answer } from "./answer.js";
import type { InteractionDrop, Tally } from "./build-report.js";
import { candidateSlices, fetchRecords, SLICE } from "./fetch-records.js";
import type { IndexRows } from "./index-rows.js";

/** The rows of one interaction, and whose score decided. */
export interface InteractionRows {
  readonly lines: readonly string[];
  readonly answer: Answer;
}

/** What makes one method's rows out of single interactions. */
export interface SingleRules {
  readonly toRows: (record: FetchedRecord, row: number) => InteractionRows | InteractionDrop;
  /** At most so many interactions, the newest. */
  readonly most: number;
}

/** The second pass of every method that takes answers one by one, oldest first. */
export async function* linesFromEach(
  store: InteractionStore,
  index: IndexRows,
  books: Tally,
  { toRows, most }: SingleRules,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly string[], void, void> {
  const { contributors } = books;
  let taken = 0;
  for (const [start, end] of candidateSlices(index.length, SLICE, () => most - taken)) {
    signal?.throwIfAborted();
    const lines: string[] = [];
    const records = await fetchRecords(store, index.refs.subarray(start, end));
    for (const [i, record] of records.entries()) {
      const [user, session] = [index.users[start + i] as number, index.sessions[start + i] as number];
      const rows = record ? (contributors.fullOf(user, session) ?? toRows(record, start + i)) : "unreadable";
      if (typeof rows === "string") {
        books.drop(rows);
        continue;
      }
      contributors.count(user, session);
      contributors.name(user, rows.answer.interaction.userId);
      books.use(rows.answer.score.source);
      lines.push(...rows.lines);
      taken += 1;
    }
    books.rows += lines.length;
    yield lines;
  }
}
