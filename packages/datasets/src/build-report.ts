import { type Calibration, type CalibrationFacts, calibrationFacts } from "@whetstone/core";
import { type ContributorCaps, type Contributors, contributors, type TopContributor } from "./contributors.js";

/** The methods a dataset is built for. */
export type DatasetKind = "sft" | "dpo" | "grpo" | "grpo-online" | "kto" | "reward";

/** Why one interaction stands in no row. */
export type InteractionDrop =
  | "error"
  | "unscored"
  | "truncated"
  | "belowMinQuality"
  | "noPrompt"
  | "emptyAnswer"
  | "controlTokens"
  | "notPlainText"
  | "contaminated"
  | "uncalibrated"
  | "betweenLabels"
  | "duplicateAnswer"
  | "similarAnswer"
  | "overUserCap"
  | "overSessionCap"
  | "unreadable";

/** Why one prompt, with all its answers, gave no row. */
export type PromptDrop =
  | "singleAnswer"
  | "groupTooSmall"
  | "zeroVariance"
  | "gapTooSmall"
  | "identicalAnswers"
  | "similarPair"
  | "noDemonstration"
  | "noReference"
  | "noFitPrompt"
  | "noSharedPrompt"
  | "keyCollision"
  | "overLimit";

export type DropReason = InteractionDrop | PromptDrop;

/**
 * The books of a build. Two sums hold for every finished build: `considered` is `used + unused` plus the drops that
 * count interactions, and where prompts are grouped `prompts` is `promptsUsed` plus the drops that count prompts.
 */
export interface BuildReport {
  readonly kind: DatasetKind;
  readonly rows: number;
  /** Interactions that matched `agentTypes` and `daysBack`. */
  readonly considered: number;
  /** Interactions that stand in a row. */
  readonly used: number;
  /** Good interactions that no row needed: beyond the limit, or neither the best nor the worst answer. */
  readonly unused: number;
  /** Distinct prompts that had an eligible answer; null for SFT and KTO, which do not group. */
  readonly prompts: number | null;
  /** Prompts that gave a row. */
  readonly promptsUsed: number | null;
  /** Every reason, also those that removed nothing. */
  readonly drops: Readonly<Record<DropReason, number>>;
  /** Whose scores decided, by interactions used. */
  readonly scoreSources: Readonly<Record<string, number>>;
  /** How well these sources agree with people; null for one that was never compared with them. */
  readonly calibrations: Readonly<Record<string, CalibrationFacts | null>>;
  /** The users whose interactions stand in most rows, at most five. */
  readonly topContributors: readonly TopContributor[];
}

/** Counts while a build runs. */
export interface Tally {
  considered: number;
  rows: number;
  prompts: number | null;
  promptsUsed: number;
  readonly contributors: Contributors;
  /** What the store knows of scorers. */
  calibrations: readonly Calibration[];
  drop(reason: DropReason, count?: number): void;
  /** One more interaction stands in a row; the source is empty where no score matters. */
  use(scoreSource: string): void;
  report(): BuildReport;
}

export function tally(kind: DatasetKind, caps: ContributorCaps = {}): Tally {
  const drops = Object.fromEntries(Object.keys(WORDS).map((reason) => [reason, 0])) as Record<DropReason, number>;
  const sources = new Map<string, number>();
  const isGrouped = kind !== "sft" && kind !== "kto";
  let used = 0;
  return {
    considered: 0,
    rows: 0,
    prompts: isGrouped ? 0 : null,
    promptsUsed: 0,
    contributors: contributors(caps),
    calibrations: [],
    drop(reason, count = 1) {
      drops[reason] += count;
    },
    use(scoreSource) {
      used += 1;
      if (scoreSource !== "") sources.set(scoreSource, (sources.get(scoreSource) ?? 0) + 1);
    },
    report() {
      const { considered, rows, prompts, promptsUsed } = this;
      const dropped = INTERACTION_DROPS.reduce((sum, reason) => sum + drops[reason], 0);
      return {
        kind,
        rows,
        considered,
        used,
        unused: considered - used - dropped,
        prompts,
        promptsUsed: isGrouped ? promptsUsed : null,
        drops: { ...drops },
        scoreSources: Object.fromEntries([...sources].sort(([a], [b]) => (a < b ? -1 : 1))),
        calibrations: calibrationFacts(this.calibrations, [...sources.keys()].sort()),
        topContributors: this.contributors.top(),
      };
    },
  };
}

