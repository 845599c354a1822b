import { type Key, type KeySet, keySet, textKey } from "../key-set.js";
import { similarTexts } from "../similar-texts.js";
import type { Findings } from "./findings.js";
import { frequentKeys } from "./frequent-keys.js";
import type { DataRow } from "./row-layout.js";
import { type Part, partText, type RowParts } from "./row-parts.js";
import type { Note } from "./turn-checks.js";

/** What only rows together can show: repeats, contradictions, a test that was trained on, balance. */
export interface RowComparison {
  add(row: DataRow, parts: RowParts, isTest: boolean, note: Note): void;
  /** States what holds of the dataset as a whole. */
  finish(findings: Findings): void;
  /** For KTO: how many answers are wanted and unwanted. */
  readonly labels: { readonly wanted: number; readonly unwanted: number };
}

/** Keys that are remembered of each kind, in 64 bits each; rows beyond are compared with these only. */
const REMEMBERED = 4_000_000;
/** Texts whose likeness is followed, some 200 bytes each. */
const FOLLOWED = 250_000;
const FEW = 20;
const [PROMPT_SHARE, AGENT_SHARE] = [0.1, 0.9] as const;
const NOISE = 0.1;

export function rowComparison(): RowComparison {
  const [rows, statements] = [boundedKeys(), boundedKeys()];
  const testPrompts = boundedKeys();
  const [prompts, testTexts] = [similarTexts(), similarTexts()];
  const [promptCounts, agentCounts] = [frequentKeys(), frequentKeys()];
  const labels = { wanted: 0, unwanted: 0 };
  const pairs = { count: 0, longer: 0, chosen: 0, rejected: 0 };
  let seen = 0;
  let grouped = 0;

  const comparePrompts = (prompt: string, isTest: boolean, note: Note): void => {
    const key = textKey(prompt);
    if (isTest) {
      testPrompts.add(key);
      if (testTexts.length < FOLLOWED) testTexts.add(prompt);
      return;
    }
    if (testPrompts.has(key)) note("promptInTest", prompt);
    else if (testTexts.length > 0 && testTexts.has(prompt)) note("similarPromptInTest", prompt);
    if (prompts.length >= FOLLOWED) return;
    const before = prompts.length;
    const text = prompts.add(prompt);
    if (prompts.length > before && prompts.clusterOf(text) !== text) note("similarPrompts", prompt);
  };

  const contradicts = (said: string, opposite: string): boolean => {
    statements.add(textKey(said));
    return statements.has(textKey(opposite));
  };

  return {
    labels,
    add(row, parts, isTest, note) {
      seen += 1;
      const prompt = askedText(parts);
      const answers = parts.answers.map(partText);
      if (!rows.add(textKey(JSON.stringify([prompt, ...answers, parts.label])))) note("repeatedRows");
      comparePrompts(prompt, isTest, note);
      promptCounts.add(prompt);
      const { agent_type: agent, quality_diff: difference } = metadataOf(row);
      if (typeof agent === "string") agentCounts.add(agent);
      const [first = "", second = ""] = answers;
      if (parts.layout === "pairs") {
        const told = (a: string, b: string) => JSON.stringify([prompt, a, b]);
        if (first !== second && contradicts(told(first, second), told(second, first))) note("contradictions", prompt);
        pairs.count += 1;
        pairs.chosen += first.length;
        pairs.rejected += second.length;
        if (first.length > second.length) pairs.longer += 1;
        const gap = typeof row.margin === "number" ? row.margin : difference;
        if (typeof gap === "number" && gap < NOISE) note("smallGaps", `${gap}`);
      }
      if (parts.layout === "groups") grouped += 1;
      if (parts.layout === "labelled" && parts.label !== null) {
        const told = (label: boolean) => JSON.stringify([prompt, first, label]);
        if (contradicts(told(parts.label), told(!parts.label))) note("contradictions", prompt);
        if (!isTest) labels[parts.label ? "wanted" : "unwanted"] += 1;
      }
    },
    finish(findings) {
      const top = promptCounts.top();
      if (seen >= FEW && grouped === 0 && top && top.count > seen * PROMPT_SHARE) {
        const words = JSON.stringify(top.key.slice(0, 80).toWellFormed());
        findings.state("dominantPrompt", top.count, `${top.count} of ${seen} rows ask ${words}`);
      }
      const agent = agentCounts.top();
      if (seen >= FEW && agent && agent.count > seen * AGENT_SHARE && agent.count < seen) {
        findings.state("dominantAgent", agent.count, `${agent.count} of ${seen} rows are of ${agent.key}`);
      }
      if (pairs.count >= FEW && pairs.longer > pairs.count * 0.7 && pairs.chosen > pairs.rejected * 1.3) {
        const times = (pairs.chosen / Math.max(1, pairs.rejected)).toFixed(1);
        findings.state(
          "lengthBias",
          pairs.longer,
          `${pairs.longer} of ${pairs.count} pairs, ${times} times as long on average`,
        );
      }
    },
  };
}

/** What was asked: the prompt, or the turns of a conversation before its answer. */
function askedText({ prompt, answers }: RowParts): string {
  if (prompt !== null) return partText(prompt);
  const [whole = ""] = answers;
  if (typeof whole === "string") return whole;
  const opening = whole.findIndex(({ role }) => role === "assistant");
  return partText(whole.slice(0, opening < 0 ? whole.length : Math.max(1, opening)) as Part);
}

/** A set of keys that forgets nothing, and takes in nothing more once it is full. */
function boundedKeys(): { add(key: Key): boolean; has(key: Key): boolean } {
  const keys: KeySet = keySet();
  let size = 0;
  return {
    add(key) {
      if (size >= REMEMBERED) return !keys.has(...key);
      const isNew = keys.add(...key);
      if (isNew) size += 1;
      return isNew;
    },
    has: (key) => keys.has(...key),
  };
}

function metadataOf({ metadata }: DataRow): DataRow {
  return typeof metadata === "object" && metadata !== null ? (metadata as DataRow) : {};
}
