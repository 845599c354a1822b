import { chmodSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    for (let at = 0; at < good.length; at += 11) {
      // A flip that leaves JSON valid changes a text; those that break the line must cost this line alone.
      writeFileSync(segment, flipped(good, at));
      const store = fileStore(folder);
      let count = 0;
      for await (const batch of store.query()) count += batch.length;
      await store.close();
      fewest = Math.min(fewest, count);
    }
    expect(fewest).toBeGreaterThanOrEqual(records.length - 2); // a flipped line feed joins two lines
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
