import { testStore } from "../testing/index.js";
import { memoryStore } from "./memory-store.js";

testStore("memoryStore", async () => memoryStore(), { skip: { "survives a restart": "it lives in memory" } });
