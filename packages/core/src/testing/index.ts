export { interaction } from "./interaction.js";
export { type TestStoreOptions, testStore } from "./test-store.js";
