export { interaction } from "./interaction.js";
export {
  type FakeOpenAiReply,
  type FakeOpenAiRequest,
  type FakeOpenAiServer,
  fakeOpenAiServer,
} from "./openai-server.js";
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from "./redis-cluster.js";
export { freePort, hasRedisServer, type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.js";
export { type TestStoreOptions, testStore } from "./test-store.js";
