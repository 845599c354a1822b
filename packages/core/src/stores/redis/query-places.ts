import { interactionFilter } from "../../interaction-filter.js";
import type { InteractionFilter } from "../../store.js";
import type { Keys } from "./buckets.js";
import { qualityPlaces, qualityRange } from "./quality-places.js";
import type { RecordPlace } from "./record-places.js";
import type { RedisConnection } from "./redis-connection.js";
import { daysOf, isBefore, type TimeRowOptions, timeRows } from "./time-rows.js";

/** Rows wait while the records of those before them are read: where they are few, they die young. */
const LARGEST_PAGE = 512;

/** Streams the places of records that may match, in the order asked for: by the index that leaves the fewest. */
export async function* queryPlaces(
  connection: RedisConnection,
  keys: Keys,
  tags: readonly string[],
  filter: InteractionFilter,
  { descending, after, firstPage }: TimeRowOptions,
): AsyncGenerator<readonly RecordPlace[]> {
  const matches = interactionFilter(filter);
  const range = after ? narrowed(filter, after.timestamp, descending === true) : filter;
  const { startTime, endTime } = range;
  const qualities = qualityRange(filter);
  const found = await daysOf(connection, keys, tags, range);
  for (const { buckets } of descending ? found.reverse() : found) {
    const rare = qualities && (await qualityPlaces(connection, keys, buckets, qualities));
    if (rare) {
      const places = rare.filter((place) => !after || (descending ? isBefore(place, after) : isBefore(after, place)));
      yield descending ? places.reverse() : places;
      continue;
    }
    const withLateFacts = qualities !== null;
    const pages = { firstPage, largestPage: LARGEST_PAGE };
    const rows = timeRows(connection, buckets, { startTime, endTime, descending, after, withLateFacts, ...pages });
    for await (const page of rows) yield page.filter(matches);
  }
}

/** What lies behind a cursor, as a filter. */
function narrowed(filter: InteractionFilter, timestamp: number, descending: boolean): InteractionFilter {
  return descending
    ? { ...filter, endTime: Math.min(filter.endTime ?? Infinity, timestamp + 1) }
    : { ...filter, startTime: Math.max(filter.startTime ?? -Infinity, timestamp) };
}
