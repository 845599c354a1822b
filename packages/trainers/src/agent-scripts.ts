import { createReadStream, statSync } from "node:fs";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { ConfigError } from "@whetstone/core";
import { quoted } from "./quoted.js";
import {
  type SavedTrainingScript,
  type SaveTrainingScriptOptions,
  saveTrainingScript,
} from "./save-training-script.js";
import type { TrainingKind } from "./training-kind.js";

export interface AgentScriptsOptions extends Omit<SaveTrainingScriptOptions, "agentType"> {
  /** One script for each of these. `agentTypesIn(datasetPath)` reads them from a dataset. */
  readonly agentTypes: readonly string[];
}

export interface AgentScript extends SavedTrainingScript {
  readonly agentType: string;
}

/**
 * Writes one script per agent type: `train-sft.py` becomes `train-sft-math.py`, which trains on the rows of that agent
 * alone and saves to `./sft-model-math`.
 * @throws ConfigError when two agent types would share a file, or like `saveTrainingScript`
 */
export async function saveAgentScripts(
  kind: TrainingKind,
  { agentTypes, path, outputDir, ...options }: AgentScriptsOptions,
): Promise<readonly AgentScript[]> {
  const extension = extname(path);
  const base = outputDir ?? options.config?.outputDir ?? options.config?.output_dir ?? `./${kind}-model`;
  const { outputDir: _, output_dir: __, ...config } = options.config ?? {};
  const names = new Map<string, string>();
  for (const agentType of agentTypes) {
    const name = agentType.replace(/[^\w.-]+/g, "-");
    const other = names.get(name);
    if (other !== undefined) {
      throw new ConfigError(
        `the agent types ${quoted(other)} and ${quoted(agentType)} would share one file: give each a script by itself`,
      );
    }
    names.set(name, agentType);
  }
  if (names.size === 0) throw new ConfigError("agentTypes is empty: name the agents that a script is wanted for");
  const saved: AgentScript[] = [];
  for (const [name, agentType] of names) {
    const script = await saveTrainingScript(kind, {
      ...options,
      config,
      agentType,
      path: `${path.slice(0, path.length - extension.length)}-${name}${extension}`,
      outputDir: `${base.replace(/[\\/]+$/, "")}-${name}`,
    });
    saved.push({ agentType, ...script });
  }
  return saved;
}

/**
 * The agent types that a dataset's rows name in their metadata, in the order they appear.
 * @throws ConfigError when the dataset cannot be read
 */
export async function agentTypesIn(datasetPath: string): Promise<readonly string[]> {
  const found = new Set<string>();
  try {
    const file = statSync(datasetPath).isDirectory() ? join(datasetPath, "train.jsonl") : datasetPath;
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === "") continue;
      const agentType = (JSON.parse(line) as { metadata?: { agent_type?: unknown } | null } | null)?.metadata
        ?.agent_type;
      if (typeof agentType === "string") found.add(agentType);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`the agent types in ${quoted(datasetPath)} cannot be read: ${reason}`, { cause });
  }
  return [...found];
}
