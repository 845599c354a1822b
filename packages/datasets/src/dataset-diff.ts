import { basename } from "node:path";
import { ConfigError, effectiveScore, type InteractionStore } from "@whetstone/core";
import { hasControlTokens } from "./control-tokens.js";
import { type Key, type KeySet, keySet, textKey } from "./key-set.js";
import { jsonRows, type OpenDataset, openDataset } from "./open-dataset.js";
import { rowOrigin } from "./row-origin.js";

/** Why a row stands in one dataset and not in the other; each is explained in docs/datasets.md. */
export type DiffReason =
  | "agentTypes"
  | "minQuality"
  | "maxQuality"
  | "minQualityDiff"
  | "groupSize"
  | "controlTokens"
  | "outsideTime"
  | "deleted"
  | "scoredAnew"
  | "otherAnswers"
  | "limit"
  | "otherRules"
  | "layout"
  | "unknown";

export interface DatasetDiff {
  readonly a: DiffSide;
  readonly b: DiffSide;
  /** Options that differ, by their names in the manifests. */
  readonly options: Readonly<Record<string, { readonly a: unknown; readonly b: unknown }>>;
  /** Rows that both have, word for word. */
  readonly same: number;
  /** Rows of the same interactions on both sides, with other contents. */
  readonly changed: DiffCounts;
  /** Rows of B that A does not have. */
  readonly added: DiffCounts;
  /** Rows of A that B does not have. */
  readonly removed: DiffCounts;
  /** Rows that both have, one for training and one for the test. */
  readonly moved: number;
  readonly examples: readonly DiffExample[];
}

export interface DiffSide {
  readonly path: string;
  readonly rows: number;
}

/** Rows by reason. */
export type DiffCounts = Readonly<Partial<Record<DiffReason, number>>>;

export interface DiffExample {
  readonly change: "added" | "removed" | "changed";
  readonly reason: DiffReason;
  readonly interactionIds: readonly string[];
}

export interface DiffOptions {
  /** Where the interactions are, to tell what became of those of removed rows. */
  readonly store?: InteractionStore | undefined;
  /** How many examples to give of each change. Default 5. */
  readonly examples?: number | undefined;
}

/**
 * Tells which rows of dataset B are new compared with A, which are gone, and why, as far as manifests, rows and the
 * store can tell. Reads both in constant memory for each row.
 * @throws ConfigError for a path that is no dataset, or two datasets of different kinds
 */
export async function diffDatasets(
  pathA: string,
  pathB: string,
  { store, examples: most = 5 }: DiffOptions = {},
): Promise<DatasetDiff> {
  const [a, b] = [await openDataset(pathA), await openDataset(pathB)];
  if (a.kind !== null && b.kind !== null && a.kind !== b.kind) {
    throw new ConfigError(`${pathA} is a ${a.kind} dataset and ${pathB} a ${b.kind} one: compare two of one kind`);
  }
  const [known, newer] = [await readRows(a), await readRows(b)];
  const examples: DiffExample[] = [];
  const note = (change: DiffExample["change"], reason: DiffReason, { interactionIds }: DatasetRow) => {
    if (examples.filter((example) => example.change === change).length < most) {
      examples.push({ change, reason, interactionIds });
    }
  };
  const counts = { changed: counter(), added: counter(), removed: counter() };
  const differing = differingOptions(a, b);
  const layout = LAYOUT.some((name) => differing.includes(name));
  let [same, moved] = [0, 0];
  for await (const row of rowsOf(a)) {
    if (!newer.identities.has(...row.identity)) {
      const reason = (await fateOf(row, store, b.options)) ?? reasonOf(row, a, b, newer);
      counts.removed.add(reason);
      note("removed", reason, row);
      continue;
    }
    if (newer.contents.has(...row.content)) same += 1;
    else {
      const reason = layout ? "layout" : "scoredAnew";
      counts.changed.add(reason);
      note("changed", reason, row);
    }
    if (!newer.places.has(...row.place)) moved += 1;
  }
  for await (const row of rowsOf(b)) {
    if (known.identities.has(...row.identity)) continue;
    const reason = reasonOf(row, b, a, known);
    counts.added.add(reason);
    note("added", reason, row);
  }
  return {
    a: { path: pathA, rows: known.rows },
    b: { path: pathB, rows: newer.rows },
    options: Object.fromEntries(differing.map((name) => [name, { a: a.options[name], b: b.options[name] }])),
    same,
    changed: counts.changed.all,
    added: counts.added.all,
    removed: counts.removed.all,
    moved,
    examples,
  };
}

