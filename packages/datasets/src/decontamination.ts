import type { ChatMessage } from "@whetstone/core";
import { ConfigError } from "@whetstone/core";
import { dataLines } from "./data-lines.js";
import { keySet } from "./key-set.js";
import { similarTexts } from "./similar-texts.js";
import { mixed, wordHashes } from "./words.js";

/** Knows the questions of evaluation files. */
export interface Decontamination {
  /** Whether a user's turn repeats such a question: it shares a run of 13 words with one, or is alike one as a whole. */
  knows(prompt: readonly ChatMessage[]): boolean;
}

/**
 * Reads JSONL files with questions that a model will be tested on. A row's question is its `messages` or `prompt` (the
 * user's turns of it, or a text), or else its `question`, `query`, `problem`, `instruction` or `input`.
 * Null without a file. @throws ConfigError for a file that cannot be read, or a row without a question
 */
export async function readEvalFiles(paths: readonly string[]): Promise<Decontamination | null> {
  if (paths.length === 0) return null;
  const runs = keySet();
  const questions = similarTexts();
  for (const path of paths) {
    for await (const { text, number } of dataLines({ path })) {
      for (const question of questionsOf(text ?? "", path, number)) {
        questions.add(question);
        someRun(question, (high, low) => {
          runs.add(high, low);
          return false;
        });
      }
    }
  }
  return {
    knows: (prompt) =>
      prompt.some(
        ({ role, content }) =>
          role === "user" && (questions.has(content) || someRun(content, (high, low) => runs.has(high, low))),
      ),
  };
}

/** The length that GPT-3 was decontaminated with (Brown et al. 2020, appendix C); shorter runs are common phrases. */
const RUN = 13;

function someRun(text: string, isMeant: (high: number, low: number) => boolean): boolean {
  const words = wordHashes(text);
  for (let start = 0; start + RUN <= words.length; start++) {
    let [high, low] = [0, 0];
    for (let i = start; i < start + RUN; i++) {
      high = Math.imul(high ^ (words[i] as number), 0x85ebca6b);
      low = Math.imul(low ^ (words[i] as number), 0xc2b2ae35);
      low ^= low >>> 15;
    }
    if (isMeant(mixed(high), mixed(low))) return true;
  }
  return false;
}

const FIELDS = ["messages", "prompt", "question", "query", "problem", "instruction", "input"];

function questionsOf(text: string, path: string, line: number): readonly string[] {
  const row = parsed(text);
  const field = FIELDS.find((name) => row?.[name] !== undefined && row[name] !== null);
  const value = field === undefined ? undefined : row?.[field];
  if (typeof value === "string") return [value];
  const turns: readonly unknown[] = Array.isArray(value) ? value : [];
  const asked = turns.flatMap((turn) => {
    const { role, content } = (turn ?? {}) as Record<string, unknown>;
    return role === "user" && typeof content === "string" ? [content] : [];
  });
  if (asked.length > 0) return asked;
  const names = FIELDS.map((name) => `"${name}"`).join(", ");
  throw new ConfigError(`${path} has no question in line ${line}: decontaminate reads JSONL rows with one of ${names}`);
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const row: unknown = JSON.parse(text);
    return typeof row === "object" && row !== null ? (row as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
