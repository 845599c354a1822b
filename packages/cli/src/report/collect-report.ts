import {
  type Calibration,
  effectiveScore,
  HIGH_QUALITY,
  type InteractionFilter,
  type InteractionStore,
  type StoredInteraction,
} from "@whetstone/core";
import { type DatasetStats, datasetStats } from "@whetstone/datasets";
import { type Periods, periodOf, periodsBetween } from "./periods.js";

/** What a report tells of. */
export interface Report {
  readonly store: string;
  /** Epoch milliseconds. */
  readonly generatedAt: number;
  readonly agentTypes: readonly string[] | undefined;
  /** When the first and the last interaction were; null when there is none. */
  readonly span: { readonly first: number; readonly last: number; readonly periods: Periods } | null;
  readonly totals: Share & {
    readonly errors: number;
    readonly highQuality: number;
    /** Interactions of which a person said something. */
    readonly toldByPeople: number;
  };
  /** By agent type and by variant (or model), the most frequent first. */
  readonly agents: readonly Series[];
  readonly variants: readonly Series[];
  /** Every agent with every variant, by agent, the best first. */
  readonly combinations: readonly Combination[];
  /** How many have a score from 0 to 0.1, from 0.1 to 0.2 and so on; a score of 1 is in the last. */
  readonly histogram: readonly number[];
  /** Whose word decides how many, the most frequent first. */
  readonly sources: readonly { readonly source: string; readonly count: number }[];
  readonly potential: DatasetStats;
  readonly calibrations: readonly Calibration[];
  /** The answers with the lowest scores, one a question, the lowest first. */
  readonly worst: readonly WorstAnswer[];
}

/** How many interactions there are of a kind, and how good the scored ones are. */
export interface Share {
  readonly count: number;
  readonly scored: number;
  /** The mean score; null without one. */
  readonly mean: number | null;
}

/** A kind of interactions over the periods. */
export interface Series extends Share {
  readonly name: string;
  readonly periods: readonly Share[];
}

/** One agent with one variant. */
export interface Combination extends Share {
  readonly agentType: string;
  readonly variant: string;
  readonly errors: number;
  /** Between which bounds the true mean lies with 95 % confidence; null with fewer than two scores. */
  readonly interval: readonly [number, number] | null;
}

/** An answer to look at. */
export interface WorstAnswer {
  readonly interaction: StoredInteraction;
  readonly overall: number;
  readonly source: string;
  readonly rationale: string | undefined;
}

export interface CollectOptions {
  readonly filter: InteractionFilter;
  readonly now: number;
  /** How many of the worst answers. */
  readonly worst: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number) => void;
}

/** What an interaction without a variant and a model is counted under. */
export const UNNAMED = "not named";
/** What the kinds beyond the most frequent are counted under. */
export const OTHERS = "others";

/** Reads the store twice, the index and then the records, in memory that does not grow with them. */
export async function collectReport(store: InteractionStore, options: CollectOptions): Promise<Report> {
  const { filter, now, signal, onProgress } = options;
  const range = await timeRange(store, filter, signal);
  const periods = range ? periodsBetween(range.first, range.last) : { start: 0, widthMs: 1, count: 0 };
  const [all, agents, variants] = [spread(), seriesByName(periods), seriesByName(periods)];
  const combinations = new Map<
    string,
    ReturnType<typeof spread> & { agentType: string; variant: string; errors: number }
  >();
  const histogram = new Array<number>(10).fill(0);
  const sources = new Map<string, number>();
  const worst = lowest(options.worst);
  let [errors, highQuality, toldByPeople, done] = [0, 0, 0, 0];

  for await (const batch of store.query({ ...filter, signal })) {
    for (const interaction of batch) {
      const { agentType, timestamp, errorOccurred } = interaction;
      const variant = interaction.variant ?? interaction.model ?? UNNAMED;
      const decided = effectiveScore(interaction);
      const overall = decided?.overall ?? null;
      const period = periodOf(periods, timestamp);
      all.add(overall);
      agents.add(agentType, period, overall);
      variants.add(variant, period, overall);
      const combination = named(combinations, `${agentType}\n${variant}`, () => ({
        ...spread(),
        agentType,
        variant,
        errors: 0,
      }));
      combination?.add(overall);
      if (errorOccurred) errors += 1;
      if (errorOccurred && combination) combination.errors += 1;
      if (interaction.annotations?.some(({ source }) => source.startsWith("human:"))) toldByPeople += 1;
      const source = decided?.source ?? "unscored";
      if (sources.size < MOST_NAMES || sources.has(source)) sources.set(source, (sources.get(source) ?? 0) + 1);
      if (!decided) continue;
      if (decided.overall >= HIGH_QUALITY) highQuality += 1;
      const bin = Math.min(9, Math.floor(decided.overall * 10 + 1e-9));
      histogram[bin] = (histogram[bin] ?? 0) + 1;
      worst.offer(interaction, decided.overall, decided.source);
    }
    done += batch.length;
    onProgress(done);
    signal.throwIfAborted();
  }
  signal.throwIfAborted();

  return {
    store: store.url,
    generatedAt: now,
    agentTypes: filter.agentTypes,
    span: range && { ...range, periods },
    totals: { ...all.share(), errors, highQuality, toldByPeople },
    agents: agents.series(),
    variants: variants.series(),
    combinations: [...combinations.values()]
      .map(({ agentType, variant, errors, share, interval }) => ({
        agentType,
        variant,
        errors,
        ...share(),
        interval: interval(),
      }))
      .sort((a, b) => compareNames(a.agentType, b.agentType) || (b.mean ?? -1) - (a.mean ?? -1)),
    histogram,
    sources: [...sources].map(([source, count]) => ({ source, count })).sort((a, b) => b.count - a.count),
    potential: await datasetStats(store, {
      agentTypes: filter.agentTypes,
      now,
      daysBack: filter.startTime === undefined ? undefined : (now - filter.startTime) / DAY_MS,
    }),
    calibrations: await store.calibrations(),
    worst: worst.found(),
  };
}

