import { constants, existsSync } from "node:fs";
import { lstat, mkdir, open, realpath } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { RequestProblem } from "./problem.js";

/** The one folder that requests may write into. */
export interface DataFolder {
  /**
   * Opens the folder that a checked path lies in, makes it when it is missing, and hands `write` a path that stays in
   * it whatever is renamed or linked meanwhile.
   */
  write<T>(path: SavePath, write: (absolutePath: string) => Promise<T>): Promise<T>;
}

/** A relative path whose every part is a plain name. */
export interface SavePath {
  /** With forward slashes, as requests give it and answers show it. */
  readonly text: string;
  readonly folders: readonly string[];
  readonly name: string;
}

/**
 * Checks what a request wants to write where: relative, at most eight plain names, and one of the endings.
 * @throws RequestProblem SAVE_PATH_INVALID
 */
export function savePath(text: string, endings: RegExp, example: string): SavePath {
  const parts = text.split("/");
  const name = parts.at(-1) ?? "";
  if (!PATH.test(text) || Buffer.byteLength(text) > 512 || !parts.every(isPlainName) || !endings.test(name)) {
    throw new RequestProblem({
      status: 400,
      code: "SAVE_PATH_INVALID",
      detail: `save_to_file takes a relative path of letters, digits, dots, dashes, blanks and underscores, such as ${example}.`,
    });
  }
  return { text, folders: parts.slice(0, -1), name };
}

const PATH = /^[A-Za-z0-9][\w. -]{0,120}(?:\/[A-Za-z0-9][\w. -]{0,120}){0,7}$/;

/** Windows drops dots and blanks at the end of a name, and takes some names for devices, whatever stands behind a dot. */
function isPlainName(name: string): boolean {
  return !/[. ]$/.test(name) && !/^(?:con|prn|aux|nul|conin\$|conout\$|com\d|lpt\d)(?:\.|$)/i.test(name);
}

/** The folder for a root that the operator chose. */
export function dataFolder(root: string): DataFolder {
  const wanted = resolve(root);
  return {
    async write({ folders, name }, write) {
      await mkdir(wanted, { recursive: true, mode: 0o700 });
      const opened = await (HAS_PROC ? openedFolder : walkedFolder)(await realpath(wanted), folders);
      try {
        const result = await write(join(opened.path, name));
        await opened.check();
        return result;
      } finally {
        await opened.close();
      }
    },
  };
}

interface OpenedFolder {
  readonly path: string;
  check(): Promise<void>;
  close(): Promise<void>;
}

// Node has no openat. On Linux a path through an open folder's descriptor is as good: it means that folder, not its name.
const HAS_PROC = existsSync("/proc/self/fd");

async function openedFolder(root: string, folders: readonly string[]): Promise<OpenedFolder> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  let handle = await open(root, O_RDONLY | O_DIRECTORY);
  for (const name of folders) {
    const path = `/proc/self/fd/${handle.fd}/${name}`;
    try {
      await mkdir(path).catch(unlessThere);
      const next = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      await handle.close();
      handle = next;
    } catch (error) {
      await handle.close();
      // ENOENT: it was there a moment ago.
      throw isCode(error, "ELOOP", "ENOTDIR", "ENOENT") ? notAFolder() : error;
    }
  }
  return { path: `/proc/self/fd/${handle.fd}`, check: async () => {}, close: () => handle.close() };
}

/** Elsewhere each part is looked at, and the whole again after the write, which names what a swap did. */
async function walkedFolder(root: string, folders: readonly string[]): Promise<OpenedFolder> {
  let path = root;
  for (const name of folders) {
    path = join(path, name);
    await mkdir(path).catch(unlessThere);
    if (!(await lstat(path)).isDirectory()) throw notAFolder();
  }
  const check = async () => {
    if (!`${await realpath(path)}${sep}`.startsWith(`${root}${sep}`)) throw notAFolder();
  };
  await check();
  return { path, check, close: async () => {} };
}

function unlessThere(error: unknown): void {
  if (!isCode(error, "EEXIST")) throw error;
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? "");
}

/**
 * Looks at what has the name already: nothing or, with `overwrite`, a plain file. For `isFolder` an empty folder or an
 * earlier dataset may be there too; which of them it is, the writer finds out.
 * @throws RequestProblem SAVE_EXISTS
 */
export async function checkReplaceable(path: string, { overwrite = false, isFolder = false } = {}): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (!found) return;
  if (isFolder ? found.isDirectory() : overwrite && found.isFile()) return;
  throw saveExists();
}

/** What stands there is in the way. */
export function saveExists(): RequestProblem {
  const detail =
    "Something of that name is there already: name another path, or send overwrite: true to replace what was saved before.";
  return new RequestProblem({ status: 409, code: "SAVE_EXISTS", detail });
}

function notAFolder(): RequestProblem {
  const detail = "A part of the path in save_to_file is no folder of the data folder's own: links are not followed.";
  return new RequestProblem({ status: 409, code: "SAVE_PATH_LINKED", detail });
}
