import { closeSync, openSync, renameSync, statSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { StoreError } from "../errors.js";
import { diskError } from "../journal/disk-error.js";
import { readRange } from "../journal/journal-files.js";
import { type OutFile, writeWhole } from "../journal/out-file.js";
import { claimFolders, leaveFolder, listSpoolSegments, makeOwnFolder, renewLease } from "./spool-folder.js";

/** A segment is left for the next one at this size, or at this age. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
const SEGMENT_AGE_MS = 15_000;
/** How long, and up to how many bytes, stored records are kept: a server that restarts empty gets them again. */
export const RETAIN_MS = 30_000;
const RETAIN_BYTES = 64 * 1024 * 1024;
const RENEW_MS = 10_000;
/** After a pause as long as this somebody may have thought that this process is dead. */
const OVERDUE_MS = 30_000;
const READ_BYTES = 160 * 1024;
const BUFFER_BYTES = 256 * 1024;
const LINE_FEED = 10;

/** A file of the spool. It goes when all of its lines are settled, and nobody may need them again. */
export interface Segment extends OutFile {
  /** Lines that were written, or, of another process's segment, read so far. */
  lines: number;
  /** Lines that are stored or dropped. */
  settled: number;
  settledAt: number;
  /** Nothing will be appended, and of another process's segment nothing is left to read. */
  ended: boolean;
  /** Parcels on their way that were read from it: it must stay until they have arrived. */
  readers: number;
  damaged: boolean;
  readonly bornAt: number;
}

/** A place between two lines of a segment. */
export interface SpoolPlace {
  readonly segment: Segment;
  readonly offset: number;
}

/** Lines that were written, and where. */
export interface SpooledLines extends SpoolPlace {
  /** UTF-8, without the line feeds. */
  readonly lines: readonly Buffer[];
}

/** The append-only files in front of a store that may be away. One process writes them, the files are all the state. */
export interface Spool {
  readonly folder: string;
  readonly bytes: number;
  /** This process's own segments, oldest first. */
  readonly segments: readonly Segment[];
  /** Writes lines at once, and says where they begin. @throws StoreError */
  append(lines: readonly string[]): SpooledLines;
  /** The own segment that follows; undefined when there is none. */
  after(segment: Segment): Segment | undefined;
  /** Takes over what dead processes have left. */
  claim(): Segment[];
  /**
   * Renews the lease and removes what nobody needs, every second or so. Gives the places where somebody has gone on
   * writing who was only thought dead.
   */
  tidy(): SpoolPlace[];
  /** All segments whose lines were stored, in whole or in front, oldest first. */
  stored(): Segment[];
  /** Removes what is settled and leaves the rest for another process. */
  leave(): void;
}

export function openSpool(folder: string, { maxBytes }: { readonly maxBytes: number }): Spool {
  const segments: Segment[] = [];
  const foreign = new Set<Segment>();
  const claimedFolders = new Set<string>();
  let own: string | null = null;
  let number = 0;
  let current: Segment | null = null;
  let bytes = 0;
  let renewedAt = -Infinity;
  let buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);

  function append(lines: readonly string[]): SpooledLines {
    const length = encode(lines);
    if (bytes + length > maxBytes) {
      removeSettled(Infinity);
      if (bytes + length > maxBytes) throw full();
    }
    if (current && performance.now() - renewedAt > OVERDUE_MS) tidy();
    const segment = openCurrent();
    const offset = segment.bytes;
    let written: Buffer;
    try {
      writeWhole(segment, buffer, length);
      written = Buffer.from(buffer.subarray(0, length));
    } catch (cause) {
      if (segment.torn) end(segment);
      throw cause;
    } finally {
      if (buffer.length > 16 * BUFFER_BYTES) buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    }
    bytes += length;
    segment.lines += lines.length;
    return { segment, offset, lines: linesOf(written, lines.length).lines };
  }

  function encode(lines: readonly string[]): number {
    let used = 0;
    for (const line of lines) {
      // UTF-8 takes at most three bytes for a UTF-16 unit.
      const most = line.length * 3 + 1;
      if (buffer.length - used < most) {
        const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + most));
        buffer.copy(larger, 0, 0, used);
        buffer = larger;
      }
      used += buffer.write(line, used);
      buffer[used++] = LINE_FEED;
    }
    return used;
  }

  function full(): StoreError {
    return new StoreError(
      "STORE_FULL",
      `the spool in ${folder} holds ${bytes} bytes of at most ${maxBytes}: bring the store back, or raise maxSpoolBytes`,
    );
  }

  function openCurrent(): Segment {
    if (current && (current.bytes >= SEGMENT_BYTES || performance.now() - current.bornAt > SEGMENT_AGE_MS))
      end(current);
    if (current) return current;
    if (own === null) {
      own = makeOwnFolder(folder);
      renewedAt = performance.now();
    }
    const path = join(own, `${String(++number).padStart(6, "0")}.ndjson`);
    let fd: number;
    try {
      fd = openSync(path, "ax", 0o600);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") own = null; // the next try makes a new one
      throw diskError(cause, path);
    }
    current = { path, fd, ...fresh() };
    segments.push(current);
    return current;
  }

  function end(segment: Segment): void {
    segment.ended = true;
    if (segment === current) current = null;
    if (segment.fd < 0) return;
    try {
      closeSync(segment.fd);
    } catch {
      // Closed is all that was wanted.
    }
    segment.fd = -1;
  }

  function claim(): Segment[] {
    const found: Segment[] = [];
    for (const claimed of claimFolders(folder)) {
      claimedFolders.add(claimed);
      for (const { path, bytes: size } of listSpoolSegments(claimed)) {
        const segment: Segment = { path, fd: -1, ...fresh(), bytes: size };
        foreign.add(segment);
        found.push(segment);
        bytes += size;
      }
    }
    return found;
  }

  function tidy(): SpoolPlace[] {
    const now = performance.now();
    if (now - renewedAt > RENEW_MS) {
      renewedAt = now;
      for (const claimed of claimedFolders) renewLease(claimed);
      if (own !== null && !renewLease(own)) forgetOwn();
    }
    if (current && current.settled === current.lines && now - current.settledAt > RETAIN_MS) end(current);
    return removeSettled(now - RETAIN_MS);
  }

  /** Somebody thought this process dead, or has removed the folder: what lies there is nobody's business here. */
  function forgetOwn(): void {
    for (const segment of segments) {
      end(segment);
      bytes -= segment.bytes;
    }
    segments.length = 0;
    own = null;
  }

  /** Removes what was stored before a time, and the oldest of what is kept beyond its bounds. */
  function removeSettled(before: number): SpoolPlace[] {
    const grown: SpoolPlace[] = [];
    let retained = 0;
    for (const segment of [...segments, ...foreign].sort((a, b) => b.settledAt - a.settledAt)) {
      if (!segment.ended || segment.settled < segment.lines || segment.readers > 0) continue;
      retained += segment.bytes;
      if (segment.settledAt > before && retained <= RETAIN_BYTES) continue;
      const place = foreign.has(segment) ? grownFrom(segment) : null;
      if (place) grown.push(place);
      else remove(segment);
    }
    for (const claimed of claimedFolders) {
      if ([...foreign].some(({ path }) => path.startsWith(claimed))) continue;
      claimedFolders.delete(claimed);
      leaveFolder(folder, claimed, true);
    }
    return grown;
  }

  function grownFrom(segment: Segment): SpoolPlace | null {
    const size = statSync(segment.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size <= segment.bytes) return null;
    const offset = segment.bytes;
    bytes += size - offset;
    segment.bytes = size;
    segment.ended = false;
    return { segment, offset };
  }

  function remove(segment: Segment): void {
    try {
      // What cannot be read may still tell somebody something.
      if (segment.damaged) renameSync(segment.path, join(folder, `damaged-${Date.now()}-${basename(segment.path)}`));
      else unlinkSync(segment.path);
    } catch {
      // Gone is all that was wanted; a file that stays is sent again some day, and stored once.
    }
    bytes -= segment.bytes;
    foreign.delete(segment);
    const place = segments.indexOf(segment);
    if (place >= 0) segments.splice(place, 1);
  }

  return {
    folder,
    get bytes() {
      return bytes;
    },
    segments,
    append,
    after: (segment) => segments[segments.indexOf(segment) + 1],
    claim,
    tidy,
    stored: () => [...foreign, ...segments].filter(({ settled }) => settled > 0),
    leave() {
      for (const segment of segments) end(segment);
      removeSettled(Infinity);
      for (const claimed of claimedFolders) leaveFolder(folder, claimed, false);
      claimedFolders.clear();
      if (own !== null) leaveFolder(folder, own, segments.length === 0);
      own = null;
    },
  };
}

