import { itemOfLine, PARCEL_ENTRIES, type Parcel, parcelOf } from "./parcel.js";
import { readLines, type Segment, type SpoolPlace, settleDamaged } from "./spool.js";

/** Segments that are sent as they lie: those of a process that is no more, or those that a server has forgotten. */
export interface Replays {
  readonly isEmpty: boolean;
  /** Adds up to so many lines of a segment, from a place on. */
  add(place: SpoolPlace, lines: number): void;
  next(): Parcel | null;
}

interface Replay {
  place: SpoolPlace;
  linesLeft: number;
}

export function replays(kind: "leftover" | "again"): Replays {
  const waiting: Replay[] = [];
  const isLeftover = kind === "leftover";

  function read(replay: Replay): readonly Buffer[] {
    const { segment, offset } = replay.place;
    try {
      const { lines, next } = readLines(replay.place, Math.min(PARCEL_ENTRIES, replay.linesLeft));
      replay.linesLeft -= lines.length;
      replay.place = { segment, offset: next };
      if (isLeftover) segment.lines += lines.length;
      return lines;
    } catch {
      // The disk does not give it back: the file is kept, whoever can read it.
      segment.damaged = true;
      replay.place = { segment, offset };
      return [];
    }
  }

  function end(segment: Segment): void {
    waiting.shift();
    segment.readers -= 1;
    if (isLeftover) segment.ended = true;
  }

  return {
    get isEmpty() {
      return waiting.length === 0;
    },
    add(place, lines) {
      place.segment.readers += 1;
      waiting.push({ place, linesLeft: lines });
    },
    next() {
      for (let replay = waiting[0]; replay; replay = waiting[0]) {
        const { segment } = replay.place;
        const lines = read(replay);
        const items = [];
        for (const line of lines) {
          // Somebody who waits for what was logged waits for what is sent again too.
          const item = itemOfLine(line, segment, isLeftover ? Infinity : 0);
          if (item) items.push(item);
          else if (isLeftover) settleDamaged(segment);
        }
        if (items.length > 0) segment.readers += 1;
        if (lines.length === 0 || replay.linesLeft === 0) end(segment);
        if (items.length > 0) return parcelOf(kind, items, { reads: segment });
      }
      return null;
    },
  };
}
