import { EventEmitter } from "eventemitter3";
import { type Annotation, annotationSchema } from "./annotation.js";
import { type Captured, captureQueue } from "./capture-queue.js";
import { LAST_TIME } from "./day.js";
import { drain, IDS_MAX_AGE_MS } from "./drain.js";
import { drainAtExit } from "./drain-at-exit.js";
import { ConfigError, type ErrorCode, StoreError, WhetstoneError } from "./errors.js";
import type { Interaction, InteractionInput } from "./interaction.js";
import { newInteractionId } from "./interaction-id.js";
import type { DropReason, FlushOptions, FlushReport, InteractionLogger, LoggerEvents } from "./logger.js";
import { openStore } from "./open-store.js";
import { toInteraction } from "./prepare.js";
import { type RedactOption, recordRedactor } from "./redact/redact-record.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import type { AppendStatus, InteractionStore, JournaledStore } from "./store.js";

/** Time between two `dropped` events; what is dropped in between is counted into the next. */
const DROP_EVENT_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 10_000;

export interface LoggerOptions {
  /** A store, or the URL of one. Default: `openStore()`, so `WHETSTONE_URL` or `file:./.whetstone`. */
  readonly store?: InteractionStore | string;
  /**
   * What a killed process loses. `journal` (the default on a file store): what the running turn of the event loop
   * logged, and of a burst what the drain has not reached, which writes 16 records between two turns. `sync`: nothing,
   * for tens of microseconds a call; feedback goes the way of the queue. `memory` (the default on other stores): what
   * is queued.
   */
  readonly durability?: "journal" | "sync" | "memory";
  /** Default 10,000 entries. */
  readonly maxQueue?: number;
  /** Default 64 MiB. */
  readonly maxQueueBytes?: number;
  /** What gives way when the queue is full. Default `dropNewest`. */
  readonly overflow?: "dropNewest" | "dropOldest";
  /**
   * Takes secrets and personal data out before anything is stored: on by default, `false` turns it off, an object chooses
   * the kinds, a function runs after the built-in detectors. See docs/privacy.md.
   */
  readonly redact?: RedactOption;
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
    durability,
    maxQueue = 10_000,
    maxQueueBytes = 64 * 1024 * 1024,
    overflow = "dropNewest",
    redact: redactOption = true,
    onError = warn,
  } = options ?? {};
  checkOptions({ store: given, durability, maxQueue, maxQueueBytes, overflow });
  const redact = recordRedactor(redactOption);
  const store = typeof given === "object" ? given : openStore(given);
  const journal = durability !== "memory" && isJournaled(store) ? store : null;
  if (durability && durability !== "memory" && !journal) {
    throw new ConfigError(
      `durability "${durability}" needs a store on this machine's disk, not ${store.url}: use "memory"`,
    );
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
  let trouble: StoreError | null = null;
  let closed = false;
  const told = new Set<ErrorCode>();

  const queue = captureQueue({
    maxQueue,
    maxQueueBytes,
    overflow,
    onDrop({ snapshot }) {
      if (snapshot) drop("queueFull");
      else feedback.dropped += 1;
      tellOnce("QUEUE_FULL", () => {
        const limits = `${maxQueue} entries or ${maxQueueBytes} bytes`;
        return `the logger's queue is full (${limits}): what comes is dropped and counted; raise maxQueue, or log less at once`;
      });
    },
  });
  const drained = drain({
    queue,
    store,
    journal,
    redact,
    onRefused({ snapshot }) {
      if (snapshot) drop("redactionFailed");
      else feedback.dropped += 1;
    },
    onStored: settle,
    onAnnotated(known, unknown) {
      feedback.stored += known;
      feedback.dropped += unknown;
    },
    onTrouble: changeTrouble,
  });
  const leaveExit = journal ? drainAtExit(drained.now) : () => undefined;

  function log(input: InteractionInput): string {
    offered += 1;
    const now = timeNow();
    let taken: Snapshot | null = null;
    try {
      taken = snapshot(input, now);
    } catch {
      // The value itself threw, a revoked proxy for example: there is nothing to record.
    }
    if (!taken || (taken.fields.query === undefined && taken.fields.answer === undefined)) {
      drop("unreadable");
      return taken?.interactionId ?? newInteractionId(now);
    }
    if (disabled || closed) drop(disabled ? "disabled" : "closed");
    else if (durability !== "sync" || !journal || queue.records > 0 || !logNow(journal, taken)) {
      capture({ sequence: ++sequence, bytes: taken.bytes, snapshot: taken });
    }
    return taken.interactionId;
  }

  /** False when the record has to go the way of the queue. */
  function logNow(journaled: JournaledStore, taken: Snapshot): boolean {
    let record: Interaction;
    try {
      record = toInteraction(taken);
      if (redact) record = redact.interaction(record);
    } catch {
      drop("redactionFailed");
      return true;
    }
    try {
      const { statuses, error } = journaled.appendSync([record], { newIds: taken.newId, idsMaxAgeMs: IDS_MAX_AGE_MS });
      settle(statuses);
      if (error) changeTrouble(error);
      return !error;
    } catch {
      return false; // the drain meets the same failure, and has the means to tell of it
    }
  }

  function capture(entry: Captured): void {
    queue.offer(entry);
    drained.wake();
  }

  function settle(statuses: readonly AppendStatus[]): void {
    const repeated = statuses.reduce((sum, status) => sum + (status === "duplicate" ? 1 : 0), 0);
    duplicate += repeated;
    stored += statuses.length - repeated;
    if (events.listenerCount("stored") > 0) emit("stored", { count: statuses.length - repeated });
  }

  function drop(reason: DropReason): void {
    dropped[reason] = (dropped[reason] ?? 0) + 1;
    untold.set(reason, (untold.get(reason) ?? 0) + 1);
    const now = performance.now();
    if (now - lastDropEvent >= DROP_EVENT_MS) tellDrops(now);
  }

  function tellDrops(now: number): void {
    lastDropEvent = now;
    for (const [reason, count] of untold) emit("dropped", { reason, count });
    untold.clear();
  }

  function changeTrouble(error: StoreError | null): void {
    const worse = error && error.code !== trouble?.code;
    const better = !error && trouble;
    trouble = error;
    if (better) emit("recovered");
    if (!worse) return;
    emit("degraded", { reason: error.message });
    tell(error);
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

  const report = (): FlushReport => ({ stored, pending: queue.records + queue.annotations, dropped: total(dropped) });

  async function flush(options?: FlushOptions): Promise<FlushReport> {
    await drained.until(sequence, timeoutOf(options));
    tellDrops(performance.now());
    return report();
  }

  async function close(options?: FlushOptions): Promise<FlushReport> {
    closed = true;
    const result = await flush(options);
    drained.stop();
    leaveExit();
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
      queuedBytes: queue.bytes,
      spooled: 0,
      dropped: { ...dropped },
      feedback: { ...feedback, queued: queue.annotations },
    }),

    health() {
      if (closed) return { status: "closed", reasons: ["the logger is closed: make a new one"] };
      const reason = trouble?.message ?? drained.pausedBecause();
      return reason ? { status: "degraded", reasons: [reason] } : { status: "ok", reasons: [] };
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
  maxQueue,
  maxQueueBytes,
  overflow,
}: Pick<LoggerOptions, "maxQueue" | "maxQueueBytes" | "overflow"> & {
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
  const waiting = StoreError.isInstance(error) ? "interactions wait in memory: " : "";
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