interface DatasetRow {
  readonly row: Readonly<Record<string, unknown>>;
  readonly line: string;
  readonly interactionIds: readonly string[];
  readonly identity: Key;
  readonly content: Key;
  readonly place: Key;
  readonly prompt: Key;
}

/** What is remembered of a dataset's rows: 64 bits of each, four ways. */
interface KnownRows {
  readonly rows: number;
  readonly identities: KeySet;
  readonly contents: KeySet;
  readonly places: KeySet;
  readonly prompts: KeySet;
  /** The times of the oldest and the newest interaction. */
  readonly times: readonly [first: string, last: string];
}

/** Options that change how a row is written, not which rows there are. */
const LAYOUT = ["format", "mode", "control_tokens"];
/** Rules whose effect on a row only the texts and the other rows could tell. */
const OTHER_RULES = [
  "max_per_user",
  "max_per_session",
  "max_similar_answers",
  "decontaminate",
  "require_calibration",
  "per_turn",
  "pairing",
  "max_pairs_per_prompt",
  "require_reference",
];
const LIMITS = ["max_samples", "max_pairs", "max_groups", "max_prompts"];

async function* rowsOf({ files }: OpenDataset): AsyncGenerator<DatasetRow> {
  for (const file of files) {
    const isTest = basename(file) === "test.jsonl";
    for await (const { row, line } of jsonRows(file)) yield datasetRow(row, line, isTest);
  }
}

function datasetRow(row: Readonly<Record<string, unknown>>, line: string, isTest: boolean): DatasetRow {
  const { interactionIds } = rowOrigin(row);
  const { metadata, messages, prompt, label } = row;
  const turn = (metadata as { turn?: unknown } | undefined)?.turn ?? "";
  const asked = prompt ?? (Array.isArray(messages) ? messages.slice(0, -1) : null);
  const identity = interactionIds.length > 0 ? `${interactionIds.toSorted().join(" ")} ${turn} ${label ?? ""}` : line;
  return {
    row,
    line,
    interactionIds,
    identity: textKey(identity),
    content: textKey(`${identity}\n${line}`),
    place: textKey(`${identity}\n${isTest}`),
    prompt: textKey(JSON.stringify(asked)),
  };
}

async function readRows(dataset: OpenDataset): Promise<KnownRows> {
  const [identities, contents, places, prompts] = [keySet(), keySet(), keySet(), keySet()];
  let rows = 0;
  let [first, last] = ["~", ""];
  for await (const { row, identity, content, place, prompt } of rowsOf(dataset)) {
    rows += 1;
    identities.add(...identity);
    contents.add(...content);
    places.add(...place);
    prompts.add(...prompt);
    for (const time of timesOf(row)) {
      if (time < first) first = time;
      if (time > last) last = time;
    }
  }
  return { rows, identities, contents, places, prompts, times: [first, last] };
}

/** The names of the options that two manifests have otherwise; none where one of the two has no manifest. */
function differingOptions(a: OpenDataset, b: OpenDataset): readonly string[] {
  if (a.kind === null || b.kind === null) return [];
  const names = [...new Set([...Object.keys(a.options), ...Object.keys(b.options)])].sort();
  return names.filter((name) => JSON.stringify(a.options[name]) !== JSON.stringify(b.options[name]));
}

