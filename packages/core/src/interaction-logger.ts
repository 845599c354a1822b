import { resolve } from "node:path";
import { EventEmitter } from "eventemitter3";
import { type Annotation, annotationSchema } from "./annotation.js";
import { type BackgroundScoringOptions, backgroundScoring } from "./background-scoring.js";
import { type Captured, captureQueue } from "./capture-queue.js";
import { LAST_TIME } from "./day.js";
import { drain, type Prepared, prepare } from "./drain.js";
import { drainAtExit } from "./drain-at-exit.js";
import { ConfigError, type ErrorCode, StoreError, WhetstoneError } from "./errors.js";
import type { InteractionInput } from "./interaction.js";
import { newInteractionId } from "./interaction-id.js";
import { journalSink } from "./journal-sink.js";
import type { DropReason, FlushOptions, FlushReport, InteractionLogger, LoggerEvents } from "./logger.js";
import { openStore } from "./open-store.js";
import { type RedactOption, recordRedactor } from "./redact/redact-record.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { type Delivery, delivery } from "./spool/delivery.js";
import { openSpool } from "./spool/spool.js";
import { DEFAULT_SPOOL_DIRECTORY, spoolFolder } from "./spool/spool-folder.js";
import type { InteractionStore, JournaledStore } from "./store.js";

/** Time between two `dropped` events; what is dropped in between is counted into the next. */
const DROP_EVENT_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const LAST_WRITES_MS = 50;
/** Of the bytes that a logger may hold, the part for what is on disk and waits for a remote store. */
const AHEAD_SHARE = 1 / 4;

export interface LoggerOptions {
  /** A store, or the URL of one. Default: `openStore()`, so `WHETSTONE_URL` or `file:./.whetstone`. */
  readonly store?: InteractionStore | string;
  /**
   * What a killed process loses. `journal` (the default where the store outlives the process): what the running turn of
   * the event loop logged, and of a burst what the drain has not reached. `sync`: nothing, for tens of microseconds a
   * call; feedback goes the way of the queue. `memory` (no disk; the default on `memory:`): what is not stored yet.
   * In front of a store on a server, `journal` and `sync` write to a spool on this machine's disk.
   */
  readonly durability?: "journal" | "sync" | "memory";
  /** Where the spool lies. Default `./.whetstone/spool`. */
  readonly spoolDirectory?: string;
  /** What may lie in the spool while the store is away. Default 1 GiB; beyond it the queue fills. */
  readonly maxSpoolBytes?: number;
  /** Entries that wait in memory. Default 100,000: `maxQueueBytes` is what counts. */
  readonly maxQueue?: number;
  /** What waits in memory, about. Default 64 MiB. */
  readonly maxQueueBytes?: number;
  /** What gives way when the queue is full. Default `dropNewest`. */
  readonly overflow?: "dropNewest" | "dropOldest";
  /**
   * Takes secrets and personal data out before anything is stored: on by default, `false` turns it off, an object chooses
   * the kinds, a function runs after the built-in detectors. See docs/privacy.md.
   */
  readonly redact?: RedactOption;
  /** Scores what is logged, in the background: sampled, limited and after everything else. Tells of it with `scored`. */
  readonly scoring?: BackgroundScoringOptions;
  /**
   * Hears of the store's failures, once for each change for the worse, and of the first interaction that finds the queue
   * full and the first word of feedback that is none. Default: a process warning.
   */
  readonly onError?: (error: WhetstoneError) => void;
}

/**
 * Makes a logger. `log` copies what it is given within a budget and returns; normalising, checking and writing happen
 * after the running turn of the event loop. With `WHETSTONE_DISABLED=1` it takes nothing and counts it.
 * @throws ConfigError for wrong options. Nothing else of a logger ever throws.
 */
