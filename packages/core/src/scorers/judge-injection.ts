import { ScoringError } from "../errors.js";
import type { JudgeOptions } from "./judge-options.js";
import type { JudgeTask } from "./judge-prompt.js";

/**
 * Leaves alone what tries to speak to the judge: a person should look at it, for no wording makes a judge immune.
 * @throws ScoringError SCORING_QUARANTINED naming the part and the sign
 */
export function refuseInjection({ parts }: Pick<JudgeTask, "parts">, { injection = "quarantine" }: JudgeOptions): void {
  if (injection === "judge") return;
  for (const [name, text] of parts) {
    const sign = injectionSign(text, name.startsWith("answer"));
    if (!sign) continue;
    throw new ScoringError(
      "SCORING_QUARANTINED",
      `the ${name} ${sign}: no judge is asked; let a person look at it, or set injection: "judge"`,
    );
  }
}

/**
 * What in a text is meant for a grader, in words; null when nothing is. Few ordinary texts show one of these signs, and
 * an attack can do without them: they spare calls and warn, the verdict's form protects the score.
 */
export function injectionSign(text: string, isAnswer = true): string | null {
  // Look-alikes and invisible characters would hide a word from the patterns, and not from a model.
  const plain = text.normalize("NFKC").replace(/\p{Cf}/gu, "");
  for (const [sign, shows, inAnswersOnly] of SIGNS) {
    if ((isAnswer || !inAnswersOnly) && shows(plain)) return sign;
  }
  return null;
}

const GRADER = "(?:grader|judge|evaluator|assessor|examiner|reviewer|rater|scorer|grading (?:model|system|ai))s?";
const TOP = "(?:perfect|full|maximum|max|highest|top|best possible)";
const MARK = "(?:scores?|marks?|ratings?|grades?|points|verdict|credit)";
const WORK = "(?:this|the|my|our) (?:answer|response|solution|submission|output|reply)";
const ADDRESS = new RegExp(
  `\\b(?:dear|attention|attn|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|hey|hello|hi|you are)[ :,]+(?:the |all |any |an? )?(?:ai |llm |automated )*${GRADER}\\b`,
  "gi",
);
const DEMAND = new RegExp(
  `${MARK}|\\bcorrect\\b|\\b${TOP}\\b|\\b1\\.0\\b|\\b10/10\\b|\\b100 ?%|\\bignore\\b|\\brubric\\b`,
  "i",
);

/** Each looks at a bounded stretch from an anchor, so the time is linear. */
const SIGNS: readonly (readonly [sign: string, shows: (text: string) => boolean, inAnswersOnly: boolean])[] = [
  ["shows a made-up verdict", (text) => /"nonce"\s{0,9}:/.test(text) && /"rationale"\s{0,9}:/.test(text), false],
  ["forges our delimiters", (text) => /^[^\S\n]{0,9}(?:BEGIN|END) [0-9a-f]{16,64} \w/m.test(text), false],
  ["speaks to a grader", speaksToGrader, false],
  [
    "demands a score",
    (text) =>
      new RegExp(
        `\\b(?:give|assign|award|output|return|grant|rate|score|grade|mark)\\b[^.\\n]{0,40}(?:${TOP} ${MARK}\\b|${MARK} of (?:1\\.0|10/10|100\\b))`,
        "i",
      ).test(text) ||
      new RegExp(
        `\\b(?:rate|score|grade|mark) ${WORK}\\b[^.\\n]{0,20}(?:\\b1\\.0\\b|\\b1\\b|10/10|\\b100\\b|${TOP}|correct)`,
        "i",
      ).test(text) ||
      new RegExp(
        `\\b${WORK} (?:deserves|must (?:get|receive|be (?:graded|scored|rated))|should (?:get|receive|be (?:graded|scored|rated)))\\b`,
        "i",
      ).test(text),
    true,
  ],
  [
    "wants the rubric ignored",
    (text) =>
      /\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,30}\b(?:rubric|grading|scoring|evaluation|criteria|fences?|delimiters?)\b/i.test(
        text,
      ),
    true,
  ],
];

function speaksToGrader(text: string): boolean {
  for (const { index } of text.matchAll(ADDRESS)) if (DEMAND.test(text.slice(index, index + 240))) return true;
  return false;
}
