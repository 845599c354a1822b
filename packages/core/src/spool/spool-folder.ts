import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { diskError } from "../journal/disk-error.js";

/** Where spools are when nothing says otherwise. */
export const DEFAULT_SPOOL_DIRECTORY = "./.whetstone/spool";

/** A folder that nobody has touched for as long belongs to nobody, even if a process of that number lives. */
const LEASE_MS = 60_000;
const LEFT = "left";

/** Where the spools of all processes for one store lie: a readable part of the store's URL, and a hash of all of it. */
export function spoolFolder(directory: string, storeUrl: string): string {
  // Strict or not, it is the same place.
  const place = storeUrl.replace(/[?&]strict=true$/, "");
  const hash = createHash("sha256").update(place).digest("hex").slice(0, 12);
  const readable = place.replace(/[^\w.-]+/g, "-").slice(0, 60);
  return join(directory, `${readable}-${hash}`);
}

/** Makes a folder of this process's own inside `folder`. @throws StoreError */
export function makeOwnFolder(folder: string): string {
  const own = join(folder, ownName());
  try {
    mkdirSync(own, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw diskError(cause, own);
  }
  return own;
}

/** Says that the folder's process lives. False when the folder is gone: claimed by another process, or removed. */
export function renewLease(own: string): boolean {
  const now = new Date();
  try {
    utimesSync(own, now, now);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

/** Leaves a folder to whoever comes next, or removes it when there is nothing in it. */
export function leaveFolder(folder: string, own: string, empty: boolean): void {
  try {
    if (empty) rmSync(own, { recursive: true, force: true });
    else renameSync(own, join(folder, `${LEFT}.${randomBytes(6).toString("hex")}`));
  } catch {
    // It is claimed all the same, a little later: by its lease, or by the number of a process that is no more.
  }
}

/**
 * Takes over the folders of processes that live no more, each by one rename, so that one claims it and the others fail.
 * A process that was wrongly thought dead notices it, and goes on in a new folder; records may then travel twice, and a
 * store keeps one.
 */
export function claimFolders(folder: string): string[] {
  const claimed: string[] = [];
  for (const name of entriesOf(folder)) {
    if (!isAbandoned(folder, name)) continue;
    const own = join(folder, ownName());
    try {
      renameSync(join(folder, name), own);
    } catch {
      continue; // another process was quicker
    }
    renewLease(own);
    claimed.push(own);
  }
  return claimed;
}

/** The segments of a folder with their sizes, in the order they were written. */
export function listSpoolSegments(own: string): { readonly path: string; readonly bytes: number }[] {
  const segments: { path: string; bytes: number }[] = [];
  for (const name of entriesOf(own).filter((entry) => /^\d{6}\.ndjson$/.test(entry))) {
    const path = join(own, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isFile()) segments.push({ path, bytes: stat.size });
  }
  return segments.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What lies in the spools of one store, of all processes together. */
export interface SpoolBacklog {
  readonly segments: number;
  readonly bytes: number;
}

/** What waits on this machine's disk for the store with this URL, or was stored within the last half minute. */
export function spoolBacklog(storeUrl: string, directory: string = DEFAULT_SPOOL_DIRECTORY): SpoolBacklog {
  const folder = spoolFolder(directory, storeUrl);
  const segments = entriesOf(folder).flatMap((name) => listSpoolSegments(join(folder, name)));
  return { segments: segments.length, bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0) };
}

const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** A random part, so that a number that is given again means nothing; machine and process, so that death is seen at once. */
function ownName(): string {
  return `w${randomBytes(6).toString("hex")}.${host}.${process.pid}`;
}

function isAbandoned(folder: string, name: string): boolean {
  if (name.startsWith(`${LEFT}.`)) return true;
  const owner = /^w[0-9a-f]{12}\.([0-9a-f]{8})\.(\d+)$/.exec(name);
  if (!owner) return false;
  if (owner[1] === host && !isAlive(Number(owner[2]))) return true;
  const touched = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs;
  return touched !== undefined && Date.now() - touched > LEASE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there yet, or not ours to read: nothing can be claimed
  }
}
