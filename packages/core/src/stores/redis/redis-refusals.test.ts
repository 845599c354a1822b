import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreError } from "../../errors.js";
import { openStore } from "../../open-store.js";
import type { InteractionStore } from "../../store.js";
import { storeFault } from "../../store-fault.js";
import { interaction } from "../../testing/interaction.js";
import { type RedisCluster, startRedisCluster } from "../../testing/redis-cluster.js";
import { freePort, hasRedisServer, type RedisServer, startRedis } from "../../testing/redis-server.js";
import { redisStore } from "../redis-store.js";

const SECRET = "s3cr3t-word";

describe.each([
  [
    "mysql://user:s3cr3t-word@host/x",
    /no store is known for "mysql:\/\/…@host\/x": use file:.\/folder, redis:\/\/host/,
  ],
  ["redis://user:s3cr3t-word@host:99999", /"host:99999" in "redis:\/\/host:99999" is no server: use host:port/],
  ["redis://host/abc", /"abc" in "redis:\/\/host\/abc" is no database number: use a number such as \/0/],
  ["redis://a:1,b:2", /names several servers: use redis-cluster:\/\//],
  ["redis-cluster://host:7000/3", /asks for database 3, but a cluster has only database 0: leave \/3 out/],
  ["redis://host?prefx=a", /"prefx" in "redis:\/\/host" is no option of a Redis URL: use prefix or strict/],
  ["redis://host?prefix=a%20b", /prefix is "a b": use up to 64 letters/],
  ["redis://:%zz@host", /not percent-encoded: write @ as %40/],
  ["redis://user:s3cr3t-word@at@host", /not percent-encoded: write @ as %40, \/ as %2F/],
  ["redis://user:at@s3cr3t-word@host", /not percent-encoded/],
  ["redis://user:s3cr3t-word/slash@host:1", /not percent-encoded/],
  ["redis://user:slash/s3cr3t-word@host:1", /not percent-encoded/],
  ["redis://user:s3cr3t-word?mark@host", /not percent-encoded/],
  ["redis-cluster://user:s3cr3t-word#hash@a:1,b:2", /not percent-encoded/],
  ["mysql://user:a/b@s3cr3t-word@host/x", /no store is known for "mysql:\/\/…@host\/x"/],
])("the URL %s", (url, sentence) => {
  it("is refused at once with a sentence that says what to change", () => {
    expect(() => openStore(url)).toThrow(sentence);
    expect(messageOf(() => openStore(url))).not.toContain(SECRET);
  });
});

it("takes either a URL or a client, and only a client that can be used", () => {
  expect(() => redisStore({})).toThrow("redisStore needs either url or client");
  const notOurs = { status: "ready" } as unknown as NonNullable<Parameters<typeof redisStore>[0]["client"]>;
  expect(() => redisStore({ client: notOurs })).toThrow("client is no Redis client: pass one of ioredis 5 or 6");
});

describe.runIf(hasRedisServer())("a server that cannot hold the store", () => {
  let plain: RedisServer;
  let locked: RedisServer;
  let encrypted: RedisServer;
  let cluster: RedisCluster;
  beforeAll(async () => {
    [plain, locked, encrypted, cluster] = await Promise.all([
      startRedis(),
      startRedis({ config: { requirepass: SECRET } }),
      startRedis({ tls: true }),
      startRedisCluster(),
    ]);
    await plain.cli("acl", "setuser", "reader", "on", `>${SECRET}`, "~*", "+@read", "+info");
    await plain.cli("acl", "setuser", "elsewhere", "on", `>${SECRET}`, "~other:*", "+@all");
  });
  afterAll(() => Promise.all([plain, locked, encrypted, cluster].map((one) => one.stop())));

  /** How the first write to a place fails. */
  async function refusal(open: () => InteractionStore): Promise<StoreError> {
    const store = open();
    try {
      await store.append([interaction()]);
    } catch (error) {
      expect((error as Error).message).not.toContain(SECRET);
      expect((await store.health()).reasons.join()).not.toContain(SECRET);
      return error as StoreError;
    } finally {
      await store.close();
    }
    throw new Error(`${store.url} took the record`);
  }

  it("is refused for a wrong or a missing password, and the password is in no message", async () => {
    const wrong = await refusal(() => openStore(locked.url.replace("//", `//:not-${SECRET}@`)));
    expect(wrong.message).toBe(`Redis at ${locked.url} refuses the user name or password: correct them in the URL`);
    const missing = await refusal(() => openStore(locked.url));
    expect(missing.message).toBe(`Redis at ${locked.url} wants a password: use redis://user:password@host:port`);
    expect([wrong, missing].map(storeFault)).toEqual(["permanent", "permanent"]);
  });

  it("is let in once the password is right, through the same store", async () => {
    const server = await startRedis({ config: { requirepass: "older" } });
    const store = openStore(server.url.replace("//", `//:${SECRET}@`));
    await expect(store.append([interaction()])).rejects.toThrow(/refuses the user name or password/);
    await server.configure("requirepass", SECRET);
    await expect.poll(() => store.append([interaction()]).catch(() => []), { timeout: 20_000 }).toEqual(["stored"]);
    await store.close();
    await server.stop();
  });

  it("is refused when its user may not do what the store needs", async () => {
    const readOnly = await refusal(() => openStore(plain.url.replace("//", `//reader:${SECRET}@`)));
    expect(readOnly.message).toMatch(/lacks a permission of this user .*: give it the commands .* docs\/stores\.md/);
    const otherKeys = await refusal(() => openStore(plain.url.replace("//", `//elsewhere:${SECRET}@`)));
    expect(otherKeys.message).toMatch(/lacks a permission of this user \(the keys of the store\)/);
    expect([readOnly, otherKeys].map(storeFault)).toEqual(["permanent", "permanent"]);
  });

  it("is refused when its certificate is not known, and taken when its authority is given", async () => {
    const unknown = await refusal(() => openStore(encrypted.url));
    expect(unknown.message).toMatch(/no secure connection .* \(SELF_SIGNED.*\): .* NODE_EXTRA_CA_CERTS/);
    expect(storeFault(unknown)).toBe("permanent");
    const known = redisStore({ url: encrypted.url, clientOptions: { tls: { ca: encrypted.ca } } });
    expect(await known.append([interaction()])).toEqual(["stored"]);
    await known.close();
  });

  it("says which scheme to try when one side speaks TLS and the other does not", async () => {
    const plainToTls = await refusal(() => openStore(encrypted.url.replace("rediss:", "redis:")));
    expect(plainToTls.message).toMatch(/use rediss:\/\/ where it speaks TLS/);
    const tlsToPlain = await refusal(() => openStore(plain.url.replace("redis:", "rediss:")));
    expect(tlsToPlain.message).toMatch(/use redis:\/\/ where it speaks no TLS/);
  });

  it("is refused when it is one of a cluster, or when a cluster was expected", async () => {
    const [node] = cluster.servers;
    const single = await refusal(() => openStore(node?.url ?? ""));
    expect(single.message).toBe(`Redis at ${node?.url} is part of a cluster: use redis-cluster:// and no database`);
    const second = await refusal(() => openStore(`${node?.url}/2`));
    expect(second.message).toMatch(/is part of a cluster: use redis-cluster:\/\/ and no database/);
    const url = plain.url.replace("redis:", "redis-cluster:");
    const noCluster = await refusal(() => openStore(url));
    expect(noCluster.message).toBe(`Redis at ${url} is no cluster: use redis:// with one host`);
    expect([single, second, noCluster].map(storeFault)).toEqual(["permanent", "permanent", "permanent"]);
  });

  it("is refused for a database that it does not have, and nothing goes to another one", async () => {
    const store = openStore(`${plain.url}/99?prefix=lost`);
    for (let i = 0; i < 3; i++)
      await expect(store.append([interaction()])).rejects.toThrow(/no database of this number/);
    await store.close();
    expect(await plain.cli("keys", "lost:*")).toBe("");
  });

  it("is refused to a user who may not choose the database, until the user may", async () => {
    await plain.cli("acl", "setuser", "zero", "on", `>${SECRET}`, "~*", "+@all", "-select");
    const store = openStore(`${plain.url.replace("//", `//zero:${SECRET}@`)}/2?prefix=astray`);
    for (let i = 0; i < 4; i++) {
      await expect(store.append([interaction()])).rejects.toThrow(/lacks a permission of this user \('select'\)/);
    }
    await Promise.allSettled(Array.from({ length: 20 }, () => store.append([interaction()])));
    expect(await plain.cli("keys", "astray:*")).toBe("");
    await plain.cli("acl", "setuser", "zero", "+select");
    await expect.poll(() => store.append([interaction()]).catch(() => []), { timeout: 20_000 }).toEqual(["stored"]);
    await store.close();
    expect(await plain.cli("keys", "astray:*")).toBe("");
    expect(await plain.cli("-n", "2", "hget", "astray:meta", "layout")).toBe("1");
  });

  it("is refused when it is older than 6.2, or no Redis", async () => {
    const old = await fakeServer((text) =>
      /info/i.test(text) ? bulk("redis_version:6.0.16\r\nrun_id:abc\r\nredis_mode:standalone") : "+OK\r\n",
    );
    const tooOld = await refusal(() => openStore(old.url));
    expect(tooOld.message).toBe(`Redis at ${old.url} is version 6.0.16: use 6.2 or newer`);
    const web = await fakeServer(() => "HTTP/1.1 400 Bad Request\r\n\r\n");
    const noRedis = await refusal(() => openStore(web.url));
    expect(noRedis.message).toBe(`${web.url} answers, but not as a Redis does: check host and port`);
    expect([tooOld, noRedis].map(storeFault)).toEqual(["permanent", "permanent"]);
    await Promise.all([old.stop(), web.stop()]);
  });

  it("is told apart from one that is not there", async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const nobody = await refusal(() => openStore(url));
    expect(nobody.message).toBe(`nothing listens at ${url}: start Redis there, or correct the URL`);
    const noCluster = await refusal(() => openStore(url.replace("redis:", "redis-cluster:")));
    expect(noCluster.message).toMatch(/no server of redis-cluster:.* answers|nothing listens at redis-cluster:/);
    expect([nobody, noCluster].map(storeFault)).toEqual(["temporary", "temporary"]);
  });

  it("names a key of somebody else in our namespace, and leaves it as it is", async () => {
    await plain.cli("set", "taken:meta", "theirs");
    const meta = await refusal(() => openStore(`${plain.url}?prefix=taken`));
    expect(meta.message).toBe(
      `the key taken:meta at ${plain.url} is something else than a hash of ours: use another prefix`,
    );
    expect(storeFault(meta)).toBe("permanent");

    await plain.cli("set", "part:{0}:2026-03-01:r", "theirs");
    const store = openStore(`${plain.url}?prefix=part`);
    const [blocked, free] = [Date.UTC(2026, 2, 1), Date.UTC(2026, 2, 2)].map((timestamp) => interaction({ timestamp }));
    const failure = await store.append([blocked, free].flatMap((one) => one ?? [])).catch((error: StoreError) => error);
    expect(failure).toMatchObject({ code: "STORE_RECORD_REFUSED" });
    expect(storeFault(failure as StoreError)).toBe("records");
    expect(await store.get(free?.interactionId ?? "")).toEqual(free);
    expect((await store.stats()).totalInteractions).toBe(1);
    expect(await plain.cli("get", "part:{0}:2026-03-01:r")).toBe("theirs");
    await store.close();
  });

  it("refuses a store of a layout that it does not know", async () => {
    await plain.cli("hset", "newer:meta", "layout", "9");
    const newer = await refusal(() => openStore(`${plain.url}?prefix=newer`));
    expect(newer.message).toMatch(/has layout 9, and this version knows 1: update whetstone/);
  });
});

function messageOf(act: () => unknown): string {
  try {
    act();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** Something that listens and gives one answer to whatever it is told. */
async function fakeServer(answer: (text: string) => string): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      // One answer a command: each begins with an asterisk.
      for (const command of data.toString().split(/(?=\*\d+\r\n)/)) socket.write(answer(command));
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
