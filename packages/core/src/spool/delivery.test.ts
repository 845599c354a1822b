import { EventEmitter, once } from "node:events";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Annotation } from "../annotation.js";
import { StoreError } from "../errors.js";
import type { Interaction } from "../interaction.js";
import { createInteractionLogger, type LoggerOptions } from "../interaction-logger.js";
import type { InteractionLogger } from "../logger.js";
import { smallDisk } from "../small-disk.fixture.js";
import type { InteractionStore } from "../store.js";
import { memoryStore } from "../stores/memory-store.js";
import { spoolBacklog, spoolFolder } from "./spool-folder.js";

let folder: string;
let store: FaultyStore;
const loggers: InteractionLogger[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-spool-"));
  store = faultyStore();
});
afterEach(async () => {
  store.hang(false);
  for (const logger of loggers.splice(0)) await logger.close({ timeoutMs: 0 });
  rmSync(folder, { recursive: true, force: true });
});

const asked = (n: number, answer = `${n} `.repeat(300)) => ({ query: `Question ${n}`, answer, agentType: "math" });

describe("a logger in front of a remote store", () => {
  it("stores what was logged, and leaves no file when it is closed", async () => {
    const logger = open();
    for (let n = 0; n < 1_000; n++) logger.log(asked(n));
    expectBalanced(logger);
    expect(await logger.flush()).toEqual({ stored: 1_000, pending: 0, dropped: 0 });
    expect((await queries()).sort()).toEqual(questions(0, 1_000).sort());
    expect(Math.max(...store.batches)).toBe(64);
    expect(spoolBacklog(store.url, folder).segments).toBe(1); // kept for a server that forgets
    await logger.close();
    expect(filesBelow(folder)).toEqual([]);
  });

  it("takes a burst of 20,000 calls in one turn, all of it", async () => {
    const logger = open();
    for (let n = 0; n < 20_000; n++) logger.log(asked(n));
    expect(await logger.flush({ timeoutMs: 120_000 })).toEqual({ stored: 20_000, pending: 0, dropped: 0 });
  });

  it("has a record on disk before log returns in sync mode", () => {
    store.failing = away;
    const logger = open({ durability: "sync" });
    const id = logger.log(asked(1));
    expect(logger.stats()).toMatchObject({ queued: 0, spooled: 1 });
    const [file = ""] = filesBelow(folder);
    expect(readFileSync(file, "utf8")).toContain(id);
  });

  it.each(["fails", "hangs"])(
    "keeps everything on disk while the store %s, within its memory, and stores it once",
    async (how) => {
      if (how === "fails") store.failing = away;
      else store.hang(true);
      const maxQueueBytes = 1024 * 1024;
      const logger = open({ maxQueueBytes });
      for (let n = 0; n < 5_000; n++) {
        logger.log(asked(n));
        if (n % 100 === 0) await nextTurn();
        expectBalanced(logger);
        expect(logger.stats().queuedBytes).toBeLessThanOrEqual(maxQueueBytes);
      }
      await until(() => logger.stats().queued === 0);
      expect(logger.stats()).toMatchObject({ stored: 0, spooled: 5_000, dropped: {} });
      store.failing = null;
      store.hang(false);
      const last = logger.log(asked(5_000));
      expect(await logger.flush()).toEqual({ stored: 5_001, pending: 0, dropped: 0 });
      expectBalanced(logger);
      expect(await queries()).toEqual(expect.arrayContaining(questions(0, 5_001)));
      expect(store.statuses.get("duplicate") ?? 0).toBe(0);
      expect(await store.get(last)).not.toBeNull();
      expect(logger.health().status).toBe("ok");
    },
  );

  it("keeps feedback behind its record, also on disk", async () => {
    store.failing = away;
    const logger = open({ maxQueueBytes: 256 * 1024 });
    const ids: string[] = [];
    for (let n = 0; n < 500; n++) {
      ids.push(logger.log(asked(n)));
      logger.feedback(ids[n] ?? "", { type: "boolean", value: true });
      if (n % 50 === 0) await nextTurn();
    }
    await until(() => logger.stats().queued === 0);
    store.failing = null;
    await logger.flush();
    expect(logger.stats().feedback).toEqual({ offered: 500, stored: 500, queued: 0, dropped: 0 });
    for (const id of ids) expect((await store.get(id))?.annotations).toHaveLength(1);
  });

  it("counts a copy of its own as stored when the answer to the first try was lost", async () => {
    const logger = open();
    store.loseAnswers = 3;
    for (let n = 0; n < 300; n++) logger.log(asked(n));
    expect(await logger.flush()).toEqual({ stored: 300, pending: 0, dropped: 0 });
    expect(logger.stats().duplicate).toBe(0);
    expect(await queries()).toHaveLength(300);
  });

  it("goes on in memory where the spool cannot be written, and says so", async () => {
    writeFileSync(join(folder, "file"), "");
    const logger = open({ spoolDirectory: join(folder, "file") });
    for (let n = 0; n < 1_000; n++) logger.log(asked(n));
    expect(await logger.flush()).toEqual({ stored: 1_000, pending: 0, dropped: 0 });
    expect(logger.health().reasons.join()).toMatch(/cannot be written/);
    expectBalanced(logger);
  });

  it("goes through memory while the disk is full, and loses and tears nothing", async ({ skip }) => {
    using disk = smallDisk() ?? skip("this user may not mount a small disk");
    const ballast = join(disk.path, "ballast");
    writeFileSync(ballast, Buffer.alloc(800 * 1024));
    store.failing = away;
    const logger = open({ spoolDirectory: join(disk.path, "spool"), maxQueue: 400 });
    for (let n = 0; n < 2_000; n++) {
      logger.log(asked(n));
      if (n % 16 === 0) await nextTurn();
      expectBalanced(logger);
    }
    const full = logger.stats();
    expect(full.spooled).toBeGreaterThan(50);
    expect(logger.health().reasons.join()).toMatch(/no space left/);
    store.failing = null;
    rmSync(ballast);
    const { stored, pending, dropped } = await logger.flush();
    console.log(`full disk under the spool: offered 2000, stored ${stored}, dropped ${dropped}`);
    expect([pending, stored + dropped]).toEqual([0, 2_000]);
    for await (const batch of store.query()) {
      for (const { query, answer } of batch) expect(answer).toBe(asked(Number(query.slice(9))).answer);
    }
    await logger.close();
  });

  it("fills its queue when the spool is full, counts what is dropped, and goes on when the store is back", async () => {
    store.failing = away;
    const logger = open({ maxSpoolBytes: 200_000, maxQueue: 100 });
    for (let n = 0; n < 1_000; n++) {
      logger.log(asked(n));
      if (n % 10 === 0) await nextTurn();
      expectBalanced(logger);
    }
    const { spooled, queued, dropped } = logger.stats();
    expect(queued).toBe(100);
    expect(spooled).toBeGreaterThan(100);
    expect(logger.health().reasons.join()).toMatch(/maxSpoolBytes/);
    store.failing = null;
    expect(await logger.flush()).toEqual({ stored: spooled + queued, pending: 0, dropped: dropped.queueFull });
    expect(await queries()).toHaveLength(spooled + queued);
  });

  it("stores nothing in the spool in memory mode, and keeps the rest in the queue", async () => {
    store.failing = away;
    const logger = open({ durability: "memory", maxQueue: 500 });
    for (let n = 0; n < 600; n++) {
      logger.log(asked(n));
      expectBalanced(logger);
    }
    await sleep(30);
    expect(logger.stats()).toMatchObject({ queued: 500, spooled: 0, dropped: { queueFull: 100 } });
    expect(filesBelow(folder)).toEqual([]);
    store.failing = null;
    expect(await logger.flush()).toEqual({ stored: 500, pending: 0, dropped: 100 });
  });
});

