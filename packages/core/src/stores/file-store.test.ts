import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testStore } from "../testing/index.js";
import { fileStore } from "./file-store.js";

testStore("fileStore", async () => fileStore(await mkdtemp(join(tmpdir(), "whetstone-store-"))), {
  reopen: async (store) => fileStore(store.url.slice("file:".length)),
  cleanUp: async (store) => rm(store.url.slice("file:".length), { recursive: true, force: true }),
});
