import type { Interaction } from "../../interaction.js";
import type { FetchedRecord } from "../../store.js";
import type { Bucket } from "./buckets.js";
import { groupBy } from "./group-by.js";
import { parseAnnotations } from "./late-facts.js";
import type { RecordPlace } from "./record-places.js";
import type { RedisConnection } from "./redis-connection.js";
import type { RedisCommand } from "./redis-like.js";

/** Few enough that most of them die young, which the garbage collector rewards. */
const SLICE = 64;

/**
 * Reads records by their ids, in the order given, and streams them some at a time. What is gone by now is left out.
 * Those whose turn has not come wait as bytes, which lie outside the heap.
 */
export async function* readRecords(
  connection: RedisConnection,
  places: readonly RecordPlace[],
): AsyncGenerator<FetchedRecord[]> {
  const texts: (Buffer | null)[] = new Array(places.length).fill(null);
  const annotations: (Buffer | null)[] = new Array(places.length).fill(null);
  const byTag = groupBy([...places.keys()], (i) => (places[i] as RecordPlace).bucket.tag);
  await Promise.all([...byTag.values()].map(readTag));
  for (let start = 0; start < places.length; start += SLICE) {
    const records: FetchedRecord[] = [];
    const end = Math.min(start + SLICE, places.length);
    for (let i = start; i < end; i++) {
      const text = texts[i];
      if (text) records.push(parseRecord(text, annotations[i]));
      texts[i] = null; // the bytes are many, and they go with the last record that refers to them
    }
    if (records.length > 0) yield records;
  }

  /** All that is a tag's lies in one slot, so many days go in one round trip. */
  async function readTag(positions: readonly number[]): Promise<void> {
    const byBucket = [...groupBy(positions, (i) => (places[i] as RecordPlace).bucket)];
    const [annotated, ...found] = await connection.runForBytes([
      ["exists", ...byBucket.map(([bucket]) => bucket.annotations)],
      ...fields((bucket) => bucket.records),
    ]);
    put(texts, found);
    // Where nobody said anything yet, asking for each record whether somebody did costs a sixth of reading it.
    if (Number(annotated) > 0) put(annotations, await connection.runForBytes(fields((bucket) => bucket.annotations)));

    function fields(keyOf: (bucket: Bucket) => string): RedisCommand[] {
      return byBucket.map(([bucket, some]) => {
        return ["hmget", keyOf(bucket), ...some.map((i) => (places[i] as RecordPlace).interactionId)];
      });
    }

    function put(column: (Buffer | null)[], answers: readonly unknown[]): void {
      for (const [j, [, some]] of byBucket.entries()) {
        const answer = answers[j] as (Buffer | null)[];
        for (const [k, i] of some.entries()) column[i] = answer[k] ?? null;
        answer.length = 0;
      }
    }
  }
}

function parseRecord(text: Buffer, annotations: Buffer | null | undefined): FetchedRecord {
  const json = text.toString();
  const record = JSON.parse(json) as Interaction;
  const late = annotations ? parseAnnotations(annotations.toString()) : [];
  return { interaction: late.length > 0 ? { ...record, annotations: late } : record, json };
}