export function createInteractionLogger(options: LoggerOptions = {}): InteractionLogger {
  const {
    store: given,
    durability: chosen,
    spoolDirectory = DEFAULT_SPOOL_DIRECTORY,
    maxSpoolBytes = 1024 ** 3,
    maxQueue = 100_000,
    maxQueueBytes = 64 * 1024 * 1024,
    overflow = "dropNewest",
    redact: redactOption = true,
    onError = warn,
  } = options ?? {};
  checkOptions({ store: given, durability: chosen, spoolDirectory, maxSpoolBytes, maxQueue, maxQueueBytes, overflow });
  const redact = recordRedactor(redactOption);
  const store = typeof given === "object" ? given : openStore(given);
  const outlives = !store.url.startsWith("memory:");
  const durability = chosen ?? (outlives ? "journal" : "memory");
  if (durability !== "memory" && !outlives) {
    throw new ConfigError(`durability "${durability}" needs a store that outlives this process: use "memory"`);
  }
  const disabled = /^(1|true|yes|on)$/i.test(process.env.WHETSTONE_DISABLED ?? "");

  const events = new EventEmitter<LoggerEvents>();
  const dropped: Partial<Record<DropReason, number>> = {};
  const untold = new Map<DropReason, number>();
  const feedback = { offered: 0, stored: 0, dropped: 0 };
  let offered = 0;
  let stored = 0;
  let duplicate = 0;
  let sequence = 0;
  let lastDropEvent = -Infinity;
  let replayed = 0;
  const troubles: { store: StoreError | null; spool: StoreError | null } = { store: null, spool: null };
  let concerns: readonly string[] = [];
  let closed = false;
  const told = new Set<ErrorCode>();

  const journal = durability !== "memory" && isJournaled(store) ? store : null;
  const spool =
    durability === "memory" || journal || disabled
      ? null
      : openSpool(spoolFolder(resolve(spoolDirectory), store.url), { maxBytes: maxSpoolBytes });
  const queue = captureQueue({
    maxQueue,
    maxQueueBytes: spool ? maxQueueBytes * (1 - AHEAD_SHARE) : maxQueueBytes,
    overflow,
    onDrop({ snapshot }) {
      if (snapshot) drop("queueFull");
      else feedback.dropped += 1;
      tellOnce("QUEUE_FULL", () => {
        const limits = `${maxQueue} entries or ${maxQueueBytes} bytes`;
        return `the logger's queue is full (${limits}): what comes is dropped and counted; raise the limits, or log less at once`;
      });
    },
  });
  const ahead: Delivery | null = journal
    ? null
    : delivery({
        store,
        queue,
        spool,
        maxBytes: maxQueueBytes * AHEAD_SHARE,
        onStored: count,
        onAnnotated: countFeedback,
        onReplayed(records) {
          replayed += records;
        },
        onLost(reason, records, annotations) {
          drop(reason, records);
          feedback.dropped += annotations;
        },
        onTrouble: changeTrouble,
        onConcerns: changeConcerns,
        onStoreLost: (resent) => emit("storeLost", { resent }),
        onProgress() {
          drained.tellWaiters();
          drained.wake();
        },
        onGiveUp: () => drained.giveUp(),
      });
  const sink =
    ahead ??
    journalSink({
      journal: store as JournaledStore,
      queue,
      onStored(statuses) {
        let repeated = 0;
        for (const status of statuses) if (status === "duplicate") repeated += 1;
        count(statuses.length - repeated, repeated);
      },
      onAnnotated(statuses) {
        const known = statuses.filter((status) => status === "stored").length;
        countFeedback(known, statuses.length - known);
      },
    });
  const drained = drain({
    queue,
    sink,
    redact,
    onRefused({ snapshot }) {
      if (snapshot) drop("redactionFailed");
      else feedback.dropped += 1;
    },
    onTrouble: (error) => changeTrouble("store", error),
  });
  const leaveExit =
    journal || spool
      ? drainAtExit(() => {
          drained.now();
          drained.stop();
        })
      : () => undefined;

  const scoring =
    options?.scoring &&
    backgroundScoring(store, options.scoring, { onScored: (event) => emit("scored", event), onError: tell });

  function log(input: InteractionInput): string {
    offered += 1;
    let now = 0;
    let taken: Snapshot | null = null;
    try {
      now = timeNow();
      taken = snapshot(input, now);
    } catch {
      // The value itself threw, a revoked proxy for example, or a built-in that somebody replaced: nothing to record.
    }
    if (!taken || (taken.fields.query === undefined && taken.fields.answer === undefined)) {
      drop("unreadable");
      return taken?.interactionId ?? newInteractionId(now);
    }
    if (disabled || closed) drop(disabled ? "disabled" : "closed");
    else {
      const entry = { sequence: ++sequence, bytes: taken.bytes, snapshot: taken };
      if (durability !== "sync" || queue.records > 0 || !logNow(entry)) capture(entry);
      scoring?.offer(taken.interactionId);
    }
    return taken.interactionId;
  }

  /** False when the record has to go the way of the queue. */
  function logNow(entry: Captured): boolean {
    let ready: Prepared;
    try {
      ready = { ...prepare(entry, redact), captured: null };
    } catch {
      drop("redactionFailed");
      return true;
    }
    try {
      const taken = sink.takeNow([ready]);
      if (taken.error) changeTrouble("store", taken.error);
      return taken.count === 1;
    } catch {
      return false; // the drain meets the same failure, and has the means to tell of it
    }
  }

  function capture(entry: Captured): void {
    queue.offer(entry);
    drained.wake();
  }

  function count(newOnes: number, repeated: number): void {
    duplicate += repeated;
    stored += newOnes;
    if (events.listenerCount("stored") > 0) emit("stored", { count: newOnes });
  }

  function countFeedback(known: number, unknown: number): void {
    feedback.stored += known;
    feedback.dropped += unknown;
  }

  function drop(reason: DropReason, records = 1): void {
    if (records === 0) return;
    dropped[reason] = (dropped[reason] ?? 0) + records;
    untold.set(reason, (untold.get(reason) ?? 0) + records);
    const now = performance.now();
    if (now - lastDropEvent >= DROP_EVENT_MS) tellDrops(now);
  }

  function tellDrops(now: number): void {
    lastDropEvent = now;
    for (const [reason, count] of untold) emit("dropped", { reason, count });
    untold.clear();
  }

  function changeTrouble(of: "store" | "spool", error: StoreError | null): void {
    const known = troubles[of];
    troubles[of] = error;
    if (!error && known && !troubles.store && !troubles.spool) emit("recovered");
    if (!error || error.code === known?.code) return;
    emit("degraded", { reason: error.message });
    tell(error);
  }

  function changeConcerns(reasons: readonly string[]): void {
    const news = reasons.filter((reason) => !concerns.includes(reason));
    concerns = reasons;
    for (const reason of news) {
      emit("degraded", { reason });
      tellOnce("STORE_DEGRADED", () => reason);
    }
  }

  function tell(error: WhetstoneError): void {
    try {
      onError(error);
    } catch {
      // A failing listener is the caller's own business, and must not become the agent's.
    }
  }

  function tellOnce(code: ErrorCode, message: () => string): void {
    if (told.has(code)) return;
    told.add(code);
    tell(new WhetstoneError(code, message()));
  }

  function emit<E extends keyof LoggerEvents>(event: E, ...payload: Parameters<LoggerEvents[E]>): void {
    try {
      events.emit(event, ...(payload as never));
    } catch {
      // As above: a listener's error stops here.
    }
  }

  const pending = () =>
    queue.records + queue.annotations + (ahead ? ahead.spooledRecords + ahead.spooledAnnotations : 0);
  const report = (): FlushReport => ({ stored, pending: pending(), dropped: total(dropped) });

  async function flush(options?: FlushOptions): Promise<FlushReport> {
    await drained.until(sequence, timeoutOf(options));
    tellDrops(performance.now());
    return report();
  }

  async function close(options?: FlushOptions): Promise<FlushReport> {
    const deadline = performance.now() + timeoutOf(options);
    closed = true;
    await flush(options);
    // What the time did not suffice for: onto the disk, where there is one.
    if (journal || spool) drained.now(LAST_WRITES_MS);
    const result = report();
    drained.stop();
    leaveExit();
    await scoring?.close(Math.max(0, deadline - performance.now()));
    // Whoever opens, closes: a store that was handed in stays open.
    if (typeof given !== "object") await store.close().catch(() => undefined);
    return result;
  }

  return {
    log,
    flush,
    close,
    [Symbol.asyncDispose]: async () => {
      await close();
    },

    feedback(interactionId, said, options) {
      feedback.offered += 1;
      const annotation = feedbackOf(interactionId, said, options);
      if (annotation && !disabled && !closed) {
        capture({ sequence: ++sequence, bytes: 256 + bytesOf(annotation), annotation });
        return;
      }
      feedback.dropped += 1;
      if (!annotation) {
        tellOnce(
          "FEEDBACK_INVALID",
          () => "a word of feedback was none and is dropped: see Feedback for its four forms",
        );
      }
    },

    stats: () => ({
      offered,
      stored,
      duplicate,
      queued: queue.records,
      queuedBytes: queue.bytes + (ahead?.bytes ?? 0),
      spooled: ahead?.spooledRecords ?? 0,
      replayed,
      dropped: { ...dropped },
      feedback: { ...feedback, queued: queue.annotations + (ahead?.spooledAnnotations ?? 0) },
      ...(scoring && { scoring: scoring.stats() }),
    }),

    health() {
      if (closed) return { status: "closed", reasons: ["the logger is closed: make a new one"] };
      const broken = [troubles.store?.message, troubles.spool?.message].filter((reason) => reason !== undefined);
      const reasons = [...broken, ...concerns];
      const paused = drained.pausedBecause() ?? ahead?.pausedBecause();
      if (paused && reasons.length === 0) reasons.push(paused);
      return { status: reasons.length > 0 ? "degraded" : "ok", reasons };
    },

    on(event, listener) {
      events.on(event, listener as never);
    },
    off(event, listener) {
      events.off(event, listener as never);
    },
  };
}