it("tells once what the store says against itself, and goes on", async () => {
  const told: string[] = [];
  const events: string[] = [];
  store.reasons = ["it may forget"];
  const logger = open({ onError: ({ code, message }) => told.push(`${code}: ${message}`) });
  logger.on("degraded", ({ reason }) => events.push(reason));
  logger.log(asked(1));
  expect((await logger.flush()).stored).toBe(1);
  expect(logger.health()).toEqual({ status: "degraded", reasons: ["it may forget"] });
  expect([told, events]).toEqual([["STORE_DEGRADED: it may forget"], ["it may forget"]]);
});

describe("what another process has left", () => {
  it("is stored by the next one, once, and counted apart", async () => {
    store.failing = away;
    const first = open();
    for (let n = 0; n < 3_000; n++) first.log(asked(n));
    const id = first.log(asked(3_000));
    first.feedback(id, { type: "rating", value: 1 });
    await until(() => first.stats().queued === 0);
    expect(await first.close({ timeoutMs: 50 })).toMatchObject({ stored: 0, pending: 3_002 });
    await sleep(20); // what is on its way fails too
    store.failing = null;
    const second = open();
    for (let n = 3_001; n < 3_101; n++) second.log(asked(n));
    await until(() => second.stats().replayed === 3_001);
    await second.flush();
    expect(second.stats()).toMatchObject({ offered: 100, stored: 100, duplicate: 0 });
    expectBalanced(second);
    expect(await queries()).toHaveLength(3_101);
    await until(async () => (await store.get(id))?.annotations?.length === 1);
    await second.close();
    expect(filesBelow(folder)).toEqual([]);
  });

  it("is left alone while its process lives", async () => {
    store.failing = away;
    const first = open();
    for (let n = 0; n < 100; n++) first.log(asked(n));
    await until(() => first.stats().spooled === 100);
    const second = open();
    await sleep(50);
    store.failing = null;
    await Promise.all([first.flush(), second.flush()]);
    expect([first.stats().stored, second.stats().replayed]).toEqual([100, 0]);
  });

  it("costs nothing when it was taken over from a process that was only thought dead", async () => {
    store.failing = away;
    const first = open({ maxQueueBytes: 100_000 });
    for (let n = 0; n < 500; n++) {
      first.log(asked(n));
      if (n % 10 === 0) await nextTurn();
    }
    await until(() => first.stats().spooled === 500);
    const [own = ""] = readdirSync(spoolFolder(folder, store.url));
    utimesSync(join(spoolFolder(folder, store.url), own), 0, 0);
    const second = open();
    await sleep(50);
    store.failing = null;
    await until(() => second.stats().replayed === 500);
    expect((await first.flush()).pending).toBe(0);
    expectBalanced(first);
    expect(await queries()).toHaveLength(500);
  });

  it("loses only damaged lines, and keeps the file that holds them", async () => {
    store.failing = away;
    const first = open();
    for (let n = 0; n < 200; n++) first.log(asked(n));
    await first.close({ timeoutMs: 50 });
    await sleep(20);
    const [file = ""] = filesBelow(folder);
    const lines = readFileSync(file, "utf8").split("\n");
    lines[7] = lines[7]?.slice(0, 40) ?? "";
    lines[9] = '{"interactionId":7}';
    writeFileSync(file, lines.join("\n"));
    appendFileSync(file, '{"interactionId":"torn');
    store.failing = null;
    const second = open();
    await until(() => second.stats().replayed === 198);
    await second.close();
    expect(await queries()).toHaveLength(198);
    expect(filesBelow(folder).map((path) => /damaged-\d+-/.test(path))).toEqual([true]);
  });

  it("is the business of a store that is opened strict, or not, at the same place", () => {
    expect(spoolFolder(folder, "redis://a?prefix=b&strict=true")).toBe(spoolFolder(folder, "redis://a?prefix=b"));
    expect(spoolFolder(folder, "redis://a?strict=true")).toBe(spoolFolder(folder, "redis://a"));
  });

  it("is no business of a store with another URL", async () => {
    store.failing = away;
    const first = open();
    first.log(asked(1));
    await first.close({ timeoutMs: 50 });
    const other = faultyStore("test://elsewhere");
    const second = open({ store: other });
    second.log(asked(2));
    await second.flush();
    await sleep(20);
    expect(second.stats().replayed).toBe(0);
    expect(spoolBacklog(store.url, folder).segments).toBe(1);
  });
});

