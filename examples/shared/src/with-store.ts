import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type InteractionStore, openStore } from "@whetstone/core";

/** Works on the store in a folder, or in a temporary one that is gone afterwards. */
export async function withStore<R>(
  folder: string | undefined,
  work: (store: InteractionStore) => Promise<R>,
): Promise<R> {
  const place = folder ?? (await mkdtemp(join(tmpdir(), "whetstone-example-")));
  const store = openStore(`file:${place}`);
  try {
    return await work(store);
  } finally {
    await store.close();
    if (folder === undefined) await rm(place, { recursive: true, force: true });
  }
}
