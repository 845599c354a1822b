import { randomBytes } from "node:crypto";
import { link, rename, rm, writeFile } from "node:fs/promises";
import { CliError, systemReason } from "./cli-error.js";

/**
 * Writes a file whole or not at all: under another name first. A file that is there is replaced only with `overwrite`.
 * @throws CliError when it cannot be written
 */
export async function writeWholeFile(
  path: string,
  text: string,
  { overwrite, signal }: { readonly overwrite: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, text, { flag: "wx", signal });
    // A link fails where a name is taken, a rename takes it.
    if (overwrite) await rename(temporary, path);
    else await link(temporary, path);
  } catch (cause) {
    signal.throwIfAborted();
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere(path);
    throw new CliError("OUTPUT_UNWRITABLE", `cannot write ${path}: ${systemReason(cause)}`, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** What is told of a file that is in the way. */
export function alreadyThere(path: string): CliError {
  return new CliError(
    "OUTPUT_EXISTS",
    `${path} is there already: add --overwrite to replace it, or name another --out`,
  );
}
