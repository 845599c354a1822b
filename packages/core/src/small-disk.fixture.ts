import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  readonly path: string;
}

/** A disk of 1 MiB for as long as a test runs, or null where this user may not mount one. */
export function smallDisk(): SmallDisk | null {
  const path = mkdtempSync(join(tmpdir(), "whetstone-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path], { stdio: "ignore" });
  } catch {
    rmdirSync(path);
    return null;
  }
  return {
    path,
    [Symbol.dispose]() {
      execFileSync("umount", ["-l", path]);
      rmdirSync(path);
    },
  };
}
