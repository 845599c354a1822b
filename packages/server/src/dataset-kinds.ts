import { z } from "@hono/zod-openapi";
import type { InteractionStore } from "@whetstone/core";
import {
  buildDpoDataset,
  buildGrpoDataset,
  buildKtoDataset,
  buildOnlineGrpoDataset,
  buildRewardDataset,
  buildSftDataset,
  type DatasetBuild,
} from "@whetstone/datasets";
import { agentType, daysBack, optional, share } from "./schemas.js";

const atMost = (what: string) =>
  optional(z.number().int().min(1).max(1e9)).meta({ description: `at most so many ${what}` });

/** What every build takes. Not files to read, such as those to decontaminate against: a request names none. */
const common = {
  agent_types: optional(z.array(agentType).min(1).max(64)).meta({ description: "only these; all unless told" }),
  days_back: optional(daysBack),
  format: optional(z.enum(["conversational", "standard"])).meta({ description: "message lists, or plain strings" }),
  control_tokens: optional(z.enum(["drop", "escape", "keep"])).meta({
    description: "texts with control tokens of chat templates",
  }),
  require_calibration: optional(share).meta({
    description:
      "scores of judges decide only where `calibrate` found a kappa of at least this; all decide unless told",
  }),
  max_per_user: atMost("interactions of one user, 1,000 unless told"),
  max_per_session: atMost("interactions of one session, 100 unless told"),
  save_to_file: optional(z.string().min(1).max(512)).meta({
    description: "where to save it in the data folder: one .jsonl file, or a folder with a dataset card and a manifest",
  }),
  overwrite: optional(z.boolean()).meta({ description: "replace what an earlier build saved there" }),
  test_share: optional(z.number().gt(0).lt(1)).meta({ description: "folders: the share of prompts for test.jsonl" }),
};

const max_similar_answers = atMost("answers that are alike, 100 unless told");

const pairs = {
  min_quality_diff: optional(share).meta({ description: "the better one scores so much more, 0.2 unless told" }),
  max_pairs: atMost("pairs"),
  pairing: optional(z.enum(["best-worst", "all", "demonstration"])).meta({ description: "which answers are paired" }),
  max_pairs_per_prompt: optional(z.number().int().min(1).max(100)).meta({
    description: "with pairing `all`: at most so many pairs of one prompt, 4 unless told",
  }),
  max_similar_answers,
};

type Given<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape & typeof common>>;

const pairOptions = (given: Given<typeof pairs>) => ({
  ...commonOptions(given),
  minQualityDiff: given.min_quality_diff,
  maxPairs: given.max_pairs,
  pairing: given.pairing,
  maxPairsPerPrompt: given.max_pairs_per_prompt,
  maxSimilarAnswers: given.max_similar_answers,
});

const commonOptions = (given: z.output<z.ZodObject<typeof common>>) => ({
  agentTypes: given.agent_types,
  daysBack: given.days_back,
  format: given.format,
  controlTokens: given.control_tokens,
  requireCalibration: given.require_calibration,
  maxPerUser: given.max_per_user,
  maxPerSession: given.max_per_session,
});

/** A kind of dataset: what a request can say, and the build it means. */
export interface DatasetKindRoute {
  readonly name: string;
  readonly summary: string;
  readonly schema: z.ZodType<SaveOptions>;
  /** @throws ConfigError for options that do not go together */
  start(store: InteractionStore, given: object): DatasetBuild<object>;
}

function kind<Shape extends z.ZodRawShape>(
  name: string,
  summary: string,
  shape: Shape,
  start: (store: InteractionStore, given: Given<Shape>) => DatasetBuild<object>,
): DatasetKindRoute {
  const schema = z.strictObject({ ...shape, ...common }).openapi(`${name}Options`);
  // What arrives has passed the schema.
  return {
    name,
    summary,
    schema: schema as unknown as z.ZodType<SaveOptions>,
    start: start as DatasetKindRoute["start"],
  };
}

/** The datasets that can be asked for, by the last part of their path. */
export const datasetKinds: Readonly<Record<string, DatasetKindRoute>> = {
  sft: kind(
    "Sft",
    "Good answers, for supervised fine-tuning",
    {
      min_quality: optional(share).meta({ description: "an answer scores at least this, 0.8 unless told" }),
      max_samples: atMost("answers, the newest"),
      mode: optional(z.enum(["messages", "prompt-completion"])).meta({ description: "how a row is laid out" }),
      per_turn: optional(z.boolean()).meta({ description: "a row for each turn of the assistant" }),
      max_similar_answers,
    },
    (store, given) =>
      buildSftDataset(store, {
        ...commonOptions(given),
        minQuality: given.min_quality,
        maxSamples: given.max_samples,
        mode: given.mode,
        perTurn: given.per_turn,
        maxSimilarAnswers: given.max_similar_answers,
      }),
  ),
  dpo: kind("Dpo", "A better and a worse answer to one prompt, for preference training", pairs, (store, given) =>
    buildDpoDataset(store, pairOptions(given)),
  ),
  grpo: kind(
    "Grpo",
    "Groups of scored answers to one prompt, for policy optimisation",
    {
      group_size: optional(z.number().int().min(2).max(1024)).meta({
        description: "answers in every group, 4 unless told",
      }),
      max_groups: atMost("groups"),
    },
    (store, given) =>
      buildGrpoDataset(store, { ...commonOptions(given), groupSize: given.group_size, maxGroups: given.max_groups }),
  ),
  "grpo-online": kind(
    "OnlineGrpo",
    "Prompts with the right answer where it is known, for a trainer that makes the answers itself",
    {
      max_prompts: atMost("prompts, those asked last"),
      require_reference: optional(z.boolean()).meta({ description: "only prompts whose right answer is known" }),
    },
    (store, given) =>
      buildOnlineGrpoDataset(store, {
        ...commonOptions(given),
        maxPrompts: given.max_prompts,
        requireReference: given.require_reference,
      }),
  ),
  kto: kind(
    "Kto",
    "Single answers, wanted or unwanted, for KTO",
    {
      min_quality: optional(share).meta({ description: "wanted from this score on, 0.8 unless told" }),
      max_quality: optional(share).meta({ description: "unwanted up to this score, 0.5 unless told" }),
      max_samples: atMost("answers, the newest"),
      max_similar_answers,
    },
    (store, given) =>
      buildKtoDataset(store, {
        ...commonOptions(given),
        minQuality: given.min_quality,
        maxQuality: given.max_quality,
        maxSamples: given.max_samples,
        maxSimilarAnswers: given.max_similar_answers,
      }),
  ),
  reward: kind("Reward", "Pairs with the margin between their scores, for reward models", pairs, (store, given) =>
    buildRewardDataset(store, pairOptions(given)),
  ),
};

/** The part of a request that is the same for every kind. */
export interface SaveOptions {
  readonly save_to_file?: string | undefined;
  readonly overwrite?: boolean | undefined;
  readonly test_share?: number | undefined;
}
