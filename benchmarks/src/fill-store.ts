import { fileStore, type Interaction } from "@whetstone/core";

/** Writes interactions into a new file store and says how many bytes their JSON has. */
export async function fillStore(place: string, interactions: Iterable<Interaction>): Promise<number> {
  const store = fileStore(place);
  let bytes = 0;
  let batch: Interaction[] = [];
  const write = () => {
    const { error } = store.appendSync(batch, { newIds: true });
    if (error) throw error;
    batch = [];
  };
  for (const interaction of interactions) {
    bytes += Buffer.byteLength(JSON.stringify(interaction));
    if (batch.push(interaction) === 256) write();
  }
  write();
  await store.close();
  return bytes;
}