describe("a spool whose folder is gone", () => {
  it("costs what was only there, counted, and is made anew", async () => {
    store.failing = away;
    const logger = open({ maxQueueBytes: 100_000 });
    for (let n = 0; n < 1_000; n++) {
      logger.log(asked(n));
      if (n % 10 === 0) await nextTurn();
    }
    await until(() => logger.stats().queued === 0);
    renameSync(spoolFolder(folder, store.url), join(folder, "moved"));
    store.failing = null;
    const report = await logger.flush();
    expect(report.pending).toBe(0);
    expect(report.stored + (logger.stats().dropped.spoolLost ?? 0)).toBe(1_000);
    expectBalanced(logger);
  });
});

describe("a server that forgets", () => {
  it("gets again what it had acknowledged, and counts nothing twice", async () => {
    const logger = open();
    const resent: number[] = [];
    logger.on("storeLost", (event) => resent.push(event.resent));
    for (let n = 0; n < 500; n++) logger.log(asked(n));
    await logger.flush();
    store.forget();
    for (let n = 500; n < 600; n++) logger.log(asked(n));
    await until(() => resent.length === 1);
    await logger.flush();
    expect(await queries()).toHaveLength(600);
    expect(resent[0]).toBeGreaterThanOrEqual(500);
    expect(logger.stats()).toMatchObject({ offered: 600, stored: 600, duplicate: 0 });
    expectBalanced(logger);
  });
});

