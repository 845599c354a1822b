import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_STORE_URL, defaultStoreUrl, type InteractionStore, openStore } from "@whetstone/core";
import { CliError, systemReason } from "./cli-error.js";
import type { CliIo } from "./cli-io.js";

/** The settings file that `whetstone init` writes and every command reads. */
export const CONFIG_FILE = "whetstone.config.json";

/**
 * Opens the store that is meant: `--store`, then WHETSTONE_URL, then the settings file, then REDIS_URL or REDIS_HOST, then
 * ./.whetstone. A command that only reads (`mustExist`) does not make a store where there is none, for that is most
 * likely a wrong path.
 */
export async function openCliStore(
  io: CliIo,
  url: string | undefined,
  { mustExist = false } = {},
): Promise<InteractionStore> {
  const chosen = absoluteUrl(
    url ?? (io.env.WHETSTONE_URL || undefined) ?? configuredStore(io.cwd) ?? defaultStoreUrl(io.env),
    io.cwd,
  );
  const folder = storeFolder(chosen);
  if (mustExist && folder !== null && !holdsSomething(folder)) {
    throw new CliError(
      "STORE_MISSING",
      `there is no store at ${folder}: record or import interactions first, or name another store with --store`,
    );
  }
  return openStore(chosen);
}

/** False for a folder that is missing or empty, or has only what lies beside a store: a spool and runs of training. */
function holdsSomething(folder: string): boolean {
  if (!existsSync(folder)) return false;
  if (!statSync(folder).isDirectory()) return true; // the store says what is wrong with it
  return readdirSync(folder).some((name) => name !== "spool" && name !== "runs");
}

/** The folder of a `file:` URL, or null for another kind of store. */
export function storeFolder(url: string): string | null {
  return url.startsWith("file:") ? url.slice("file:".length) : null;
}

/** A `file:` URL with its folder made absolute, so that what we print means the same elsewhere. A bare path will do. */
export function absoluteUrl(url: string, cwd: string): string {
  if (/^(file:)?[/\s]*$/i.test(url) && !url.startsWith("/")) {
    throw new CliError(
      "USAGE",
      `the store ${JSON.stringify(url)} names no folder: give one, such as ${DEFAULT_STORE_URL}`,
    );
  }
  if (url.startsWith("file:///")) return `file:${fileURLToPath(url)}`;
  if (url.startsWith("file:")) return `file:${resolve(cwd, url.slice("file:".length))}`;
  return /^[\w+.-]+:/.test(url) ? url : `file:${resolve(cwd, url)}`;
}

function configuredStore(cwd: string): string | undefined {
  const path = resolve(cwd, CONFIG_FILE);
  if (!existsSync(path)) return undefined;
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CliError("INPUT_INVALID", `cannot read ${CONFIG_FILE}: ${systemReason(error)}`, { cause: error });
  }
  const store = typeof config === "object" && config !== null ? (config as { store?: unknown }).store : undefined;
  if (store === undefined || typeof store === "string") return store;
  throw new CliError(
    "INPUT_INVALID",
    `"store" in ${CONFIG_FILE} is not a text: give a store URL such as "${DEFAULT_STORE_URL}"`,
  );
}
