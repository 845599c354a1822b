import { z } from "@hono/zod-openapi";
import type { InteractionStore } from "@whetstone/core";
import { buildDpoDataset, buildGrpoDataset, buildSftDataset, type DatasetBuild } from "@whetstone/datasets";
import { agentType, daysBack, optional, share } from "./schemas.js";

const atMost = (what: string) =>
  optional(z.number().int().min(1).max(1e9)).meta({ description: `at most so many ${what}` });

/** What every build takes. */
const common = {
  agent_types: optional(z.array(agentType).min(1).max(64)).meta({ description: "only these; all unless told" }),
  days_back: optional(daysBack),
  format: optional(z.enum(["conversational", "standard"])).meta({ description: "message lists, or plain strings" }),
  control_tokens: optional(z.enum(["drop", "keep"])).meta({
    description: "texts with control tokens of chat templates",
  }),
  save_to_file: optional(z.string().min(1).max(512)).meta({
    description: "where to save it in the data folder: one .jsonl file, or a folder with a dataset card and a manifest",
  }),
  overwrite: optional(z.boolean()).meta({ description: "replace what an earlier build saved there" }),
  test_share: optional(z.number().gt(0).lt(1)).meta({ description: "folders: the share of prompts for test.jsonl" }),
};

interface Common {
  readonly agent_types?: string[] | undefined;
  readonly days_back?: number | undefined;
  readonly format?: "conversational" | "standard" | undefined;
  readonly control_tokens?: "drop" | "keep" | undefined;
}

const options = ({ agent_types, days_back, format, control_tokens }: Common) => ({
  agentTypes: agent_types,
  daysBack: days_back,
  format,
  controlTokens: control_tokens,
});

/** A kind of dataset: what a request can say, and the build it means. */
function kind<Shape extends z.ZodRawShape>(
  name: string,
  summary: string,
  shape: Shape,
  start: (store: InteractionStore, given: z.output<z.ZodObject<Shape>> & Common) => DatasetBuild<object>,
) {
  const schema = z.strictObject({ ...shape, ...common }).openapi(`${name}Options`);
  return { name, summary, schema, start: start as (store: InteractionStore, given: object) => DatasetBuild<object> };
}

/** The datasets that can be asked for, by the last part of their path. */
export const datasetKinds = {
  sft: kind(
    "Sft",
    "Good answers, for supervised fine-tuning",
    {
      min_quality: optional(share).meta({ description: "an answer scores at least this, 0.8 unless told" }),
      max_samples: atMost("rows, the newest"),
      mode: optional(z.enum(["messages", "prompt-completion"])).meta({ description: "how a row is laid out" }),
    },
    (store, given) =>
      buildSftDataset(store, {
        ...options(given),
        minQuality: given.min_quality,
        maxSamples: given.max_samples,
        mode: given.mode,
      }),
  ),
  dpo: kind(
    "Dpo",
    "A better and a worse answer to one prompt, for preference training",
    {
      min_quality_diff: optional(share).meta({ description: "the better one scores so much more, 0.2 unless told" }),
      max_pairs: atMost("pairs"),
    },
    (store, given) =>
      buildDpoDataset(store, {
        ...options(given),
        minQualityDiff: given.min_quality_diff,
        maxPairs: given.max_pairs,
      }),
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
      buildGrpoDataset(store, { ...options(given), groupSize: given.group_size, maxGroups: given.max_groups }),
  ),
} as const;

/** The part of a request that is the same for every kind. */
export interface SaveOptions {
  readonly save_to_file?: string | undefined;
  readonly overwrite?: boolean | undefined;
  readonly test_share?: number | undefined;
}
