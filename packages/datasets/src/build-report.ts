/** The methods a dataset is built for. */
export type DatasetKind = "sft" | "dpo" | "grpo";

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
  | "duplicateAnswer"
  | "gone";

/** Why one prompt, with all its answers, gave no row. */
export type PromptDrop =
  | "singleAnswer"
  | "groupTooSmall"
  | "zeroVariance"
  | "gapTooSmall"
  | "identicalAnswers"
  | "keyCollision"
  | "overLimit";

export type DropReason = InteractionDrop | PromptDrop;

/**
 * The books of a build. Two sums hold for every finished build: `considered` is `used + unused` plus the drops that
 * count interactions, and (DPO, GRPO) `prompts` is `rows` plus the drops that count prompts.
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
  /** Distinct prompts that had an eligible answer; null for SFT, which does not group. */
  readonly prompts: number | null;
  /** Every reason, also those that removed nothing. */
  readonly drops: Readonly<Record<DropReason, number>>;
  /** Whose scores decided, by interactions used. */
  readonly scoreSources: Readonly<Record<string, number>>;
}

/** Counts while a build runs. */
export interface Tally {
  considered: number;
  rows: number;
  prompts: number | null;
  drop(reason: DropReason, count?: number): void;
  /** One more interaction stands in a row. */
  use(scoreSource: string): void;
  report(): BuildReport;
}

export function tally(kind: DatasetKind): Tally {
  const drops = Object.fromEntries(Object.keys(WORDS).map((reason) => [reason, 0])) as Record<DropReason, number>;
  const sources = new Map<string, number>();
  let used = 0;
  return {
    considered: 0,
    rows: 0,
    prompts: kind === "sft" ? null : 0,
    drop(reason, count = 1) {
      drops[reason] += count;
    },
    use(scoreSource) {
      used += 1;
      sources.set(scoreSource, (sources.get(scoreSource) ?? 0) + 1);
    },
    report() {
      const { considered, rows, prompts } = this;
      const dropped = INTERACTION_DROPS.reduce((sum, reason) => sum + drops[reason], 0);
      return {
        kind,
        rows,
        considered,
        used,
        unused: considered - used - dropped,
        prompts,
        drops: { ...drops },
        scoreSources: Object.fromEntries([...sources].sort(([a], [b]) => (a < b ? -1 : 1))),
      };
    },
  };
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
  duplicateAnswer: "with a repeated answer to the same prompt",
  gone: "deleted meanwhile",
};

const PROMPT_WORDS: Record<PromptDrop, string> = {
  singleAnswer: "with a single answer",
  groupTooSmall: "with fewer answers than groupSize",
  zeroVariance: "with equal scores only",
  gapTooSmall: "with a score gap below minQualityDiff",
  identicalAnswers: "whose best and worst answer are the same text",
  keyCollision: "mixed up by a hash collision",
  overLimit: "beyond the limit",
};

const WORDS: Record<DropReason, string> = { ...INTERACTION_WORDS, ...PROMPT_WORDS };
const INTERACTION_DROPS = Object.keys(INTERACTION_WORDS) as InteractionDrop[];
const PROMPT_DROPS = Object.keys(PROMPT_WORDS) as PromptDrop[];