/** Up to `most` whole lines from a place on, and where the next one begins. @throws StoreError */
export function readLines(
  { segment, offset }: SpoolPlace,
  most: number,
): { readonly lines: Buffer[]; readonly next: number } {
  for (let length = READ_BYTES; ; length *= 4) {
    const block = readRange(segment.path, offset, Math.min(segment.bytes, offset + length));
    const { lines, end } = linesOf(block, most);
    if (lines.length > 0 || offset + block.length >= segment.bytes || block.length < length) {
      return { lines, next: offset + end };
    }
  }
}

/** Up to `most` whole lines of a block, and where the last one ends. */
function linesOf(block: Buffer, most: number): { readonly lines: Buffer[]; readonly end: number } {
  const lines: Buffer[] = [];
  let from = 0;
  while (lines.length < most) {
    const end = block.indexOf(LINE_FEED, from);
    if (end < 0) break;
    lines.push(block.subarray(from, end));
    from = end + 1;
  }
  return { lines, end: from };
}

/** True when the file has gone: another process has claimed its folder, or somebody has removed it. */
export function isGone(segment: Segment): boolean {
  return statSync(segment.path, { throwIfNoEntry: false }) === undefined;
}

/** A line that cannot be read is settled, and its file kept when the others are stored. */
export function settleDamaged(segment: Segment): void {
  segment.damaged = true;
  segment.settled += 1;
  segment.settledAt = performance.now();
}

function fresh(): Omit<Segment, "path" | "fd"> {
  return {
    bytes: 0,
    lines: 0,
    settled: 0,
    settledAt: performance.now(),
    ended: false,
    readers: 0,
    damaged: false,
    bornAt: performance.now(),
  };
}
