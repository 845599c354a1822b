export { interaction } from "./interaction.js";
export {
  type FakeOpenAiReply,
  type FakeOpenAiRequest,
  type FakeOpenAiServer,
  fakeOpenAiServer,
} from "./openai-server.js";
export { type TestStoreOptions, testStore } from "./test-store.js";