function checkOptions({
  store,
  durability,
  spoolDirectory,
  maxSpoolBytes,
  maxQueue,
  maxQueueBytes,
  overflow,
}: Pick<LoggerOptions, "spoolDirectory" | "maxSpoolBytes" | "maxQueue" | "maxQueueBytes" | "overflow"> & {
  readonly store: unknown;
  readonly durability: LoggerOptions["durability"] | undefined;
}): void {
  const methods = store as Partial<InteractionStore> | null | undefined;
  if (store !== undefined && typeof store !== "string" && typeof methods?.append !== "function") {
    throw new ConfigError("store is neither a store nor a URL: pass what openStore or fileStore returned, or a URL");
  }
  if (maxQueue === undefined || !Number.isSafeInteger(maxQueue) || maxQueue < 1) {
    throw new ConfigError(`maxQueue is ${maxQueue}: use a whole number from 1 on`);
  }
  if (typeof maxQueueBytes !== "number" || !(maxQueueBytes >= 1)) {
    throw new ConfigError(`maxQueueBytes is ${maxQueueBytes}: use a number from 1 on`);
  }
  if (typeof spoolDirectory !== "string" || spoolDirectory === "") {
    throw new ConfigError(`spoolDirectory is ${JSON.stringify(spoolDirectory)}: name a folder`);
  }
  if (typeof maxSpoolBytes !== "number" || !(maxSpoolBytes >= 0)) {
    throw new ConfigError(`maxSpoolBytes is ${maxSpoolBytes}: use a number from 0 on`);
  }
  if (durability !== undefined && !["journal", "sync", "memory"].includes(durability)) {
    throw new ConfigError(`durability is "${durability}": use "journal", "sync" or "memory"`);
  }
  if (overflow !== "dropNewest" && overflow !== "dropOldest") {
    throw new ConfigError(`overflow is "${overflow}": use "dropNewest" or "dropOldest"`);
  }
}

