import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { CliError } from "./cli-error.js";
import type { CliIo } from "./cli-io.js";

/** The path of a dataset that is there. @throws CliError INPUT_UNREADABLE when it is not */
export function datasetPath({ cwd }: CliIo, given: string): string {
  const path = resolve(cwd, given);
  if (existsSync(path)) return path;
  throw new CliError("INPUT_UNREADABLE", `there is no dataset at ${path}: name another path`);
}
