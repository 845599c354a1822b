import { lstat, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type AccessToken, createAccessToken, type Scope, scopes } from "@whetstone/server";
import { CliError, systemReason } from "./cli-error.js";
import type { CliIo } from "./cli-io.js";

/** Where the tokens of `whetstone serve` are, from the folder it is started in. */
export const TOKEN_FILE = ".whetstone-server/token";

/**
 * The tokens that a server takes, and where they come from: WHETSTONE_TOKEN, or the file, which is made with a new token
 * that only its owner can read. One a line, and behind it the scopes it has.
 */
export async function readServerTokens(
  { env, cwd }: CliIo,
  file: string,
): Promise<{ readonly tokens: readonly AccessToken[]; readonly from: string }> {
  if (env.WHETSTONE_TOKEN) return { tokens: parsed(env.WHETSTONE_TOKEN, "WHETSTONE_TOKEN"), from: "WHETSTONE_TOKEN" };
  const from = relative(cwd, file) || file;
  try {
    const found = await lstat(file).catch(orNull);
    if (!found) {
      await create(file);
    } else if (!found.isFile()) {
      throw new CliError("INPUT_INVALID", `${from} is no file: name another with --token-file`);
    } else if (process.platform !== "win32" && (found.mode & 0o077) !== 0) {
      throw new CliError("INPUT_INVALID", `other users may read ${from}: chmod 600 it, or remove it for a new token`);
    }
    return { tokens: parsed(await readFile(file, "utf8"), from), from };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("INPUT_UNREADABLE", `cannot use the tokens in ${from}: ${systemReason(error)}`, {
      cause: error,
    });
  }
}

async function create(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // "wx": whoever put something there in the meantime keeps it.
  await writeFile(file, `${createAccessToken()}\n`, { flag: "wx", mode: 0o600 });
  if (file.endsWith(TOKEN_FILE))
    await writeFile(join(dirname(file), ".gitignore"), "*\n", { flag: "wx" }).catch(() => {});
}

/** Never says a word of a token: it might be the right one with a letter too many. */
function parsed(text: string, from: string): readonly AccessToken[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const tokens = lines.map((line): AccessToken => {
    const [token = "", ...rest] = line.trim().split(/[\s,]+/);
    const unknown = rest.find((scope) => !scopes.includes(scope as Scope));
    if (unknown !== undefined) {
      throw new CliError(
        "INPUT_INVALID",
        `a line of ${from} has a scope that is none: choose from ${scopes.join(", ")}`,
      );
    }
    return { token, ...(rest.length > 0 && { scopes: rest as Scope[] }) };
  });
  if (tokens.length > 0) return tokens;
  throw new CliError("INPUT_EMPTY", `there is no token in ${from}: remove it for a new one`);
}

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
