import { type Ring, ring } from "../ring.js";
import type { Item } from "./parcel.js";

/** What was stored lately and lies on no disk, in case the server forgets it. */
export interface RecentItems {
  /** Bounded in bytes: the oldest go first. */
  add(item: Item): void;
  readonly isEmpty: boolean;
  /** Gives all that is young enough and keeps none. */
  takeAll(): Item[];
}

/** Keeps items for `retainMs`, of at most `maxBytes` together. */
export function recentItems(retainMs: number, maxBytes: number): RecentItems {
  const kept: Ring<{ readonly item: Item; readonly at: number }> = ring(Infinity);
  let bytes = 0;

  const forgetOld = (now: number) => {
    for (let oldest = kept.peek(); oldest; oldest = kept.peek()) {
      if (bytes <= maxBytes && now - oldest.at <= retainMs) return;
      bytes -= oldest.item.bytes;
      kept.shift();
    }
  };
  return {
    get isEmpty() {
      return kept.size === 0;
    },
    add(item) {
      const now = performance.now();
      kept.push({ item: item.captured ? { ...item, captured: null } : item, at: now });
      bytes += item.bytes;
      forgetOld(now);
    },
    takeAll() {
      forgetOld(performance.now());
      const items: Item[] = [];
      for (let entry = kept.shift(); entry; entry = kept.shift()) items.push(entry.item);
      bytes = 0;
      return items;
    },
  };
}