describe("a server that forgets what went past the disk", () => {
  it("gets that again, too", async () => {
    writeFileSync(join(folder, "file"), "");
    const logger = open({ spoolDirectory: join(folder, "file") });
    for (let n = 0; n < 200; n++) logger.log(asked(n));
    await logger.flush();
    store.forget();
    const lost = new Promise<{ resent: number }>((resolve) => logger.on("storeLost", resolve));
    for (let n = 200; n < 210; n++) logger.log(asked(n));
    expect((await lost).resent).toBeGreaterThanOrEqual(200);
    await logger.flush();
    expect(await queries()).toHaveLength(210);
    expect(logger.stats()).toMatchObject({ offered: 210, stored: 210, duplicate: 0 });
    expectBalanced(logger);
  });
});

describe("a record that the store refuses", () => {
  it("does not hold up the others, and is stored when the store takes it", async () => {
    store.refuses = (record) => record.query === "Question 77" || record.query === "Question 200";
    const logger = open();
    for (let n = 0; n < 300; n++) logger.log(asked(n));
    await until(() => logger.stats().stored === 298);
    expect(logger.stats().spooled).toBe(2);
    expect(logger.health().reasons.join()).toContain("not this one");
    store.refuses = () => false;
    expect(await logger.flush()).toEqual({ stored: 300, pending: 0, dropped: 0 });
    expect(logger.health().status).toBe("ok");
  });

  it("is dropped and counted when more than a thousand of them wait while others are taken", async () => {
    store.refuses = (record) => Number(record.query.slice(9)) % 2 === 1;
    const logger = open();
    for (let n = 0; n < 3_000; n++) logger.log(asked(n, "x"));
    await until(() => logger.stats().stored === 1_500);
    await until(() => (logger.stats().dropped.refused ?? 0) === 476);
    expectBalanced(logger);
    expect(logger.stats().spooled).toBe(1_024);
  });
});

