import { heuristicScorer, type Redactor, redactor } from "@whetstone/core";
import { hasControlTokens } from "../control-tokens.js";
import { partText, type RowParts } from "./row-parts.js";
import type { Note } from "./turn-checks.js";

/** Returns what looks into the texts of a row: control tokens, secrets and personal data, answers that are none. */
export function textChecks(): (parts: RowParts, note: Note) => Promise<void> {
  const redact = redactor();
  const judge = heuristicScorer();
  return async (parts, note) => {
    const texts = [...(parts.prompt === null ? [] : [partText(parts.prompt)]), ...parts.answers.map(partText)];
    if (texts.some(hasControlTokens)) note("controlTokens");
    const found = personalKinds(texts, redact);
    if (found.size > 0) note("personalData", [...found].sort().join(", "));
    for (const answer of wantedAnswers(parts)) {
      const verdict = await judge({ ...NOBODY, answer }, {});
      if (verdict && answer.trim() !== "") {
        note("poorAnswers", verdict.rationale);
        return;
      }
    }
  };
}

function personalKinds(texts: readonly string[], redact: Redactor): ReadonlySet<string> {
  const kinds = new Set<string>();
  for (const text of texts) {
    try {
      for (const kind of Object.keys(redact(text).counts)) kinds.add(kind);
    } catch {
      kinds.add("more than can be counted");
    }
  }
  return kinds;
}

/** The answers that a model is to give: not the rejected ones, and of a group those with the best reward. */
function wantedAnswers({ layout, answers, label, rewards }: RowParts): readonly string[] {
  if (label === false) return [];
  const best = Math.max(...rewards);
  const wanted = answers.filter((_, i) => (layout === "groups" ? rewards[i] === best : layout !== "pairs" || i === 0));
  return wanted.map((answer) => {
    if (typeof answer === "string") return answer;
    const last = answer.at(-1);
    return last?.role === "assistant" ? partText([last]) : "";
  });
}

/** What the scorer looks at beside the answer says nothing here. */
const NOBODY = {
  interactionId: "row",
  timestamp: 0,
  query: "",
  agentType: "general",
  qualityScores: {},
  latencyMs: 0,
  toolsUsed: [],
  errorOccurred: false,
};
