import { execFile, execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";

const child = fileURLToPath(new URL("./read-only-child.fixture.ts", import.meta.url));
/** Root may write everywhere: where we are root, the child is not. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null;

/** False where this Node or these sources lie in a folder of root's own. */
const canRun = (() => {
  if (!NOBODY) return true;
  try {
    execFileSync(process.execPath, ["-e", `require("fs").readFileSync(${JSON.stringify(child)})`], {
      ...NOBODY,
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
})();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "whetstone-read-only-"));
  if (NOBODY) chownSync(folder, NOBODY.uid, NOBODY.gid);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.skipIf(!canRun)(
  "waits while its folder is read-only, says why, and stores all of it when the folder is writable again",
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", child, folder], NOBODY ?? {});
    const told = JSON.parse(stdout);
    const { offered, stored, totalInteractions } = told;
    const duplicated = totalInteractions - stored;
    console.log(
      `read-only folder: offered ${offered}, waited ${told.waiting.pending}, stored ${totalInteractions}, dropped 0, ` +
        `duplicated ${duplicated}, lost ${offered - totalInteractions}`,
    );
    expect(told).toMatchObject({
      offered: 300,
      stored: 300,
      dropped: {},
      totalInteractions: 300,
      waiting: { stored: 150, pending: 100, dropped: 0 },
      status: "degraded",
      report: { stored: 300, pending: 0, dropped: 0 },
      recovered: "ok",
    });
    expect(told.reasons.join()).toMatch(/permission|EACCES|read-only|may not/i);
    expect(told.told).toHaveLength(1);
  },
);
