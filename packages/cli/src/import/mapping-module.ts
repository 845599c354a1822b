import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import type { RowMapping } from "./row-mapping.js";
import { settled } from "./settled.js";

/** Loads a mapping module: its default export turns one row into one interaction, a list of them, or null for none. */
export async function loadMappingModule(path: string, { cwd, signal }: CliIo): Promise<RowMapping> {
  const fullPath = resolve(cwd, path);
  if (!existsSync(fullPath)) throw new CliError("USAGE", `there is no mapping module ${JSON.stringify(path)}`);
  let loaded: { readonly default?: unknown };
  try {
    loaded = await settled(import(pathToFileURL(fullPath).href), NEVER_LOADS, signal);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError("USAGE", `the mapping module ${JSON.stringify(path)} cannot be loaded: ${reason}`, {
      cause: error,
    });
  }
  if (typeof loaded.default !== "function") {
    throw new CliError("USAGE", `the mapping module ${JSON.stringify(path)} has no default export that is a function`);
  }
  return loaded.default as RowMapping;
}

const NEVER_LOADS = "it awaits something that nothing is left to settle";
