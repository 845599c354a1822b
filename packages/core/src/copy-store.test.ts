import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { StoredInteraction } from "./annotation.js";
import { type CopyProgress, copyStore } from "./copy-store.js";
import type { InteractionStore } from "./store.js";
import { fileStore } from "./stores/file-store.js";
import { memoryStore } from "./stores/memory-store.js";
import { interaction } from "./testing/interaction.js";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

it("brings records and what was said of them over, and nothing twice", async () => {
  const from = await filled();
  const to = newFileStore();
  const expected = await contents(from);
  expect(await copyStore(from, to)).toEqual({ copied: 1_000, present: 0, annotations: 3 });
  expect(await contents(to)).toEqual(expected);
  expect(await copyStore(from, to)).toEqual({ copied: 0, present: 1_000, annotations: 0 });
  expect(await contents(to)).toEqual(expected);
  await from.annotate([said("record-7", "judge:m", 0.2, 9)]);
  expect(await copyStore(from, to)).toEqual({ copied: 0, present: 1_000, annotations: 1 });
  expect(await contents(to)).toEqual(await contents(from));
});

it("goes on where it was interrupted", async () => {
  const from = await filled();
  const to = newFileStore();
  const stop = new AbortController();
  const seen: CopyProgress[] = [];
  const onBatch = (progress: CopyProgress) => {
    seen.push(progress);
    if (seen.length === 2) stop.abort();
  };
  await expect(copyStore(from, to, { onBatch, signal: stop.signal })).rejects.toThrow(/abort/);
  const { copied, cursor } = seen.at(-1) as CopyProgress;
  expect(copied).toBeGreaterThan(0);
  expect(copied).toBeLessThan(1_000);
  expect(await copyStore(from, to, { cursor })).toMatchObject({ copied: 1_000 - copied, present: 0 });
  expect(await contents(to)).toEqual(await contents(from));
});

it("keeps what the other store already holds", async () => {
  const [from, to] = [memoryStore(), memoryStore()];
  await from.append([interaction({ interactionId: "same", answer: "theirs" })]);
  await to.append([interaction({ interactionId: "same", answer: "ours" })]);
  await to.annotate([said("same", "human:a", 1, 5)]);
  await from.annotate([said("same", "human:a", 0, 4)]);
  expect(await copyStore(from, to)).toEqual({ copied: 0, present: 1, annotations: 0 });
  expect(await to.get("same")).toMatchObject({ answer: "ours", annotations: [{ scores: { overall: 1 } }] });
});

async function filled(): Promise<InteractionStore> {
  const store = memoryStore();
  const records = Array.from({ length: 1_000 }, (_, i) =>
    // Many share a time, so that a cursor has to tell them apart by more than that.
    interaction({ interactionId: `record-${i}`, timestamp: 1_767_225_600_000 + Math.floor(i / 300) * 86_400_000 }),
  );
  await store.append(records);
  await store.annotate([
    said("record-7", "judge:m", 0.5, 1),
    said("record-7", "human:a", 1, 2),
    said("record-999", "judge:m", 0, 3),
  ]);
  return store;
}

const said = (interactionId: string, source: string, overall: number, at: number) =>
  ({ interactionId, kind: "score", source, scores: { overall }, at }) as const;

function newFileStore(): InteractionStore {
  const folder = mkdtempSync(join(tmpdir(), "whetstone-copy-"));
  folders.push(folder);
  return fileStore(folder);
}

async function contents(store: InteractionStore): Promise<StoredInteraction[]> {
  const found: StoredInteraction[] = [];
  for await (const batch of store.query()) found.push(...batch);
  return found
    .map(({ annotations, ...record }) => ({
      ...record,
      ...(annotations && { annotations: annotations.toSorted((a, b) => (a.source < b.source ? -1 : 1)) }),
    }))
    .sort((a, b) => (a.interactionId < b.interactionId ? -1 : 1));
}
