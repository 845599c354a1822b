import { spawnSync } from "node:child_process";

/** Whether python3 is on this machine; tests that run it are left out where it is not. */
export const hasPython = spawnSync("python3", ["--version"]).status === 0;