describe("a word of feedback that the store refuses", () => {
  it("does not hold up records and the feedback to others, and is stored when the store takes it", async () => {
    const logger = open();
    const [first = "", ...others] = Array.from({ length: 100 }, (_, n) => logger.log(asked(n)));
    await logger.flush();
    store.refusesFeedback = ({ interactionId }) => interactionId === first;
    for (const id of [first, ...others]) logger.feedback(id, { type: "boolean", value: true });
    for (let n = 100; n < 300; n++) logger.log(asked(n));
    await until(() => logger.stats().stored === 300 && logger.stats().feedback.stored === 99);
    expect(logger.stats().feedback).toEqual({ offered: 100, stored: 99, queued: 1, dropped: 0 });
    expect(logger.health().reasons.join()).toContain("not this one");
    store.refusesFeedback = () => false;
    expect(await logger.flush()).toEqual({ stored: 300, pending: 0, dropped: 0 });
    expect(logger.stats().feedback).toEqual({ offered: 100, stored: 100, queued: 0, dropped: 0 });
    expect(logger.health().status).toBe("ok");
  });

  it("waits behind its record when that is refused", async () => {
    store.refuses = (record) => record.query === "Question 1";
    const logger = open();
    const ids = Array.from({ length: 3 }, (_, n) => logger.log(asked(n)));
    for (const id of ids) logger.feedback(id, { type: "boolean", value: true });
    await until(() => logger.stats().stored === 2 && logger.stats().feedback.stored === 2);
    logger.feedback(ids[1] ?? "", { type: "rating", value: 0.5 }, { source: "human:ada" });
    await sleep(50);
    expect(logger.stats().feedback).toEqual({ offered: 4, stored: 2, queued: 2, dropped: 0 });
    store.refuses = () => false;
    expect(await logger.flush()).toEqual({ stored: 3, pending: 0, dropped: 0 });
    expect(logger.stats().feedback).toEqual({ offered: 4, stored: 4, queued: 0, dropped: 0 });
    expect((await store.get(ids[1] ?? ""))?.annotations).toHaveLength(2);
  });
});

function open(options: LoggerOptions = {}): InteractionLogger {
  const logger = createInteractionLogger({ store, spoolDirectory: folder, onError: () => undefined, ...options });
  loggers.push(logger);
  return logger;
}

function expectBalanced(logger: InteractionLogger): void {
  const { offered, stored, duplicate, queued, spooled, dropped } = logger.stats();
  expect(stored + duplicate + queued + spooled + Object.values(dropped).reduce((sum, n) => sum + n, 0)).toBe(offered);
}

async function queries(): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of store.query()) found.push(...batch.map(({ query }) => query));
  return found;
}

const questions = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `Question ${from + n}`);

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(5);
}

const away = new StoreError("STORE_UNAVAILABLE", "the store is away");

type FaultyStore = InteractionStore & {
  failing: StoreError | null;
  /** So many batches are stored, and then fail. */
  loseAnswers: number;
  reasons: string[];
  refuses: (record: Interaction) => boolean;
  refusesFeedback: (annotation: Annotation) => boolean;
  readonly batches: number[];
  readonly statuses: Map<string, number>;
  hang(hangs: boolean): void;
  /** Starts again, empty. */
  forget(): void;
};

/** A memory store that is far away, and has the faults of things that are. */
function faultyStore(url = "test://store"): FaultyStore {
  let data = memoryStore();
  let epoch = 1;
  let hanging: { readonly wait: Promise<unknown>; readonly end: () => void } | null = null;
  const batches: number[] = [];
  const statuses = new Map<string, number>();
  const arrive = async (faulty: FaultyStore) => {
    await hanging?.wait;
    await nextTurn();
    if (faulty.failing) throw faulty.failing;
  };
  return {
    ...data,
    url,
    failing: null,
    loseAnswers: 0,
    reasons: [],
    refuses: () => false,
    refusesFeedback: () => false,
    batches,
    statuses,
    async append(records) {
      await arrive(this);
      if (records.some(this.refuses)) throw new StoreError("STORE_RECORD_REFUSED", "others yes, but not this one");
      const became = await data.append(records);
      batches.push(records.length);
      if (this.loseAnswers > 0) {
        this.loseAnswers -= 1;
        throw away;
      }
      for (const status of became) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      return became;
    },
    async annotate(annotations) {
      await arrive(this);
      if (annotations.some(this.refusesFeedback)) {
        throw new StoreError("STORE_RECORD_REFUSED", "others yes, but not this one");
      }
      return data.annotate(annotations);
    },
    async health() {
      await arrive(this);
      const { reasons } = this;
      return { status: reasons.length > 0 ? "degraded" : "ok", reasons, epoch: String(epoch) };
    },
    get: (id) => data.get(id),
    query: (options) => data.query(options),
    hang(hangs) {
      hanging?.end();
      hanging = null;
      if (!hangs) return;
      const gate = new EventEmitter();
      hanging = { wait: once(gate, "open"), end: () => void gate.emit("open") };
    },
    forget() {
      data = memoryStore();
      epoch += 1;
    },
  };
}
