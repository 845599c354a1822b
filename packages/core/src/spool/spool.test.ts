import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSpool, readLines, type Segment, type SpoolPlace } from "./spool.js";
import { claimFolders, spoolFolder } from "./spool-folder.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-spool-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const maxBytes = 2 ** 30;

it("gives back the lines that were written, from any place on, however long they are", () => {
  const spool = openSpool(folder, { maxBytes });
  const lines = ["a", "é€😀", "x".repeat(700_000), "last"];
  const first = spool.append(lines.slice(0, 2));
  const second = spool.append(lines.slice(2));
  expect(textsOf(first, 64)).toEqual(lines.slice(0, 2));
  const place = { segment: first.segment, offset: readLines(first, 1).next };
  expect(textsOf(place, 1)).toEqual([lines[1]]);
  expect(textsOf(second, 1)).toEqual([lines[2]]);
  expect(textsOf({ ...second, offset: readLines(second, 1).next }, 64)).toEqual(["last"]);
  expect(second.segment.lines).toBe(4);
  spool.leave();
});

it("keeps what is stored for a while, and removes it at the end", () => {
  const spool = openSpool(folder, { maxBytes });
  const { segment } = spool.append(["a", "b"]);
  segment.settled = 1;
  segment.settledAt = performance.now() - 60_000;
  spool.tidy();
  expect(spool.segments).toEqual([segment]);
  segment.settled = 2;
  segment.settledAt = performance.now();
  spool.tidy();
  expect(spool.stored()).toEqual([segment]);
  segment.settledAt = performance.now() - 60_000;
  spool.tidy();
  expect([spool.segments, spool.bytes]).toEqual([[], 0]);
  spool.leave();
  expect(readdirSync(folder)).toEqual([]);
});

it("refuses what is more than it may hold, unless something stored can give way", () => {
  const spool = openSpool(folder, { maxBytes: 100 });
  const { segment } = spool.append(["x".repeat(80)]);
  expect(() => spool.append(["y".repeat(80)])).toThrow(/holds 81 bytes of at most 100/);
  segment.settled = 1;
  segment.ended = true;
  spool.append(["y".repeat(80)]);
  expect(spool.bytes).toBe(81);
  spool.leave();
});

it("is taken over once, by one of those who try", () => {
  const spool = openSpool(folder, { maxBytes });
  spool.append(["a"]);
  expect(claimFolders(folder)).toEqual([]); // this process lives
  spool.leave();
  expect([claimFolders(folder), claimFolders(folder)].map(({ length }) => length)).toEqual([1, 0]);
});

it("reads what a process that was only thought dead goes on writing, and lets it begin anew", () => {
  const slow = openSpool(folder, { maxBytes });
  slow.append(["a"]);
  age();
  const quick = openSpool(folder, { maxBytes });
  const [claimed] = quick.claim();
  if (!claimed) throw new Error("nothing was claimed");
  expect(textsOf({ segment: claimed, offset: 0 }, 64)).toEqual(["a"]);
  settled(claimed, 1);
  slow.append(["b"]);
  const [place] = quick.tidy();
  expect(place && textsOf(place, 64)).toEqual(["b"]);
  settled(claimed, 2);
  expect(quick.tidy()).toEqual([]);
  expect(quick.bytes).toBe(0);
  slow.leave();
  quick.leave();
  expect(readdirSync(folder)).toEqual([]);
});

it("makes a new folder when its own is gone", () => {
  const spool = openSpool(folder, { maxBytes });
  const { segment } = spool.append(["a"]);
  const [own = ""] = readdirSync(folder);
  renameSync(join(folder, own), join(folder, "elsewhere"));
  segment.bytes = 5 * 2 ** 20; // so that the next one is due
  expect(() => spool.append(["b"])).toThrow(/cannot be written/);
  const { segment: next } = spool.append(["c"]);
  expect(readFileSync(next.path, "utf8")).toBe("c\n");
  spool.leave();
});

it("names the folder of a store after its URL, and never two stores alike", () => {
  const names = ["redis://a:1", "redis://a-1", "redis://a:1?prefix=x"].map((url) => spoolFolder("spool", url));
  expect(new Set(names).size).toBe(3);
  expect(names[0]).toMatch(/^spool.redis-a-1-[0-9a-f]{12}$/);
});

function textsOf(place: SpoolPlace, most: number): string[] {
  return readLines(place, most).lines.map(String);
}

function settled(segment: Segment, lines: number): void {
  segment.lines = lines;
  segment.settled = lines;
  segment.settledAt = performance.now() - 60_000;
  segment.ended = true;
}

/** As if nobody had touched the folders for long. */
function age(): void {
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), 0, 0);
}
