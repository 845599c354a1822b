// Makes sure that the Redis tests find a redis-server to start: `npm test` runs this before anything else.
import { spawnSync } from "node:child_process";
import { install, version } from "./debian-package.mjs";

const found = version("redis-server");
if (found) console.log(`redis-server: ${found}`);
else installRedis();

function installRedis() {
  const reason = install("redis-server");
  if (reason) giveUp(reason);
  const installed = version("redis-server");
  if (!installed) giveUp("apt-get installed it, but it does not run");
  // The tests start servers of their own, on free ports and in temporary folders.
  spawnSync("service", ["redis-server", "stop"], { stdio: "ignore" });
  console.log(`redis-server: ${installed}`);
}

function giveUp(reason) {
  if (process.env.REDIS_URL) {
    console.warn(
      `no redis-server, and ${reason}: the store contract runs on REDIS_URL, the tests that stop servers do not`,
    );
    process.exit(0);
  }
  console.error(
    `redis-server is needed, and ${reason}: install Redis 6.2 or newer so that redis-server is on PATH, ` +
      "or set REDIS_URL to a Redis that tests may write to",
  );
  process.exit(1);
}
