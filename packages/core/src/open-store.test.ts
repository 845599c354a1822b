import { describe, expect, it } from "vitest";
import { defaultStoreUrl, openStore } from "./open-store.js";

describe("the store that is meant without a URL", () => {
  it.each([
    [{}, "file:./.whetstone"],
    [{ WHETSTONE_URL: "memory:", REDIS_URL: "redis://a", REDIS_HOST: "b" }, "memory:"],
    [{ WHETSTONE_URL: "", REDIS_URL: "redis://a:1/2", REDIS_HOST: "b" }, "redis://a:1/2"],
    [{ REDIS_HOST: "b" }, "redis://b"],
    [{ REDIS_HOST: "b", REDIS_PORT: "6380", REDIS_DB: "3" }, "redis://b:6380/3"],
    [{ REDIS_HOST: "b", REDIS_DB: "3" }, "redis://b/3"],
    [{ REDIS_PORT: "6380", REDIS_DB: "3" }, "file:./.whetstone"],
  ])("in the environment %j is %s", (env, url) => {
    expect(defaultStoreUrl(env)).toBe(url);
  });
});

describe("a store's URL", () => {
  it.each([
    ["memory:", "memory:"],
    ["redis://ada:secret@host:6380/2?prefix=app", "redis://host:6380/2?prefix=app"],
    ["redis://host", "redis://host"],
    ["rediss://host:1?strict=true", "rediss://host:1?strict=true"],
    ["redis-cluster://:secret@a:1,b:2?prefix=ws", "redis-cluster://a:1,b:2"],
    ["redis://[::1]:6380", "redis://[::1]:6380"],
    ["redis://host:6379/0?strict=false", "redis://host"],
    ["redis://:secret@/3", "redis://127.0.0.1/3"],
    ["redis-cluster://a,b:6379/0", "redis-cluster://a,b"],
  ])("of %s is %s, without secrets and what is the default", (given, shown) => {
    expect(openStore(given).url).toBe(shown);
  });
});
