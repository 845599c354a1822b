import type { ChatMessage } from "@whetstone/core";

/** The texts of one answer as JSON, for rows to be put together from. */
export interface AnswerJson {
  /** The turns before the answer, with commas between them and no brackets around. */
  readonly prompt: string;
  /** The content of the last of them. */
  readonly lastText: string;
  /** The answering turn. */
  readonly answer: string;
  /** Its content. */
  readonly answerText: string;
}

/** Writes the texts of an answer as JSON. */
export function turnsJson({
  prompt,
  answer,
}: {
  readonly prompt: readonly ChatMessage[];
  readonly answer: ChatMessage;
}): AnswerJson {
  return {
    prompt: prompt.map((turn) => JSON.stringify(turn)).join(","),
    lastText: JSON.stringify(prompt.at(-1)?.content ?? ""),
    answer: JSON.stringify(answer),
    answerText: JSON.stringify(answer.content),
  };
}

/**
 * Cuts the texts of a plain question and answer out of the stored line, where they stand escaped already: that spares
 * most of the work of a row. Null when the line is not laid out as the journal lays it out.
 */
export function storedJson(line: string): AnswerJson | null {
  const queryAt = HEAD.exec(line)?.[0].length ?? -1;
  if (line[queryAt] !== '"') return null;
  const queryEnd = literalEnd(line, queryAt);
  const answerAt = queryEnd + ANSWER.length;
  if (!line.startsWith(ANSWER, queryEnd) || line[answerAt] !== '"') return null;
  const lastText = line.slice(queryAt, queryEnd);
  const answerText = line.slice(answerAt, literalEnd(line, answerAt));
  return {
    prompt: `{"role":"user","content":${lastText}}`,
    lastText,
    answer: `{"role":"assistant","content":${answerText}}`,
    answerText,
  };
}

const HEAD = /^\{"interactionId":"[\w.:-]+","timestamp":\d+,"query":/;
const ANSWER = ',"answer":';

/** Where the string literal that begins at `start` ends: behind the first quote that no odd number of backslashes escapes. */
function literalEnd(line: string, start: number): number {
  for (let at = line.indexOf('"', start + 1); at >= 0; at = line.indexOf('"', at + 1)) {
    let slashes = at;
    while (line.charCodeAt(slashes - 1) === BACKSLASH) slashes -= 1;
    if ((at - slashes) % 2 === 0) return at + 1;
  }
  return line.length;
}

const BACKSLASH = 92;
