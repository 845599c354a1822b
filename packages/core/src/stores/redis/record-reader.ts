import type { Interaction } from "../../interaction.js";
import type { FetchedRecord } from "../../store.js";
import type { Bucket } from "./buckets.js";
import { groupBy } from "./group-by.js";
import { parseAnnotations } from "./late-facts.js";
import type { RecordPlace } from "./record-places.js";
import type { RedisConnection } from "./redis-connection.js";

/** Records by their ids, in the order given. What is gone by now is left out. */
export async function readRecords(
  connection: RedisConnection,
  places: readonly RecordPlace[],
): Promise<FetchedRecord[]> {
  const found: (FetchedRecord | undefined)[] = new Array(places.length);
  const byBucket = groupBy([...places.keys()], (i) => places[i]?.bucket as Bucket);
  await Promise.all(
    [...byBucket].map(async ([bucket, positions]) => {
      const ids = positions.map((i) => places[i]?.interactionId as string);
      const [texts, annotated] = (await connection.run([
        ["hmget", bucket.records, ...ids],
        ["hlen", bucket.annotations],
      ])) as [(string | null)[], number];
      // Where nobody said anything yet, asking for each record whether somebody did costs a sixth of reading it.
      const [annotations] = (annotated > 0 ? await connection.run([["hmget", bucket.annotations, ...ids]]) : [[]]) as [
        (string | null)[],
      ];
      for (const [i, position] of positions.entries()) found[position] = parseRecord(texts[i], annotations[i]);
    }),
  );
  return found.filter((record) => record !== undefined);
}

function parseRecord(json: string | null | undefined, annotations: string | null | undefined) {
  if (json === null || json === undefined) return undefined;
  const record = JSON.parse(json) as Interaction;
  const late = annotations ? parseAnnotations(annotations) : [];
  return { interaction: late.length > 0 ? { ...record, annotations: late } : record, json };
}