/** The reasons that can occur in a build: those that count prompts only where prompts are grouped. */
export function dropReasons({ prompts }: Pick<BuildReport, "prompts">): readonly DropReason[] {
  return prompts === null ? INTERACTION_DROPS : [...INTERACTION_DROPS, ...PROMPT_DROPS];
}

/** What a rule left of what came before it. */
export interface RuleEffect {
  /** `considered` and `prompts` are where the counts begin. */
  readonly rule: DropReason | "considered" | "prompts";
  readonly left: number;
}

/** The rules that removed something, in order, and what each left: interactions first, then prompts. */
export function ruleEffects({ considered, prompts, drops }: Pick<BuildReport, "considered" | "prompts" | "drops">) {
  const effects = (rule: RuleEffect["rule"], begin: number, reasons: readonly DropReason[]): RuleEffect[] => {
    let left = begin;
    const removing = reasons.filter((reason) => drops[reason] > 0);
    return [
      { rule, left: begin },
      ...removing.map((reason) => {
        left -= drops[reason];
        return { rule: reason, left };
      }),
    ];
  };
  return [
    ...effects("considered", considered, INTERACTION_DROPS),
    ...(prompts === null ? [] : effects("prompts", prompts, PROMPT_DROPS)),
  ];
}

/** Says in one sentence what was considered and which rule removed how much. */
export function describeReport({ kind, rows, considered, prompts, drops }: BuildReport): string {
  const told = (reasons: readonly DropReason[]) =>
    reasons.filter((reason) => drops[reason] > 0).map((reason) => `${drops[reason]} ${WORDS[reason]}`);
  const interactions = told(INTERACTION_DROPS);
  const groups = told(PROMPT_DROPS);
  return [
    `${counted(rows, `${kind} row`)} from ${counted(considered, "interaction")}`,
    ...(interactions.length > 0 ? [`left out: ${interactions.join(", ")}`] : []),
    ...(groups.length > 0 ? [`of ${counted(prompts ?? 0, "prompt")}: ${groups.join(", ")}`] : []),
  ].join("; ");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const INTERACTION_WORDS: Record<InteractionDrop, string> = {
  error: "ended in an error",
  unscored: "unscored",
  truncated: "cut short at capture",
  belowMinQuality: "below minQuality",
  noPrompt: "without a question",
  emptyAnswer: "with an empty answer",
  controlTokens: "with chat-template control tokens",
  notPlainText: "that only message lists can hold",
  contaminated: "that ask what an evaluation file asks",
  uncalibrated: "scored by a source that is not calibrated well enough (requireCalibration)",
  betweenLabels: "scored between maxQuality and minQuality",
  duplicateAnswer: "with a repeated answer to the same prompt",
  similarAnswer: "with an answer like too many others (maxSimilarAnswers)",
  overUserCap: "beyond maxPerUser",
  overSessionCap: "beyond maxPerSession",
  unreadable: "that are deleted or damaged by now",
};

const PROMPT_WORDS: Record<PromptDrop, string> = {
  singleAnswer: "with a single answer",
  groupTooSmall: "with fewer answers than groupSize",
  zeroVariance: "with equal scores only",
  gapTooSmall: "with a score gap below minQualityDiff",
  identicalAnswers: "whose best and worst answer are the same text",
  similarPair: "with an answer like too many others (maxSimilarAnswers)",
  noDemonstration: "without a corrected answer",
  noReference: "without a reference",
  noFitPrompt: "that no interaction has in a fit form",
  noSharedPrompt: "whose attempts have no turn in common to begin with",
  keyCollision: "mixed up by a hash collision",
  overLimit: "beyond the limit",
};

const WORDS: Record<DropReason, string> = { ...INTERACTION_WORDS, ...PROMPT_WORDS };
const INTERACTION_DROPS = Object.keys(INTERACTION_WORDS) as InteractionDrop[];
/** The reasons that count prompts. */
export const PROMPT_DROPS = Object.keys(PROMPT_WORDS) as PromptDrop[];