const DAY_MS = 86_400_000;
/** Names that are told apart; a store can hold a variant for each interaction. */
const MOST_NAMES = 1_000;

/** When the first and the last interaction were; null when there is none. */
async function timeRange(store: InteractionStore, filter: InteractionFilter, signal: AbortSignal) {
  let [first, last] = [Infinity, -Infinity];
  for await (const { length, timestamps } of store.scanIndex(filter)) {
    signal.throwIfAborted();
    for (let i = 0; i < length; i++) {
      first = Math.min(first, timestamps[i] as number);
      last = Math.max(last, timestamps[i] as number);
    }
  }
  return first <= last ? { first, last } : null;
}

/** Sums from which a mean and its interval come. */
function spread() {
  let [count, scored, sum, squares] = [0, 0, 0, 0];
  return {
    add(overall: number | null) {
      count += 1;
      if (overall === null) return;
      scored += 1;
      sum += overall;
      squares += overall * overall;
    },
    share: (): Share => ({ count, scored, mean: scored === 0 ? null : sum / scored }),
    interval(): readonly [number, number] | null {
      if (scored < 2) return null;
      const mean = sum / scored;
      const variance = Math.max(0, (squares - scored * mean * mean) / (scored - 1));
      const half = 1.96 * Math.sqrt(variance / scored);
      return [Math.max(0, mean - half), Math.min(1, mean + half)];
    },
  };
}

/** The entry of a name; null for new names when there are too many. */
function named<T>(map: Map<string, T>, name: string, make: () => T): T | null {
  const known = map.get(name);
  if (known) return known;
  if (map.size >= MOST_NAMES) return null;
  const made = make();
  map.set(name, made);
  return made;
}

function seriesByName(periods: Periods) {
  const byName = new Map<
    string,
    { readonly total: ReturnType<typeof spread>; readonly cells: ReturnType<typeof spread>[] }
  >();
  const make = () => ({ total: spread(), cells: Array.from({ length: periods.count }, spread) });
  return {
    add(name: string, period: number, overall: number | null) {
      // The last place is for all names that found none of their own.
      const isKnown = byName.has(name) || byName.size < MOST_NAMES - 1;
      const entry = named(byName, isKnown ? name : OTHERS, make);
      entry?.total.add(overall);
      entry?.cells[period]?.add(overall);
    },
    series: (): Series[] =>
      [...byName]
        .map(([name, { total, cells }]) => ({ name, ...total.share(), periods: cells.map(({ share }) => share()) }))
        .sort((a, b) => b.count - a.count || compareNames(a.name, b.name)),
  };
}

/** Keeps so many with the lowest scores, the newest of equal ones, and one of each question. */
function lowest(most: number) {
  const kept: WorstAnswer[] = [];
  const isWorse = (a: WorstAnswer, b: WorstAnswer) =>
    a.overall < b.overall || (a.overall === b.overall && a.interaction.timestamp > b.interaction.timestamp);
  return {
    offer(interaction: StoredInteraction, overall: number, source: string) {
      const last = kept.at(-1);
      if (most === 0 || (kept.length === most && last && overall > last.overall)) return;
      const said = interaction.annotations?.find((each) => each.kind === "score" && each.source === source);
      const rationale = said?.kind === "score" ? said.rationale : undefined;
      const offered = { interaction, overall, source, rationale };
      const same = kept.findIndex((each) => each.interaction.query === interaction.query);
      const rival = kept[same];
      if (rival && !isWorse(offered, rival)) return;
      if (rival) kept.splice(same, 1);
      const place = kept.findIndex((each) => isWorse(offered, each));
      kept.splice(place < 0 ? kept.length : place, 0, offered);
      if (kept.length > most) kept.pop();
    },
    found: (): readonly WorstAnswer[] => kept,
  };
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
