import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Interaction } from "../interaction.js";
import type { InteractionStore } from "../store.js";
import { interaction, testStore } from "../testing/index.js";
import { fileStore } from "./file-store.js";

testStore("fileStore", async () => fileStore(await mkdtemp(join(tmpdir(), "whetstone-store-"))), {
  reopen: async (store) => fileStore(store.url.slice("file:".length)),
  cleanUp: async (store) => rm(store.url.slice("file:".length), { recursive: true, force: true }),
});

describe("a folder as a store", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "whetstone-folder-"));
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  const T0 = Date.UTC(2026, 2, 1);
  const records = Array.from({ length: 12 }, (_, i) =>
    interaction({
      query: `question ${i}`,
      answer: `ä😀${"x".repeat(i * 7)}`,
      timestamp: T0 + i,
      qualityScores: { overall: i / 20 },
    }),
  );

  async function filled(): Promise<{ segment: string; index: string }> {
    const store = fileStore(folder);
    await store.append(records);
    await store.close();
    const names = readdirSync(join(folder, "2026-03-01"));
    const path = (ending: string) => join(folder, "2026-03-01", names.find((name) => name.endsWith(ending)) ?? "");
    return { segment: path(".ndjson"), index: path(".idx") };
  }

  async function contents(): Promise<string[]> {
    const store = fileStore(folder);
    const found: string[] = [];
    for await (const batch of store.query()) {
      for (const record of batch) {
        expect(record).toEqual(records.find(({ interactionId }) => interactionId === record.interactionId));
        found.push(record.query);
      }
    }
    expect((await store.stats()).totalInteractions).toBeGreaterThanOrEqual(found.length);
    await store.close();
    return found;
  }

  it("is plain NDJSON, one record a line", async () => {
    const { segment } = await filled();
    const lines = readFileSync(segment, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(records);
  });

  it("serves whole records only, wherever the last ones were cut off", async () => {
    const { segment, index } = await filled();
    const bytes = readFileSync(segment);
    const lineEnds = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1);
    const from = lineEnds.at(-4) as number;
    for (let length = from; length <= bytes.length; length++) {
      truncateSync(segment, length);
      const whole = lineEnds.filter((end) => end <= length).length;
      expect((await contents()).length).toBe(whole);
      if (length === from) rmSync(index);
      writeFileSync(segment, bytes);
    }
    console.log(`cut at ${bytes.length - from + 1} places in the last 3 records: lost only what was cut, invented 0`);
  });

  it("reads the same without its index, with half of it and with a damaged one", async () => {
    const { index } = await filled();
    const good = readFileSync(index);
    const expected = records.map(({ query }) => query);
    for (const bytes of [
      null,
      Buffer.alloc(0),
      good.subarray(0, 500),
      Buffer.from("nonsense"),
      flipped(good, 400),
      flipped(good, 2),
    ]) {
      if (bytes) writeFileSync(index, bytes);
      else rmSync(index);
      expect(await contents()).toEqual(expected);
    }
  });

  it("loses one record at most for a flipped bit, throws nothing and invents nothing", async () => {
    const { segment, index } = await filled();
    const good = readFileSync(segment);
    rmSync(index);
    let fewest = records.length;
    let most = 0;
    let flips = 0;
    for (let at = 0; at < good.length; at += 11) {
      // A flip that leaves JSON valid changes a text; those that break the line must cost this line alone.
      writeFileSync(segment, flipped(good, at));
      const store = fileStore(folder);
      let count = 0;
      for await (const batch of store.query()) count += batch.length;
      await store.close();
      fewest = Math.min(fewest, count);
      most = Math.max(most, count);
      flips += 1;
    }
    console.log(
      `${flips} flipped bits, one at a time, in ${records.length} records: read ${fewest} to ${most}, invented 0`,
    );
    expect(most).toBe(records.length);
    expect(fewest).toBeGreaterThanOrEqual(records.length - 2); // a flipped line feed joins two lines
  });

  it.each([
    ["a text was shortened", (line: string) => line.replace("xxxxxxx", "x"), 12],
    ["a text was lengthened", (line: string) => line.replace("xxxxxxx", "xxxxxxxxxxxxxxxx"), 12],
    ["a line was deleted", () => null, 11],
    ["a line was broken", (line: string) => line.slice(0, 40), 11],
  ])("reads a segment anew after %s, and counts what it finds", async (_edit, edit, left) => {
    const running = fileStore(folder);
    const { segment } = await filled();
    expect((await running.stats()).totalInteractions).toBe(12);
    const lines = readFileSync(segment, "utf8").split("\n");
    lines.splice(5, 1, ...[edit(lines[5] ?? "")].filter((line) => line !== null));
    writeFileSync(segment, lines.join("\n"));
    for (const store of [running, fileStore(folder)]) {
      let found = 0;
      for await (const batch of store.query()) found += batch.length;
      expect(found).toBe(left);
      expect((await store.stats()).totalInteractions).toBe(left);
      await store.close();
    }
  });

  it("goes on in a folder that was removed under it, with the same pseudonyms", async () => {
    const place = join(folder, "store");
    const store = fileStore(place);
    const before = interaction({ userId: "ada", timestamp: T0 });
    await store.append([before]);
    const { userId } = (await store.get(before.interactionId)) ?? {};
    rmSync(place, { recursive: true });
    await sleep(60); // a removed file is noticed within 50 ms
    const same = interaction({ userId: "ada", timestamp: T0 + 1 });
    const next = interaction({ userId: "ada", timestamp: T0 + 86_400_000 });
    await store.append([same, next]);
    await store.close();
    const reader = fileStore(place);
    expect((await reader.stats()).totalInteractions).toBe(2);
    expect((await reader.get(same.interactionId))?.userId).toBe(userId);
    await reader.close();
  });

  it("loses nothing that is stored for a day which another process has cleaned up", async () => {
    const [writer, cleaner] = [fileStore(folder), fileStore(folder)];
    const days = Array.from({ length: 40 }, (_, day) => interaction({ timestamp: T0 + day * 86_400_000 }));
    await writer.append(days);
    expect(await cleaner.deleteBefore(T0 + 39 * 86_400_000)).toEqual({ removed: 39 });
    await sleep(60);
    const again = days.map((record) => interaction({ timestamp: record.timestamp, query: "again" }));
    await writer.append(again);
    expect(await writer.append([days[0] as Interaction])).toEqual(["stored"]);
    expect((await cleaner.stats()).totalInteractions).toBe(42);
    await writer.annotate([
      {
        interactionId: (again[3] as Interaction).interactionId,
        kind: "score",
        source: "verifier:math",
        at: 1,
        scores: { overall: 1 },
      },
    ]);
    expect((await cleaner.get((again[3] as Interaction).interactionId))?.annotations?.length).toBe(1);
    await Promise.all([writer.close(), cleaner.close()]);
  });

  it("is cleaned up by several at once, each day by one of them, and leaves nothing behind", async () => {
    const stores = Array.from({ length: 4 }, () => fileStore(folder));
    await stores[0]?.append(Array.from({ length: 60 }, (_, day) => interaction({ timestamp: T0 + day * 86_400_000 })));
    mkdirSync(join(folder, ".removed-2026-01-01-killed"));
    const removed = await Promise.all(stores.map((store) => store.deleteBefore(T0 + 50 * 86_400_000)));
    expect(removed.reduce((sum, report) => sum + report.removed, 0)).toBe(50);
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it("reads annotations in pieces, also lines longer than a piece", async () => {
    const store = fileStore(folder);
    const record = interaction({ timestamp: T0 });
    await store.append([record]);
    const facts = ["human:a", "human:b", "human:c"].map((source, at) => ({
      interactionId: record.interactionId,
      kind: "score" as const,
      source,
      at,
      scores: { overall: 1 },
      rationale: "y".repeat(9_000_000),
    }));
    await store.annotate(facts);
    await store.close();
    const reader = fileStore(folder);
    expect((await reader.get(record.interactionId))?.annotations).toEqual(facts);
    await reader.close();
  });

  it("keeps order and ids right while a day grows, whoever writes and in whatever order", async () => {
    const [one, two, reader] = [fileStore(folder), fileStore(folder), fileStore(folder)];
    const all: Interaction[] = [];
    for (let round = 0; round < 30; round++) {
      const late = round % 7 === 3 ? -500 : 0;
      for (const [i, store] of [one, two].entries()) {
        const foreign = round % 5 === 0 ? { interactionId: `mine-${round}-${i}` } : {};
        const record = interaction({
          timestamp: T0 + round * 10 + i + (late < 0 ? -round * 10 : 0),
          query: `${round}`,
          ...foreign,
        });
        await store.append([record]);
        all.push(record);
      }
      const found: Interaction[] = [];
      for await (const batch of reader.query()) found.push(...batch);
      const times = found.map(({ timestamp }) => timestamp);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(new Set(found.map(({ interactionId }) => interactionId))).toEqual(
        new Set(all.map(({ interactionId }) => interactionId)),
      );
      for (const { interactionId } of all) expect((await reader.get(interactionId))?.interactionId).toBe(interactionId);
    }
    await Promise.all([one, two, reader].map((store) => store.close()));
  });

  it("passes over a file that is named like a day and a folder that is named like a segment", async () => {
    const { segment } = await filled();
    writeFileSync(join(folder, "2026-02-01"), "mine");
    mkdirSync(segment.replace("-0001", "-0002"));
    expect((await contents()).length).toBe(12);
  });

  it("refuses a folder with something else in it, and a file, with one clear sentence", async () => {
    writeFileSync(join(folder, "notes.txt"), "mine");
    await expect(fileStore(folder).append(records)).rejects.toThrow(/holds other files and no whetstone.json/);
    await expect(fileStore(join(folder, "notes.txt")).stats()).rejects.toThrow(/is a file: name a folder/);
    expect(readdirSync(folder)).toEqual(["notes.txt"]);
  });

  it("refuses a store of another format", async () => {
    writeFileSync(join(folder, "whetstone.json"), '{"format":99}');
    await expect(fileStore(folder).stats()).rejects.toThrow(/not the description of a store of format 1/);
  });

  it("touches nothing by reading where there is no store yet", async () => {
    const store = fileStore(join(folder, "later"));
    expect((await store.stats()).totalInteractions).toBe(0);
    expect(await store.get("nobody")).toBeNull();
    await store.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("makes one store when many open a new folder at once", async () => {
    const stores = Array.from({ length: 8 }, () => fileStore(folder));
    await Promise.all(stores.map((store) => store.append([interaction({ userId: "ada" })])));
    const users = new Set<string | undefined>();
    for await (const batch of (stores[0] as InteractionStore).query())
      for (const { userId } of batch) users.add(userId);
    expect(users.size).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
  });

  it("shows a foreign id once that two processes stored at the same moment", async () => {
    const [one, two] = [fileStore(folder), fileStore(folder)];
    const record = interaction({ interactionId: "order-1", timestamp: T0 });
    // Each has looked for known ids before the other wrote.
    await one.append([interaction({ interactionId: "warm-up-1", timestamp: T0 })]);
    await two.append([interaction({ interactionId: "warm-up-2", timestamp: T0 })]);
    one.appendSync([record], { newIds: true });
    two.appendSync([record], { newIds: true });
    const reader = fileStore(folder);
    expect((await reader.stats()).totalInteractions).toBe(3);
    await Promise.all([one, two, reader].map((store) => store.close()));
  });

  it("sees what another process wrote since, and its late scores", async () => {
    const [writer, reader] = [fileStore(folder), fileStore(folder)];
    await writer.append(records.slice(0, 3));
    expect((await reader.stats()).totalInteractions).toBe(3);
    await writer.append(records.slice(3));
    const last = records.at(-1) as Interaction;
    await writer.annotate([
      { interactionId: last.interactionId, kind: "score", source: "verifier:math", at: 1, scores: { overall: 1 } },
    ]);
    expect((await reader.stats()).totalInteractions).toBe(12);
    expect((await reader.get(last.interactionId))?.annotations?.length).toBe(1);
    await Promise.all([writer, reader].map((store) => store.close()));
  });

  it.skipIf(process.getuid?.() === 0)("says what permission is missing", async () => {
    chmodSync(folder, 0o500);
    await expect(fileStore(folder).append(records)).rejects.toThrow(/give write permission/);
    chmodSync(folder, 0o700);
  });

  it("keeps what it writes from other users", async () => {
    const { segment } = await filled();
    expect(statSync(segment).mode & 0o077).toBe(0);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 0x10;
  return copy;
}
