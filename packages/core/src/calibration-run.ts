import type { StoredInteraction } from "./annotation.js";
import type { Calibration, CalibrationOptions, JudgedLabel } from "./calibration.js";
import { calibrationFigures } from "./calibration-figures.js";
import { concurrencyLimit } from "./concurrency-limit.js";
import { ConfigError, WhetstoneError } from "./errors.js";
import type { Scorer } from "./scorer.js";
import type { PairwiseJudge } from "./scorers/pairwise-judge.js";
import type { Preference } from "./scorers/pairwise-judging.js";

/** An answer, and how good a person found it, from 0 to 1. */
export interface LabelledAnswer {
  readonly interaction: StoredInteraction;
  /** Of several people one each. */
  readonly label: number | readonly number[];
}

/** Two answers to one prompt, and which of them a person found better. */
export interface LabelledPair {
  readonly first: StoredInteraction;
  readonly second: StoredInteraction;
  readonly label: Preference["better"] | readonly Preference["better"][];
}

export interface CalibrateOptions extends CalibrationOptions {
  /** From this score on an answer is good, for people and for the scorer. Several make several grades. Default 0.5. */
  readonly cuts?: readonly number[] | undefined;
  /** How many are with the scorer at once. Default 8. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** What people labelled, answers or pairs. */
export type Labelled = Iterable<LabelledAnswer | LabelledPair> | AsyncIterable<LabelledAnswer | LabelledPair>;

/** A run of `calibrate`, which loads it. */
export async function calibrationRun(
  scorer: Scorer | PairwiseJudge,
  labelled: Labelled,
  options: CalibrateOptions,
): Promise<Calibration> {
  const { cuts = [0.5], concurrency = 8, signal, onProgress } = options;
  const gradeOf = grades(cuts);
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new ConfigError(`concurrency is ${concurrency}: use a whole number from 1 on`);
  }
  const judged: JudgedLabel[] = [];
  let failure: unknown;
  let done = 0;
  const inTurn = concurrencyLimit(concurrency);
  const underWay = new Set<Promise<void>>();
  for await (const item of labelled) {
    signal?.throwIfAborted();
    const work = inTurn(() => ask(item), signal);
    underWay.add(work);
    work.then(
      () => underWay.delete(work),
      () => {}, // met below
    );
    // No more is read ahead than is asked.
    if (underWay.size >= concurrency) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  if (judged.length === 0 && failure) throw failure;
  return calibrationFigures(scorer.source, judged, options);

  async function ask(item: LabelledAnswer | LabelledPair): Promise<void> {
    try {
      const label = "first" in item ? await askPair(item) : await askAnswer(item);
      if (label) judged.push(label);
    } catch (error) {
      if (ConfigError.isInstance(error) || signal?.aborted || !WhetstoneError.isInstance(error)) throw error;
      if (error.code === "SCORING_UNPARSABLE") judged.push({ human: humanOf(item), scorer: null });
      else failure ??= error; // an endpoint that does not answer says nothing of its verdicts
    }
    done += 1;
    onProgress?.(done);
  }

  async function askAnswer(item: LabelledAnswer): Promise<JudgedLabel | null> {
    const score = await (scorer as Scorer)(unlabelled(item.interaction), { signal });
    if (!score) return null;
    return answerLabel(item, score.scores.overall, gradeOf);
  }

  async function askPair(item: LabelledPair): Promise<JudgedLabel> {
    const { first, second } = item;
    const preference = await (scorer as PairwiseJudge)(unlabelled(first), unlabelled(second), { signal });
    const human = humanOf(item);
    // What it says only in one order is no verdict.
    if (!preference) return { human, scorer: null, flipped: true };
    const people = typeof item.label === "string" ? [item.label] : item.label;
    return {
      human,
      scorer: preference.better,
      flipped: false,
      excess: PREFERENCES[preference.better] - mean(people.map((word) => PREFERENCES[word])),
      logLength: logLength(first.answer) - logLength(second.answer),
    };
  }

  function humanOf(item: LabelledAnswer | LabelledPair): string | readonly string[] {
    if ("first" in item) return item.label;
    return typeof item.label === "number" ? gradeOf(item.label) : item.label.map(gradeOf);
  }
}

/** What `calibrateStored` compares. */
export async function storedCalibration(
  labelled: AsyncIterable<LabelledAnswer>,
  source: string,
  { cuts = [0.5], ...options }: CalibrateOptions,
): Promise<Calibration> {
  const gradeOf = grades(cuts);
  const judged: JudgedLabel[] = [];
  for await (const item of labelled) {
    options.signal?.throwIfAborted();
    const overall = overallOf(item.interaction, source);
    if (overall !== undefined) judged.push(answerLabel(item, overall, gradeOf));
  }
  return calibrationFigures(source, judged, options);
}

const PREFERENCES: Readonly<Record<Preference["better"], number>> = { first: 1, tie: 0.5, second: 0 };

const logLength = (text: string) => Math.log2(1 + text.length);

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function answerLabel(
  { interaction, label }: LabelledAnswer,
  overall: number,
  gradeOf: (overall: number) => string,
): JudgedLabel {
  const people = typeof label === "number" ? [label] : label;
  return {
    human: typeof label === "number" ? gradeOf(label) : label.map(gradeOf),
    scorer: gradeOf(overall),
    excess: overall - mean(people),
    logLength: logLength(interaction.answer),
  };
}

function overallOf({ annotations, qualityScores }: StoredInteraction, source: string): number | undefined {
  if (source === "logged") return qualityScores.overall;
  const said = annotations?.find((annotation) => annotation.kind === "score" && annotation.source === source);
  return said?.kind === "score" ? said.scores.overall : undefined;
}

function unlabelled({ annotations: _, ...interaction }: StoredInteraction): StoredInteraction {
  return interaction;
}

/** Names the grade of a score: `0 to 0.5`, `0.5 to 1`. A score on a cut belongs to the grade above it. */
function grades(cuts: readonly number[]): (overall: number) => string {
  const sorted = [...cuts].sort((a, b) => a - b);
  if (sorted.length === 0 || sorted.some((cut) => !(cut > 0 && cut < 1))) {
    throw new ConfigError(`cuts is ${JSON.stringify(cuts)}: give scores between 0 and 1`);
  }
  const bounds = [0, ...sorted, 1];
  return (overall) => {
    const grade = sorted.filter((cut) => overall >= cut).length;
    return `${bounds[grade]} to ${bounds[grade + 1]}`;
  };
}
