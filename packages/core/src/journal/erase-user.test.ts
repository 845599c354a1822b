import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { InteractionStore } from "../store.js";
import { fileStore } from "../stores/file-store.js";
import { interaction } from "../testing/index.js";

const T0 = Date.UTC(2026, 2, 1);
const SECRET = "my-mother-is-ill";

describe("erasing a user from a folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "whetstone-erase-"));
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  /** Records of two users in turn, `ada`'s with a text that nobody may find afterwards. */
  const alternating = (count: number, from = 0) =>
    Array.from({ length: count }, (_, i) => {
      const isAda = (from + i) % 2 === 0;
      const query = `${isAda ? SECRET : "hello"} ${from + i}`;
      return interaction({ query, userId: isAda ? "ada" : "bob", timestamp: T0 + from + i });
    });

  it("leaves no byte of their texts, nor of what was said of them, in any file", async () => {
    const store = fileStore(folder);
    const records = alternating(40);
    await store.append(records);
    await store.annotate(
      records.map(({ interactionId }, i) => ({
        interactionId,
        kind: "feedback",
        source: "human:nurse",
        at: T0,
        feedback: { type: "comment", value: i % 2 === 0 ? `about ${SECRET}` : "fine" },
      })),
    );
    const pseudonym = (await store.get(records[0]?.interactionId ?? ""))?.userId ?? "";
    expect(bytesOf(folder).includes(SECRET)).toBe(true);
    expect((await store.eraseUser("ada")).interactionIds).toHaveLength(20);
    await store.close();
    const left = bytesOf(folder);
    for (const text of [SECRET, pseudonym, records[0]?.interactionId ?? ""]) expect(left.includes(text)).toBe(false);
    expect(left.match(/hello \d+/g)).toHaveLength(20);
    expect(left.match(/"fine"/g)).toHaveLength(20);
    const again = fileStore(folder);
    expect(await queries(again)).toEqual(records.filter((_, i) => i % 2 === 1).map(({ query }) => query));
    await again.close();
  });

  it("takes nothing from a writer that has the same files open, and a reader elsewhere counts right at once", async () => {
    const writer = fileStore(folder);
    const eraser = fileStore(folder);
    const reader = fileStore(folder);
    await writer.append(alternating(10));
    expect((await reader.stats()).totalInteractions).toBe(10);
    await eraser.eraseUser("ada");
    expect((await reader.stats()).totalInteractions).toBe(5);
    // The rows of these wait in the writer's memory while the index is replaced.
    await writer.append(alternating(10, 10));
    expect((await eraser.eraseUser("ada")).interactionIds).toHaveLength(5);
    await writer.append(alternating(10, 20));
    expect((await reader.stats()).totalInteractions).toBe(20);
    await writer.close();
    for (const store of [eraser, reader, fileStore(folder)]) {
      const found = await queries(store);
      expect(found.filter((query) => query.startsWith("hello"))).toHaveLength(15);
      expect(found).toHaveLength(20);
      await store.close();
    }
  });

  it("finds the rest by running again where an erasure was killed on the way", async () => {
    const store = fileStore(folder);
    await store.append(alternating(6));
    await store.close();
    const path = segmentIn(folder);
    const text = readFileSync(path, "utf8");
    // Half of the first line is overwritten, and the index knows nothing of it.
    const half = Math.floor(text.indexOf("\n") / 4);
    writeFileSync(path, " ".repeat(half) + text.slice(half));
    const again = fileStore(folder);
    await again.eraseUser("ada");
    expect(bytesOf(folder).includes(SECRET)).toBe(false);
    expect(await queries(again)).toHaveLength(3);
    expect((await again.stats()).totalInteractions).toBe(3);
    await again.close();
  });

  it("needs no index: without one, and for lines erased before, all is computed from the lines", async () => {
    const store = fileStore(folder);
    await store.append(alternating(8));
    await store.eraseUser("ada");
    await store.append(alternating(2, 8));
    await store.close();
    const day = join(folder, "2026-03-01");
    for (const name of readdirSync(day).filter((entry) => entry.endsWith(".idx"))) await rm(join(day, name));
    const bare = fileStore(folder);
    expect((await bare.stats()).totalInteractions).toBe(6);
    expect((await bare.eraseUser("ada")).interactionIds).toHaveLength(1);
    expect(await queries(bare)).toHaveLength(5);
    let damaged = 0;
    for await (const batch of bare.scanIndex()) damaged += batch.damaged ?? 0;
    expect(damaged).toBe(0);
    await bare.close();
  });

  it("loses no record of others while another process writes", async () => {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", fileURLToPath(new URL("erase-writer.fixture.ts", import.meta.url)), folder],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += String(chunk);
    });
    const ended = once(child, "exit");
    while (!out.includes("writing") && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
    const eraser = fileStore(folder);
    let erased = 0;
    let rounds = 0;
    for (; child.exitCode === null; rounds++) {
      erased += (await eraser.eraseUser("ada")).interactionIds.length;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await ended;
    erased += (await eraser.eraseUser("ada")).interactionIds.length;
    await eraser.close();
    const written = Number(/written (\d+)/.exec(out)?.[1]);
    const store = fileStore(folder);
    const found = await queries(store);
    const { totalInteractions } = await store.stats();
    await store.close();
    console.log(`${rounds} erasures: sent ${written}, erased ${erased}, stored ${found.length}`);
    expect(rounds).toBeGreaterThan(2);
    expect([erased, found.length, totalInteractions]).toEqual([written / 2, written / 2, written / 2]);
    expect(new Set(found).size).toBe(written / 2);
    expect(found.every((query) => query.startsWith("hello"))).toBe(true);
    expect(bytesOf(folder).includes(SECRET)).toBe(false);
  });
});

async function queries(store: InteractionStore): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of store.query()) found.push(...batch.map(({ query }) => query));
  return found;
}

function bytesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

function segmentIn(folder: string): string {
  const day = join(folder, "2026-03-01");
  return join(day, readdirSync(day).find((name) => /^w.*\.ndjson$/.test(name)) ?? "");
}
