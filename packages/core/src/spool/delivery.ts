import type { Annotation } from "../annotation.js";
import type { CaptureQueue } from "../capture-queue.js";
import type { Prepared, Sink, Taken } from "../drain.js";
import { StoreError } from "../errors.js";
import type { Interaction } from "../interaction.js";
import { appendKnown } from "../known-records.js";
import { type Ring, ring } from "../ring.js";
import type { InteractionStore } from "../store.js";
import { storeFault } from "../store-fault.js";
import { asStoreError, growingPause } from "../store-trouble.js";
import {
  type Item,
  memoryItem,
  PARCEL_ENTRIES,
  type Parcel,
  type ParcelKind,
  parcelOf,
  spooledItem,
  weightOf,
} from "./parcel.js";
import { recentItems } from "./recent-items.js";
import { replays } from "./replays.js";
import { type Spill, spillFrom } from "./spill.js";
import { RETAIN_MS, type Spool, type SpooledLines } from "./spool.js";

/** Parcels on their way at once, their size in memory, and how long a smaller one waits for more. */
const IN_FLIGHT = 4;
const PARCEL_BYTES = 2 * 1024 * 1024;
const LINGER_MS = 10;
/** Entries that are prepared ahead of the store where there is no disk for them: the rest waits in the queue. */
const AHEAD = 2 * PARCEL_ENTRIES;
const TICK_MS = 1_000;
/** How old the look at the server's identity may be, while something arrives and while nothing does. */
const LOOK_MS = 2_000;
const LOOK_IDLE_MS = 4_000;
const CLAIM_MS = 15_000;
const PERMANENT_PAUSE_MS = 5_000;
/** When a store that does not answer is told, and when the parcel is sent once more. */
const SILENT_MS = 5_000;
const GIVEN_UP_MS = 30_000;
/** Tries that may hang at once before nothing is sent any more. */
const HANGING = 8;
const SLOW_WRITE_MS = 50;
/** How long the disk is left alone after a slow write, and after a failed one. */
const SLOW_PAUSE_MS = 1_000;
const FAILED_PAUSE_MS = 5_000;
/** Of the queue's bounds. */
const HALF_FULL = 0.5;
const RECENT_SHARE = 0.25;
/** Refused entries that wait aside for somebody to mend what is wrong. */
const ASIDE = 1_024;
const PROBE_MS = 3_000;

export interface DeliveryOptions {
  readonly store: InteractionStore;
  readonly queue: CaptureQueue;
  /** Null: what is on its way is in memory only. */
  readonly spool: Spool | null;
  /** What prepared entries may take in memory besides the queue. */
  readonly maxBytes: number;
  readonly onStored: (stored: number, duplicate: number) => void;
  readonly onAnnotated: (stored: number, unknown: number) => void;
  /** Records of other processes were stored. */
  readonly onReplayed: (count: number) => void;
  /** Cannot be stored, ever. */
  readonly onLost: (reason: "refused" | "spoolLost", records: number, annotations: number) => void;
  /** Why nothing moves, or null when it moves again: the store's trouble, or the spool's. */
  readonly onTrouble: (of: "store" | "spool", error: StoreError | null) => void;
  /** What the store says against itself while it works, such as a policy that may remove records; empty when nothing. */
  readonly onConcerns: (reasons: readonly string[]) => void;
  /** The server holds other data than before; so many records are sent again. */
  readonly onStoreLost: (records: number) => void;
  /** Something was stored, or there is room again. */
  readonly onProgress: () => void;
  readonly onGiveUp: () => void;
}

/** What is behind the queue and not in the store. */
export interface Delivery extends Sink {
  readonly spooledRecords: number;
  readonly spooledAnnotations: number;
  /** Held in memory besides the queue. */
  readonly bytes: number;
  /** Why the disk is left alone although nothing failed. */
  pausedBecause(): string | null;
}

/**
 * Brings what is drained to a store that may be slow, away or forgetful: first onto this machine's disk, then in
 * parcels, four at a time, to the store. While the store is away memory holds the front, and the disk the rest.
 */
