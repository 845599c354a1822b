// Installs what tests start, where apt-get is and root may use it.
import { spawnSync } from "node:child_process";

/** The first line of what a program says of its version; undefined where it does not run. */
export function version(program) {
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
}

/** Installs packages, and says why that could not be done; undefined when it was. */
export function install(...names) {
  if (!version("apt-get")) return "this system has no apt-get";
  if (process.getuid?.() !== 0) return "only root may install it";
  console.log(`apt-get install ${names.join(" ")}`);
  if (apt("install", ...names) || (apt("update") && apt("install", ...names))) return undefined;
  return "apt-get could not install it";
}

function apt(...args) {
  // A policy that forbids services to start: a package could start one.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const options = ["-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"];
  return spawnSync("apt-get", [...options, ...args], { stdio: ["ignore", "ignore", "inherit"], env }).status === 0;
}