function isJournaled(store: InteractionStore): store is JournaledStore {
  return "appendSync" in store;
}

function warn(error: WhetstoneError): void {
  const waiting = StoreError.isInstance(error) ? "interactions wait: " : "";
  process.emitWarning(waiting + error.message, { type: "WhetstoneWarning", code: error.code });
}

/** The time, also where somebody has replaced `Date.now` by something that gives none. */
function timeNow(): number {
  const now = Date.now();
  return now >= 0 && now <= LAST_TIME ? Math.trunc(now) : 0;
}

function timeoutOf(options: FlushOptions | null | undefined): number {
  const timeoutMs = options?.timeoutMs;
  return typeof timeoutMs === "number" && timeoutMs >= 0 ? timeoutMs : DEFAULT_TIMEOUT_MS;
}

function feedbackOf(interactionId: unknown, feedback: unknown, options: { source?: string } | null | undefined) {
  try {
    const source = options?.source ?? "human:user";
    const annotation = annotationSchema.safeParse({ interactionId, kind: "feedback", source, at: timeNow(), feedback });
    return annotation.success ? annotation.data : null;
  } catch {
    return null; // a getter or a proxy of the caller's threw
  }
}

function total(counts: Readonly<Partial<Record<string, number>>>): number {
  return Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

function bytesOf(annotation: Annotation): number {
  if (annotation.kind === "score") return annotation.rationale?.length ?? 0;
  if (annotation.kind === "unscored") return annotation.reason.length;
  return typeof annotation.feedback.value === "string" ? annotation.feedback.value.length : 0;
}
