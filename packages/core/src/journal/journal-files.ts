import { randomBytes } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { dayStart } from "../day.js";
import { StoreError } from "../errors.js";
import { diskError } from "./disk-error.js";

const META = "whetstone.json";
const FORMAT = 1;

const metaSchema = /* @__PURE__ */ (() =>
  z.object({ format: z.literal(FORMAT), salt: z.string().check(z.minLength(32)) }))();

/** What a journal folder says of itself. */
export type JournalMeta = z.infer<typeof metaSchema>;

/**
 * Opens the journal in `folder`, and makes one there when `create` is set and the folder is absent or empty.
 * Null: there is none yet.
 * @throws StoreError STORE_NOT_A_STORE for a folder with something else in it, STORE_READ_ONLY without permission
 */
export function openJournalFolder(
  folder: string,
  { create, salt = randomBytes(32).toString("hex") }: { readonly create: boolean; readonly salt?: string | undefined },
): JournalMeta | null {
  const entries = entriesOf(folder);
  if (entries?.includes(META)) return readMeta(folder);
  // A name with a dot in front is a meta file on its way; whoever is first to link it wins. The spool is a neighbour,
  // and so are the training runs that the command line keeps.
  if (entries?.some((name) => !name.startsWith(`.${META}`) && name !== "spool" && name !== "runs")) {
    throw new StoreError(
      "STORE_NOT_A_STORE",
      `${folder} holds other files and no ${META}: name an empty or a new folder for the store`,
    );
  }
  if (!create) return null;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const draft = join(folder, `.${META}.${randomBytes(6).toString("hex")}`);
    const fd = openSync(draft, "wx", 0o600);
    try {
      writeSync(fd, `${JSON.stringify({ format: FORMAT, salt })}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    try {
      linkSync(draft, join(folder, META));
    } catch (error) {
      // Another process made the store in the meantime: its salt is the one.
      if (!existsSync(join(folder, META))) throw error;
    } finally {
      unlinkSync(draft);
    }
  } catch (cause) {
    throw diskError(cause, folder);
  }
  return readMeta(folder);
}

/** The day folders, oldest first. */
export function listDays(folder: string): string[] {
  const days = (entriesOf(folder) ?? []).filter((name) => !Number.isNaN(dayStart(name))).sort();
  // A file of that name is not ours, and none of our business.
  return days.filter((day) => statSync(join(folder, day), { throwIfNoEntry: false })?.isDirectory());
}

/** A file of a day, as it was when somebody looked. */
export interface JournalFile {
  readonly name: string;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
}

/** The segments of a day, in the order of their names. */
export function listSegments(folder: string, day: string): JournalFile[] {
  return listFiles(join(folder, day), SEGMENT);
}

/** The annotation files of a day. */
export function listAnnotationFiles(folder: string, day: string): JournalFile[] {
  return listFiles(join(folder, day), ANNOTATIONS);
}

/** The name of a writer's nth segment of a day. */
export function segmentName(writer: string, number: number): string {
  return `${writer}-${String(number).padStart(4, "0")}.ndjson`;
}

export function annotationFileName(writer: string): string {
  return `annotations-${writer}.ndjson`;
}

/** Where the column index of a segment lies. */
export function indexPath(segmentPath: string): string {
  return segmentPath.replace(/\.ndjson$/, ".idx");
}

/** The bytes of a file from `from` to `to`; fewer when it is shorter or gone by now. @throws StoreError */
export function readRange(path: string, from: number, to: number): Buffer {
  const range = Buffer.allocUnsafe(Math.max(0, to - from));
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    return range.subarray(0, readSync(fd, range, 0, range.length, from));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw diskError(cause, path, "read");
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** A writer's name: random, for a process id says nothing in containers. */
export function newWriterName(): string {
  return `w${randomBytes(6).toString("hex")}`;
}

/**
 * Removes a day, out of sight in one step: a cleanup that is killed leaves nothing that looks like a day. False when
 * another process was quicker. @throws StoreError
 */
export function removeDay(folder: string, day: string): boolean {
  const gone = join(folder, `${REMOVED}${day}-${randomBytes(6).toString("hex")}`);
  try {
    renameSync(join(folder, day), gone);
    rmSync(gone, { recursive: true, force: true });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw diskError(cause, join(folder, day));
  }
}

/** Removes what a cleanup that was killed has left. */
export function removeLeftovers(folder: string): void {
  for (const name of entriesOf(folder) ?? []) {
    if (name.startsWith(REMOVED)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

const REMOVED = ".removed-";

/** Whether this process may write into the folder. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const SEGMENT = /^w[0-9a-f]{12}-\d{4,}\.ndjson$/;
const ANNOTATIONS = /^annotations-w[0-9a-f]{12}\.ndjson$/;

function listFiles(path: string, form: RegExp): JournalFile[] {
  const files: JournalFile[] = [];
  for (const name of (entriesOf(path) ?? []).filter((entry) => form.test(entry)).sort()) {
    const stat = statSync(join(path, name), { throwIfNoEntry: false }); // gone when a cleanup was quicker
    if (stat?.isFile()) files.push({ name, bytes: stat.size, modifiedAt: stat.mtimeMs });
  }
  return files;
}

function entriesOf(folder: string): string[] | null {
  try {
    return readdirSync(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    if (code === "ENOTDIR") {
      throw new StoreError("STORE_NOT_A_STORE", `${folder} is a file: name a folder for the store`, { cause });
    }
    throw diskError(cause, folder, "read");
  }
}

function readMeta(folder: string): JournalMeta {
  const path = join(folder, META);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw diskError(cause, path, "read");
  }
  try {
    return metaSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new StoreError(
      "STORE_NOT_A_STORE",
      `${path} is not the description of a store of format ${FORMAT}: restore it, or name another folder`,
      { cause },
    );
  }
}
