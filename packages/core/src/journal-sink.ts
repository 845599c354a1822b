import type { Annotation } from "./annotation.js";
import type { CaptureQueue } from "./capture-queue.js";
import type { Prepared, Sink, Taken } from "./drain.js";
import type { Interaction } from "./interaction.js";
import type { AnnotateStatus, AppendStatus, JournaledStore } from "./store.js";

/** A write as slow as this is told. */
const SLOW_WRITE_MS = 50;
/** How old the look at other processes' ids may be when records with ids of the caller's own are stored. */
const IDS_MAX_AGE_MS = 250;

export interface JournalSinkOptions {
  readonly journal: JournaledStore;
  readonly queue: CaptureQueue;
  readonly onStored: (statuses: readonly AppendStatus[]) => void;
  readonly onAnnotated: (statuses: readonly AnnotateStatus[]) => void;
}

/** Pours into a store on this machine's disk. The write is all there is to it: what is written is stored. */
export function journalSink({ journal, queue, onStored, onAnnotated }: JournalSinkOptions): Sink {
  function writeRecords(entries: readonly Prepared[]): Taken {
    const records: Interaction[] = [];
    let newIds = true;
    for (const { record, newId } of entries) {
      if (!record) break;
      records.push(record);
      newIds &&= newId;
    }
    const started = performance.now();
    const { statuses, error } = journal.appendSync(records, { newIds, idsMaxAgeMs: IDS_MAX_AGE_MS });
    settle(entries, statuses.length);
    if (statuses.length > 0) onStored(statuses);
    const tookMs = Math.round(performance.now() - started);
    return { count: statuses.length, error, slow: tookMs > SLOW_WRITE_MS ? `a write took ${tookMs} ms` : undefined };
  }

  function settle(entries: readonly Prepared[], count: number): void {
    for (let i = 0; i < count; i++) {
      const captured = entries[i]?.captured;
      if (captured) queue.settle(captured);
    }
  }

  return {
    room: () => Infinity,

    take(entries) {
      if (entries[0]?.record) return writeRecords(entries);
      const annotations = leadingAnnotations(entries);
      return journal.annotate(annotations).then((statuses) => {
        settle(entries, annotations.length);
        onAnnotated(statuses);
        return { count: annotations.length };
      });
    },

    takeNow(entries) {
      if (entries[0]?.record) return writeRecords(entries);
      const annotations = leadingAnnotations(entries);
      // A journal has written them before it returns its promise.
      journal.annotate(annotations).catch(() => undefined);
      settle(entries, annotations.length);
      return { count: annotations.length };
    },

    holds: () => false,
    hurry: () => undefined,
    end: () => undefined,
  };
}

function leadingAnnotations(entries: readonly Prepared[]): Annotation[] {
  const annotations: Annotation[] = [];
  for (const { annotation } of entries) {
    if (!annotation) break;
    annotations.push(annotation);
  }
  return annotations;
}