export function delivery({
  store,
  queue,
  spool,
  maxBytes,
  onStored,
  onAnnotated,
  onReplayed,
  onLost,
  onTrouble,
  onConcerns,
  onStoreLost,
  onProgress,
  onGiveUp,
}: DeliveryOptions): Delivery {
  const backlog: Ring<Item> = ring(Infinity);
  const active: Parcel[] = [];
  const aside: { readonly item: Item; readonly kind: ParcelKind }[] = [];
  /** What was laid aside, on its way again. */
  const recalled: Parcel[] = [];
  /** Of what went past a disk that was slow or full, what the store has taken lately. */
  const diskless = recentItems(RETAIN_MS, maxBytes * RECENT_SHARE);
  const leftovers = replays("leftover");
  const again = replays("again");
  const retry = growingPause();
  let spill: Spill | null = null;
  let spooledRecords = 0;
  let spooledAnnotations = 0;
  let bytes = 0;

  let lingering: NodeJS.Timeout | undefined;
  let planned: NodeJS.Immediate | undefined;
  let retrying: NodeJS.Timeout | undefined;
  let lingered = false;
  let hurried = false;
  let inTrouble = false;
  let toldTrouble = false;
  let hanging = 0;
  let turn = 0;
  let ended = false;

  let diskAwayUntil = 0;
  let diskInTrouble = false;
  let slowWrite: string | null = null;
  let acceptedAt = 0;
  let asideSince = 0;
  let probedAt = 0;

  let epoch: string | undefined;
  let firstLook: Promise<void> | undefined;
  let lookedAt = -Infinity;
  let forgot = false;
  let claimedAt = -Infinity;
  const ticking = setInterval(tick, TICK_MS).unref();
  // Soon, but not on the path of whoever makes the logger.
  const claiming = spool ? setTimeout(claim, 0).unref() : undefined;

  // From the drain to the disk.

  /** A disk that is slow is better than a queue that overflows; one that fails is no help. */
  function diskWorks(): boolean {
    if (spool === null || ended) return false;
    return performance.now() >= diskAwayUntil || (!diskInTrouble && queue.fill > HALF_FULL);
  }

  function room(): number {
    if (ended) return 0;
    if (diskWorks()) return Infinity;
    // What is only on disk comes first, so that feedback stays behind its record.
    return spill ? 0 : AHEAD - backlog.size;
  }

  function take(entries: readonly Prepared[]): Taken {
    let count = entries.length;
    if (!diskWorks() || !writeToSpool(entries)) {
      count = Math.max(0, Math.min(count, room()));
      for (const entry of entries.slice(0, count)) backlog.push(memoryItem(entry));
    }
    pump();
    return { count };
  }

  function writeToSpool(entries: readonly Prepared[]): boolean {
    if (!spool) return false;
    const texts = entries.map(({ record, annotation }) => JSON.stringify(record ?? annotation));
    const started = performance.now();
    let written: SpooledLines;
    try {
      written = spool.append(texts);
    } catch (cause) {
      diskFailed(asStoreError(cause));
      return false;
    }
    const tookMs = Math.round(performance.now() - started);
    slowWrite = tookMs > SLOW_WRITE_MS ? `a write to the spool took ${tookMs} ms` : null;
    if (slowWrite) diskAwayUntil = performance.now() + SLOW_PAUSE_MS;
    if (diskInTrouble) onTrouble("spool", null);
    diskInTrouble = false;
    const { segment, lines } = written;
    let { offset } = written;
    for (const [i, line] of lines.entries()) {
      const entry = entries[i] as Prepared;
      if (entry.record) spooledRecords += 1;
      else spooledAnnotations += 1;
      if (entry.captured) queue.settle(entry.captured);
      if (!spill && bytes + weightOf(line) > maxBytes) spill = spillFrom(spool, { segment, offset }, entry.sequence);
      if (spill) spill.count(entry);
      else keep(spooledItem(entry, line, segment));
      offset += line.length + 1;
    }
    return true;
  }

  function diskFailed(error: StoreError): void {
    diskAwayUntil = performance.now() + FAILED_PAUSE_MS;
    diskInTrouble = true;
    onTrouble("spool", error);
  }

  function keep(item: Item): void {
    backlog.push(item);
    bytes += item.bytes;
  }

  // From memory and disk to the store.

  function pump(): void {
    planned = undefined;
    if (ended) return;
    if (retrying) return;
    for (const [place, parcel] of active.entries()) {
      if (parcel.sending) continue;
      if (parcel.records.length > 0) void sendRecords(parcel);
      else if (active.slice(0, place).every(({ records }) => records.length === 0)) void sendAnnotations(parcel);
      if (inTrouble) return; // one try tells enough
    }
    while (active.length < (inTrouble ? 1 : IN_FLIGHT) && hanging < HANGING) {
      const parcel = nextParcel();
      if (!parcel) break;
      active.push(parcel);
      if (parcel.records.length > 0) void sendRecords(parcel);
      else if (active.length === 1) void sendAnnotations(parcel);
    }
    if (backlog.size > 0 && !lingered && active.length < IN_FLIGHT) lingering ??= setTimeout(lingerOver, LINGER_MS);
  }

  function lingerOver(): void {
    lingering = undefined;
    lingered = true;
    pump();
  }

  function planPump(): void {
    planned ??= setImmediate(pump);
  }

  function nextParcel(): Parcel | null {
    if (forgot && !sendAgain()) return null;
    const taken = recalled.shift() ?? again.next();
    if (taken || asideIsFull()) return taken;
    turn += 1;
    // What was logged just now comes first, and what somebody has left behind is not forgotten.
    return (turn % IN_FLIGHT === 0 ? leftovers.next() : null) ?? nextLive() ?? leftovers.next();
  }

  function nextLive(): Parcel | null {
    if (backlog.size === 0) return nextSpilled();
    const isDue = lingered || spill !== null || (hurried && queue.front === Infinity);
    if (backlog.size < PARCEL_ENTRIES && !isDue) return null;
    const items: Item[] = [];
    for (let size = 0; items.length < PARCEL_ENTRIES && size < PARCEL_BYTES; ) {
      const item = backlog.shift();
      if (!item) break;
      items.push(item);
      size += item.bytes;
    }
    lingered = false;
    return parcelOf("live", items);
  }

  function nextSpilled(): Parcel | null {
    // One parcel has to fit, more of them only where there is room.
    if (!spill || (active.length > 0 && bytes > maxBytes / 2)) return null;
    let items: Item[];
    try {
      items = spill.next();
    } catch (cause) {
      diskFailed(asStoreError(cause));
      return null; // the tick tries again
    }
    for (const item of items) bytes += item.bytes;
    if (spill.isOver) {
      const { records, annotations } = spill;
      spill = null;
      spooledRecords -= records;
      spooledAnnotations -= annotations;
      if (records + annotations > 0) onLost("spoolLost", records, annotations);
    }
    return items.length > 0 ? parcelOf("live", items) : null;
  }

  async function sendRecords(parcel: Parcel): Promise<void> {
    await send(parcel, "records", {
      async call(items) {
        if (epoch === undefined && !firstLook) {
          firstLook = lookAtStore();
          await firstLook;
        }
        const records = items.map(({ record }) => record as Interaction);
        return appendKnown(store, records, {
          json: items.map(({ json }) => json),
          newIds: items.every(({ newId }) => newId),
        });
      },
      tell(statuses, sent, attempt) {
        // After a first try that went unheard it is our own copy that the store knows.
        const duplicate = attempt === 1 ? statuses.filter((status) => status === "duplicate").length : 0;
        if (parcel.kind === "live") onStored(sent - duplicate, duplicate);
        else if (parcel.kind === "leftover") onReplayed(sent);
      },
    });
  }

  async function sendAnnotations(parcel: Parcel): Promise<void> {
    layAsideWithRecords(parcel);
    if (parcel.annotations.length === 0) {
      leave(parcel);
      planPump();
      return;
    }
    await send(parcel, "annotations", {
      call: (items) => store.annotate(items.map(({ annotation }) => annotation as Annotation)),
      tell(statuses, sent) {
        const known = statuses.filter((status) => status === "stored").length;
        if (parcel.kind === "live") onAnnotated(known, sent - known);
      },
    });
  }

  /** Sends the next entries of a parcel, and sees to what becomes of them. */
  async function send<Status>(
    parcel: Parcel,
    part: "records" | "annotations",
    {
      call,
      tell,
    }: {
      readonly call: (items: readonly Item[]) => Promise<Status[]>;
      readonly tell: (statuses: readonly Status[], sent: number, attempt: number) => void;
    },
  ): Promise<void> {
    parcel.sending = true;
    parcel.sentAt = performance.now();
    parcel.attempt += 1;
    const { attempt } = parcel;
    const items = parcel[part].slice(0, parcel.most);
    try {
      const statuses = await call(items);
      if (isLate(parcel, attempt)) return;
      parcel[part] = parcel[part].slice(items.length);
      parcel.most = Math.min(PARCEL_ENTRIES, parcel.most * 2);
      for (const item of items) settle(item, parcel.kind);
      tell(statuses, items.length, attempt);
      arrived(parcel);
    } catch (cause) {
      if (isLate(parcel, attempt)) return;
      const error = asStoreError(cause);
      if (storeFault(error) === "records") refused(parcel, items, error);
      else failed(parcel, error);
    }
  }

  /** This try was given up meanwhile: its answer is of no use any more. */
  function isLate(parcel: Parcel, attempt: number): boolean {
    if (parcel.attempt === attempt) return false;
    hanging -= 1;
    planPump();
    return true;
  }

  function settle(item: Item, kind: ParcelKind): void {
    const { segment, captured, record, bytes: size } = item;
    if (captured) queue.settle(captured);
    if (!segment) {
      if (spool) diskless.add(item);
      return;
    }
    segment.settledAt = performance.now();
    if (kind === "again") return;
    segment.settled += 1;
    if (kind === "leftover") return;
    bytes -= size;
    if (record) spooledRecords -= 1;
    else spooledAnnotations -= 1;
  }

  function arrived(parcel: Parcel): void {
    parcel.sending = false;
    acceptedAt = performance.now();
    inTrouble = false;
    retry.reset();
    if (parcel.records.length + parcel.annotations.length === 0) leave(parcel);
    if (parcel.isProbe) recall();
    tellWell();
    if (acceptedAt - lookedAt > LOOK_MS) void lookAtStore();
    onProgress();
    pump();
  }

  function leave(parcel: Parcel): void {
    active.splice(active.indexOf(parcel), 1);
    if (parcel.reads) parcel.reads.readers -= 1;
  }

  function failed(parcel: Parcel, error: StoreError): void {
    parcel.sending = false;
    if (ended) return;
    trouble(error);
    inTrouble = true;
    lookedAt = -Infinity; // whoever answers next may be somebody else
    if (error.code === "STORE_CLOSED") onGiveUp(); // it will not open again
    // The pause does not keep a process alive that has nothing else to do: it could be for ever.
    retrying ??= setTimeout(
      () => {
        retrying = undefined;
        pump();
      },
      storeFault(error) === "permanent" ? PERMANENT_PAUSE_MS : retry.next(),
    ).unref();
  }

  function trouble(error: StoreError): void {
    toldTrouble = true;
    onTrouble("store", error);
  }

  function tellWell(): void {
    if (!toldTrouble || aside.length > 0) return;
    toldTrouble = false;
    onTrouble("store", null);
  }

  // What the store refuses while it takes others.

  /** Finds the entry that is refused, by halves, and lays it aside until somebody has mended what is wrong. */
  function refused(parcel: Parcel, items: readonly Item[], error: StoreError): void {
    parcel.sending = false;
    if (ended) return;
    if (items.length > 1) parcel.most = Math.ceil(items.length / 2);
    else {
      if (aside.length === 0) asideSince = performance.now();
      for (const item of items) {
        aside.push({ item, kind: parcel.kind });
        if (item.record) parcel.records = parcel.records.slice(1);
        else parcel.annotations = parcel.annotations.slice(1);
      }
      boundAside();
      if (parcel.records.length + parcel.annotations.length === 0) leave(parcel);
      trouble(error);
    }
    planPump();
  }

  /** So much is refused, and nothing else taken, that it is the store that has to be mended: everything waits. */
  function asideIsFull(): boolean {
    return aside.length >= ASIDE && acceptedAt <= asideSince;
  }

  /** Feedback stays behind its record, also where that was laid aside. */
  function layAsideWithRecords(parcel: Parcel): void {
    if (aside.length === 0) return;
    const hasRecordAside = behindRecords();
    for (const item of parcel.annotations) if (hasRecordAside(item)) aside.push({ item, kind: parcel.kind });
    parcel.annotations = parcel.annotations.filter((item) => !hasRecordAside(item));
    boundAside();
  }

  /** Tells of feedback whether its record was laid aside. */
  function behindRecords(): (item: Item) => boolean {
    const ids = new Set(aside.map(({ item }) => item.record?.interactionId));
    return ({ annotation }) => annotation !== null && ids.has(annotation.interactionId);
  }

  function boundAside(): void {
    while (aside.length > ASIDE && !asideIsFull()) giveUpOldest();
  }

  function giveUpOldest(): void {
    const oldest = aside.shift();
    if (!oldest) return;
    settle(oldest.item, oldest.kind);
    if (oldest.kind === "live") onLost("refused", oldest.item.record ? 1 : 0, oldest.item.record ? 0 : 1);
    onProgress();
  }

  function probeAside(): void {
    const hasRecordAside = behindRecords();
    const place = aside.findIndex(({ item }) => !hasRecordAside(item));
    const [first] = place < 0 ? [] : aside.splice(place, 1);
    if (first) recalled.push(parcelOf(first.kind, [first.item], { isProbe: true }));
  }

  function recall(): void {
    for (const kind of ["live", "leftover", "again"] as const) {
      const refusals = aside.filter((refusal) => refusal.kind === kind).map(({ item }) => item);
      // What was tried in between has changed places with what waits behind it.
      const items = [...refusals.filter(({ record }) => record), ...refusals.filter(({ record }) => !record)];
      for (let from = 0; from < items.length; from += PARCEL_ENTRIES) {
        recalled.push(parcelOf(kind, items.slice(from, from + PARCEL_ENTRIES)));
      }
    }
    aside.length = 0;
  }

  // A server that has forgotten.

  /** Looks whether the server still has the data it had. */
  async function lookAtStore(): Promise<void> {
    lookedAt = performance.now();
    try {
      const { status, epoch: seen, reasons } = await store.health();
      // What does not work at all shows when something is sent.
      if (!inTrouble && status !== "down") onConcerns(status === "degraded" ? reasons : []);
      if (!seen) return; // it does not tell, or not now
      if (epoch !== undefined && seen !== epoch) {
        forgot = true;
        planPump();
      }
      epoch = seen;
    } catch {
      // The same.
    }
  }

  /**
   * Sends once more what was stored in the last half minute: the store keeps one copy of each. Waits until nothing is on
   * its way, for then what was stored of a segment is its front.
   */
  function sendAgain(): boolean {
    if (active.length > 0) return false;
    forgot = false;
    const refusals = [
      ...aside.map(({ item }) => item),
      ...recalled.flatMap(({ records, annotations }) => [...records, ...annotations]),
    ];
    let lines = 0;
    for (const segment of spool?.stored() ?? []) {
      const between = refusals.filter((item) => item.segment === segment).length;
      again.add({ segment, offset: 0 }, segment.settled + between);
      lines += segment.settled;
    }
    const items = diskless.takeAll();
    for (let from = 0; from < items.length; from += PARCEL_ENTRIES) {
      recalled.push(parcelOf("again", items.slice(from, from + PARCEL_ENTRIES)));
    }
    onStoreLost(lines + items.length);
    return true;
  }

  function tick(): void {
    const now = performance.now();
    for (const place of spool?.tidy() ?? []) leftovers.add(place, Infinity);
    for (const parcel of active) {
      if (!parcel.sending || now - parcel.sentAt < SILENT_MS) continue;
      const seconds = Math.round((now - parcel.sentAt) / 1_000);
      const error = new StoreError("STORE_UNAVAILABLE", `${store.url} has not answered for ${seconds} s`);
      if (now - parcel.sentAt < GIVEN_UP_MS || hanging >= HANGING) trouble(error);
      else {
        parcel.attempt += 1;
        hanging += 1;
        failed(parcel, error);
      }
    }
    if (spool && now - claimedAt > CLAIM_MS) claim();
    if (spool && epoch !== undefined && now - lookedAt > LOOK_IDLE_MS && (spool.bytes > 0 || !diskless.isEmpty))
      void lookAtStore();
    if (aside.length > 0 && recalled.length === 0 && now - probedAt > PROBE_MS) {
      probedAt = now;
      probeAside();
    }
    onProgress();
    pump();
  }

  function claim(): void {
    claimedAt = performance.now();
    for (const segment of spool?.claim() ?? []) leftovers.add({ segment, offset: 0 }, Infinity);
    pump();
  }

  return {
    get spooledRecords() {
      return spooledRecords;
    },
    get spooledAnnotations() {
      return spooledAnnotations;
    },
    get bytes() {
      return bytes;
    },
    room,
    take,
    takeNow(entries) {
      if (!writeToSpool(entries)) return { count: 0 };
      planPump();
      return { count: entries.length };
    },
    holds(sequence) {
      if (forgot || !again.isEmpty) return true;
      const oldest = Math.min(
        ...active.map((parcel) => parcel.sequence),
        ...recalled.map((parcel) => parcel.sequence),
        ...aside.map(({ item }) => item.sequence),
        backlog.peek()?.sequence ?? Infinity,
        spill?.sequence ?? Infinity,
      );
      return oldest <= sequence;
    },
    hurry(isHurried) {
      hurried = isHurried;
      if (isHurried) planPump();
    },
    pausedBecause: () => (performance.now() < diskAwayUntil ? slowWrite : null),
    end() {
      if (ended) return;
      ended = true;
      clearInterval(ticking);
      clearTimeout(claiming);
      clearTimeout(lingering);
      clearTimeout(retrying);
      clearImmediate(planned);
      spool?.leave();
    },
  };
}
