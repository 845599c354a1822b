import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of 1 MiB, or null where this user may not mount one. */
export function smallDisk(): string | null {
  const disk = mkdtempSync(join(tmpdir(), "whetstone-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "ignore" });
    return disk;
  } catch {
    console.log("a full disk is not tested: this user may not mount a small one");
    return null;
  }
}
