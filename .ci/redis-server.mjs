// Makes sure that the Redis tests find a redis-server to start: `npm test` runs this before anything else.
import { spawnSync } from "node:child_process";

const found = version("redis-server");
if (found) console.log(`redis-server: ${found}`);
else install();

function install() {
  if (!version("apt-get", ["--version"])) giveUp("this system has no apt-get");
  if (process.getuid?.() !== 0) giveUp("only root may install it");
  console.log("redis-server is not installed: apt-get install redis-server");
  if (!apt("install", "redis-server") && !(apt("update") && apt("install", "redis-server"))) {
    giveUp("apt-get could not install it");
  }
  const installed = version("redis-server");
  if (!installed) giveUp("apt-get installed it, but it does not run");
  // The tests start servers of their own, on free ports and in temporary folders.
  spawnSync("service", ["redis-server", "stop"], { stdio: "ignore" });
  console.log(`redis-server: ${installed}`);
}

function apt(...args) {
  // A policy that forbids services to start: the package would start one on port 6379.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = ["-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"];
  return spawnSync("apt-get", [...options, ...args], { stdio: ["ignore", "ignore", "inherit"], env }).status === 0;
}

function version(program, args = ["--version"]) {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
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
