import { join } from "node:path";
import { ConfigError, DatasetError, type InteractionStore } from "@whetstone/core";
import { type SelectOptions, selection } from "./build-options.js";
import type { DatasetBuild } from "./dataset-build.js";
import { checkTarget, datasetTarget } from "./dataset-target.js";
import { type WriteOptions, type WrittenDataset, writeDataset } from "./write-dataset.js";

export interface AgentDatasetsOptions extends WriteOptions, SelectOptions {}

/** What became of each agent type. */
export interface AgentDatasets {
  /** The datasets by agent type. */
  readonly written: Readonly<Record<string, WrittenDataset>>;
  /** Agent types without a row, and why. */
  readonly empty: Readonly<Record<string, string>>;
}

/**
 * Writes one dataset folder per agent type into a folder, each with books of its own. `buildFor` makes the build of one
 * agent type; it is called with the options that select it.
 * @throws DatasetError DATASET_EMPTY when no agent type gives a row; nothing is written where a folder is there already
 */
export async function writeAgentDatasets(
  store: InteractionStore,
  buildFor: (options: SelectOptions) => DatasetBuild<object>,
  path: string,
  { agentTypes, daysBack, now = Date.now(), ...options }: AgentDatasetsOptions = {},
): Promise<AgentDatasets> {
  if (path.endsWith(".jsonl"))
    throw new ConfigError(`"${path}" is a file, and every agent type gets a folder: name a folder`);
  const { agentStats } = await store.stats(selection({ agentTypes, daysBack, now }));
  const folders = foldersOf(Object.keys(agentStats).sort());
  for (const folder of folders.values()) {
    await checkTarget(datasetTarget(join(path, folder), options.overwrite ?? false, options.testShare));
  }
  const written: Record<string, WrittenDataset> = {};
  const empty: Record<string, string> = {};
  for (const [agentType, folder] of folders) {
    try {
      const build = buildFor({ agentTypes: [agentType], daysBack, now });
      written[agentType] = await writeDataset(build, join(path, folder), options);
    } catch (error) {
      if (!DatasetError.isInstance(error) || error.code !== "DATASET_EMPTY") throw error;
      empty[agentType] = error.message;
    }
  }
  if (Object.keys(written).length > 0) return { written, empty };
  const reasons = Object.values(empty).join("; ");
  throw new DatasetError("DATASET_EMPTY", reasons || `nothing to write to ${path}: there is no interaction`);
}

/** Letters of a folder's name: even with four bytes each, and what a temporary name adds, a file system takes them. */
const LONGEST = 50;

/** A folder name for each agent type: its own where that is a plain one, of letters and digits of any script. */
function foldersOf(agentTypes: readonly string[]): ReadonlyMap<string, string> {
  const folders = new Map<string, string>();
  const used = new Set<string>();
  for (const agentType of agentTypes) {
    const plain = [...agentType.replace(/[^\p{L}\p{M}\p{N}_-]+/gu, "_")].slice(0, LONGEST).join("");
    let folder = plain;
    for (let i = 2; used.has(folder.toLowerCase()); i++) folder = `${plain}-${i}`;
    used.add(folder.toLowerCase());
    folders.set(agentType, folder);
  }
  return folders;
}
