import { DAY_MS, dayOf, dayStart } from "../../day.js";
import { IndexFlag, type InteractionFilter } from "../../store.js";
import type { Bucket, Keys } from "./buckets.js";
import type { RedisConnection } from "./redis-connection.js";
import { parseTimeEntry, type TimeEntry } from "./time-entry.js";

/** A row of the index: where its record lies and, if asked for, its effective score. */
export interface TimeRow extends TimeEntry {
  readonly bucket: Bucket;
  /** NaN is unscored, or not asked for. */
  readonly overall: number;
}

export interface TimeRowOptions {
  /** Epoch milliseconds, inclusive. */
  readonly startTime?: number | undefined;
  /** Exclusive. */
  readonly endTime?: number | undefined;
  readonly descending?: boolean | undefined;
  /** Begins behind this place. */
  readonly after?: { readonly timestamp: number; readonly interactionId: string } | undefined;
  /** Reads what came later too: the effective scores, and who has a demonstration. */
  readonly withLateFacts?: boolean | undefined;
  /** Rows of the first page; the following ones grow up to the largest. */
  readonly firstPage?: number | undefined;
  readonly largestPage?: number | undefined;
}

const LARGEST_PAGE = 2_048;

/** The days of a store that a filter can touch, in order, each with the buckets that it has. */
export async function daysOf(
  connection: RedisConnection,
  keys: Keys,
  tags: readonly string[],
  { startTime, endTime }: Pick<InteractionFilter, "startTime" | "endTime"> = {},
): Promise<{ readonly day: string; readonly buckets: readonly Bucket[] }[]> {
  const lists = await Promise.all(
    tags.map(async (tag) => {
      const [found] = await connection.run([["zrange", keys.days(tag), 0, -1]]);
      return { tag, found: found as string[] };
    }),
  );
  const days = new Map<string, Bucket[]>();
  for (const { tag, found } of lists) {
    for (const day of found) {
      const start = dayStart(day);
      if (!(start + DAY_MS > (startTime ?? -Infinity) && start < (endTime ?? Infinity))) continue;
      const buckets = days.get(day) ?? [];
      days.set(day, buckets);
      buckets.push(keys.bucket(tag, day));
    }
  }
  return [...days].map(([day, buckets]) => ({ day, buckets })).sort((a, b) => (a.day < b.day ? -1 : 1));
}

/** Streams the rows of one day in the order of time, equal times by id, from all its buckets. */
export async function* timeRows(
  connection: RedisConnection,
  buckets: readonly Bucket[],
  options: TimeRowOptions,
): AsyncGenerator<readonly TimeRow[]> {
  const readers = buckets.map((bucket) => pageReader(connection, bucket, options));
  if (readers.length === 1) {
    for (const read of readers) for (let page = await read(); page; page = await read()) yield page;
    return;
  }
  yield* merged(readers, options.descending === true);
}

type PageRow = ReturnType<typeof parseTimeEntry<Bucket>>;
type PageReader = () => Promise<readonly TimeRow[] | null>;

function pageReader(connection: RedisConnection, bucket: Bucket, options: TimeRowOptions): PageReader {
  const { startTime = -Infinity, endTime = Infinity, descending = false, after, withLateFacts } = options;
  const { largestPage = LARGEST_PAGE, firstPage = largestPage } = options;
  let size = Math.min(largestPage, Math.max(16, firstPage));
  let edge = after && dayOf(after.timestamp) === bucket.day ? after.timestamp : undefined;
  let last = edge === undefined ? undefined : after;
  /** Rows of the time `edge` that were read already. */
  let skip = 0;
  let ended = false;
  let demonstrated: ReadonlySet<string> | null = null;

  return async () => {
    while (!ended) {
      const low = !descending && edge !== undefined ? edge : startTime;
      const high = descending && edge !== undefined ? String(edge) : endTime === Infinity ? "+inf" : `(${endTime}`;
      const range = [low === -Infinity ? "-inf" : low, high];
      if (descending) range.reverse();
      const reverse = descending ? ["rev"] : [];
      const [answer] = await connection.run([
        ["zrange", bucket.times, ...range, "byscore", ...reverse, "limit", skip, size, "withscores"],
      ]);
      const found = answer as string[];
      if (found.length < size * 2) ended = true;
      size = Math.min(largestPage, size * 4);
      const rows: PageRow[] = [];
      for (let i = 0; i < found.length; i += 2) {
        const timestamp = Number(found[i + 1]);
        if (timestamp !== edge) [edge, skip] = [timestamp, 0];
        skip += 1;
        const row = parseTimeEntry(found[i] as string, timestamp, bucket);
        // What was read before comes again when others are written before it meanwhile.
        if (last && !isBeyond(row, last, descending)) continue;
        last = row;
        rows.push(row);
      }
      found.length = 0;
      if (rows.length > 0) return withScores(rows);
    }
    return null;
  };

  async function withScores(rows: readonly PageRow[]): Promise<readonly TimeRow[]> {
    if (!withLateFacts) return rows;
    const [scores, members] = await connection.run([
      ["zmscore", bucket.qualities, ...rows.map((row) => row.interactionId)],
      ...(demonstrated ? [] : [["smembers", bucket.demonstrations] as const]),
    ]);
    demonstrated ??= new Set(members as string[]);
    for (const [i, row] of rows.entries()) {
      row.overall = overallOf((scores as (string | null)[])[i]);
      if (demonstrated.has(row.interactionId)) row.flags |= IndexFlag.demonstration;
    }
    (scores as unknown[]).length = 0;
    return rows;
  }
}

/** The overall that a score of the quality index stands for. */
function overallOf(score: string | null | undefined): number {
  const overall = Number(score ?? -1);
  return overall < 0 ? Number.NaN : overall;
}

type Place = Pick<TimeEntry, "timestamp" | "interactionId">;

function isBeyond(row: Place, place: Place, descending: boolean): boolean {
  return descending ? isBefore(row, place) : isBefore(place, row);
}

/** The order of the index: by time, then by id. */
export function isBefore(a: Place, b: Place): boolean {
  return a.timestamp < b.timestamp || (a.timestamp === b.timestamp && a.interactionId < b.interactionId);
}

async function* merged(readers: readonly PageReader[], descending: boolean): AsyncGenerator<readonly TimeRow[]> {
  const open = await Promise.all(readers.map(async (read) => ({ read, page: await read(), at: 0 })));
  let sources = open.filter(({ page }) => page !== null);
  while (sources.length > 0) {
    // As far as the first page ends, nothing that is still to come can lie in between.
    const rows: TimeRow[] = [];
    let drained = false;
    while (!drained) {
      let [first] = sources;
      for (const source of sources) {
        const row = source.page?.[source.at];
        const best = first?.page?.[first.at];
        if (row && best && isBeyond(best, row, descending)) first = source;
      }
      if (!first?.page) break;
      rows.push(first.page[first.at] as TimeRow);
      first.at += 1;
      drained = first.at >= first.page.length;
    }
    yield rows;
    await Promise.all(
      sources.map(async (source) => {
        if (!source.page || source.at < source.page.length) return;
        source.page = await source.read();
        source.at = 0;
      }),
    );
    sources = sources.filter(({ page }) => page !== null);
  }
}
