import { onDemand } from "../on-demand.js";
import type { SharedStore } from "../store.js";

/** A shared store whose code is loaded, and which is made, with the first call to it. */
export function storeOnceLoaded(url: string, load: () => Promise<SharedStore>): SharedStore {
  const store = onDemand(load);

  return {
    url,
    append: async (interactions) => (await store()).append(interactions),
    annotate: async (annotations) => (await store()).annotate(annotations),
    get: async (interactionId) => (await store()).get(interactionId),
    async *query(options) {
      yield* (await store()).query(options);
    },
    async *scanIndex(filter) {
      yield* (await store()).scanIndex(filter);
    },
    async *fetch(refs) {
      yield* (await store()).fetch(refs);
    },
    stats: async (filter) => (await store()).stats(filter),
    saveCalibration: async (calibration) => (await store()).saveCalibration(calibration),
    calibrations: async () => (await store()).calibrations(),
    deleteBefore: async (timestamp) => (await store()).deleteBefore(timestamp),
    eraseUser: async (userId) => (await store()).eraseUser(userId),
    health: async () => (await store()).health(),
    close: async () => (await store()).close(),
    scoringQueue: async (source, options) => (await store()).scoringQueue(source, options),
  };
}