/** What the store says of the interactions of a removed row; null when they are as they were. */
async function fateOf(
  { interactionIds, row }: DatasetRow,
  store: InteractionStore | undefined,
  options: OpenDataset["options"],
): Promise<DiffReason | null> {
  if (!store) return null;
  const scores = scoresOf(row);
  for (const [i, interactionId] of interactionIds.entries()) {
    const interaction = await store.get(interactionId);
    if (!interaction) return "deleted";
    // A corrected answer counts as what the correction makes of it, not as what it scored.
    const isCorrected = interaction.annotations?.some(
      (said) => said.kind === "feedback" && said.feedback.type === "demonstration",
    );
    const overall = effectiveScore(interaction)?.overall;
    if (scores[i] === undefined || isCorrected || overall === scores[i]) continue;
    if (overall === undefined || !isStillFit(row, overall, options)) return "scoredAnew";
  }
  return null;
}

/** The scores that a row was made with, in the order of its interactions. */
function scoresOf(row: Readonly<Record<string, unknown>>): readonly number[] {
  const { quality_score, chosen_score, rejected_score } = metadataOf(row);
  const rewards = Array.isArray(row.responses) ? row.responses.map(({ reward }: { reward?: unknown }) => reward) : [];
  return [quality_score, chosen_score, rejected_score, ...rewards].filter((score) => typeof score === "number");
}

/** Whether a row of one answer would be made with the new score too; rows that compare answers turn on every score. */
function isStillFit(
  { label }: Readonly<Record<string, unknown>>,
  overall: number,
  { min_quality: least, max_quality: most }: OpenDataset["options"],
): boolean {
  if (label === false) return typeof most === "number" && overall <= most;
  return typeof least === "number" && overall >= least;
}

/** Why a row of one dataset is none of the other: the first of the other's rules that keeps it out. */
function reasonOf(
  { row, line, prompt }: DatasetRow,
  of: OpenDataset,
  other: OpenDataset,
  others: KnownRows,
): DiffReason {
  const { options } = other;
  const facts = metadataOf(row);
  const isBelow = (value: unknown, least: unknown) =>
    typeof value === "number" && typeof least === "number" && value < least;
  if (Array.isArray(options.agent_types) && !options.agent_types.includes(facts.agent_type)) return "agentTypes";
  if (
    row.label === false
      ? isBelow(options.max_quality, facts.quality_score)
      : isBelow(facts.quality_score, options.min_quality)
  ) {
    return row.label === false ? "maxQuality" : "minQuality";
  }
  if (isBelow(facts.quality_diff, options.min_quality_diff)) return "minQualityDiff";
  if (typeof options.group_size === "number" && facts.group_size !== options.group_size) return "groupSize";
  if (options.control_tokens === "drop" && of.options.control_tokens !== "drop" && hasControlTokens(line)) {
    return "controlTokens";
  }
  if (others.prompts.has(...prompt)) return "otherAnswers";
  const times = timesOf(row);
  if (times.some((time) => time > others.times[1])) return "outsideTime";
  if (times.some((time) => time < others.times[0]) && typeof options.days_back === "number") return "outsideTime";
  if (LIMITS.some((name) => typeof options[name] === "number" && others.rows >= Number(options[name]))) return "limit";
  const differing = differingOptions(of, other);
  return OTHER_RULES.some((name) => differing.includes(name)) ? "otherRules" : "unknown";
}

function metadataOf({ metadata }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return typeof metadata === "object" && metadata !== null ? (metadata as Record<string, unknown>) : {};
}

function timesOf(row: Readonly<Record<string, unknown>>): readonly string[] {
  const { timestamp, chosen_timestamp, rejected_timestamp, timestamps } = metadataOf(row);
  return [timestamp, chosen_timestamp, rejected_timestamp, timestamps]
    .flat()
    .filter((time): time is string => typeof time === "string");
}

function counter() {
  const all: Partial<Record<DiffReason, number>> = {};
  return {
    all,
    add(reason: DiffReason): void {
      all[reason] = (all[reason] ?? 0) + 1;
    },
  };
}
