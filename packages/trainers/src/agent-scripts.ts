import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { ConfigError } from "@whetstone/core";
import { quoted } from "./quoted.js";
import {
  type SavedTrainingScript,
  type SaveTrainingScriptOptions,
  saveTrainingScript,
} from "./save-training-script.js";
import type { TrainingKind } from "./training-kind.js";

/** The rows of one agent type: in a dataset of its own, or among those of others. */
export interface AgentDataset {
  readonly agentType: string;
  /** Default: the `datasetPath` of the options. */
  readonly datasetPath?: string | undefined;
}

export interface AgentScriptsOptions extends Omit<SaveTrainingScriptOptions, "agentType"> {
  /** One script for each of these. `agentDatasetsIn(datasetPath)` finds them in a dataset. */
  readonly agents: readonly AgentDataset[];
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
  { agents, path, outputDir, ...options }: AgentScriptsOptions,
): Promise<readonly AgentScript[]> {
  if (agents.length === 0) throw new ConfigError("agents is empty: name those that a script is wanted for");
  const names = new Map<string, AgentDataset>();
  for (const agent of agents) {
    const name = agent.agentType.replace(/[^\w.-]+/g, "-");
    const other = names.get(name)?.agentType;
    if (other !== undefined) {
      throw new ConfigError(
        `the agent types ${quoted(other)} and ${quoted(agent.agentType)} would share one file: ` +
          "give each a script by itself",
      );
    }
    names.set(name, agent);
  }
  const extension = extname(path);
  const base = outputDir ?? options.config?.outputDir ?? options.config?.output_dir ?? `./${kind}-model`;
  const { outputDir: _, output_dir: __, ...config } = options.config ?? {};
  const saved: AgentScript[] = [];
  for (const [name, { agentType, datasetPath = options.datasetPath }] of names) {
    const script = await saveTrainingScript(kind, {
      ...options,
      datasetPath,
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
 * The agent types that the rows of a dataset name in their metadata. The dataset is a file, a folder, or a folder with
 * a dataset folder for each agent type. Relative paths start in `cwd`.
 * @throws ConfigError when the dataset cannot be read
 */
export async function agentDatasetsIn(datasetPath: string, cwd = "."): Promise<readonly AgentDataset[]> {
  try {
    const place = resolve(cwd, datasetPath);
    const whole = statSync(place).isDirectory() ? join(place, "train.jsonl") : place;
    if (existsSync(whole)) return (await agentTypesOf(whole)).map((agentType) => ({ agentType, datasetPath }));
    const found: AgentDataset[] = [];
    for (const folder of readdirSync(place).sort()) {
      const file = join(place, folder, "train.jsonl");
      if (!existsSync(file)) continue;
      for (const agentType of await agentTypesOf(file)) {
        found.push({ agentType, datasetPath: `${datasetPath.replace(/[\\/]+$/, "")}/${folder}` });
      }
    }
    return found;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`the agent types in ${quoted(datasetPath)} cannot be read: ${reason}`, { cause });
  }
}

async function agentTypesOf(file: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === "") continue;
    const row = JSON.parse(line) as { readonly metadata?: { readonly agent_type?: unknown } | null } | null;
    const agentType = row?.metadata?.agent_type;
    if (typeof agentType === "string") found.add(agentType);
  }
  return [...found];
}
