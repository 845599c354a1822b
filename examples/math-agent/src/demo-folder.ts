import { lstat, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "./demo-options.js";

/** The demo writes here, seen from where it is started, and nowhere else. */
export const DEMO_FOLDER = "./whetstone-demo";

const MARKER = ".made-by-whetstone-demo";
const OURS = ["store", "datasets", "scripts"];

/**
 * Makes the folder, or empties the one that an earlier run made. What others put there, such as a model trained with
 * the scripts, stays. @throws UsageError when there is something of that name that the demo did not make
 */
export async function freshDemoFolder(): Promise<void> {
  const existing = await lstat(DEMO_FOLDER).catch(() => null);
  if (existing) {
    const entries = existing.isDirectory() ? await readdir(DEMO_FOLDER) : null;
    if (!entries || (entries.length > 0 && !entries.includes(MARKER))) {
      throw new UsageError(
        `${DEMO_FOLDER} is there already and was not made by this demo: move it away, or start the demo in another folder`,
      );
    }
    for (const name of OURS) await rm(join(DEMO_FOLDER, name), { recursive: true, force: true });
  }
  await mkdir(DEMO_FOLDER, { recursive: true }).catch((error: Error) => {
    throw new UsageError(
      `${DEMO_FOLDER} cannot be made: ${error.message}; start the demo in a folder you may write to`,
    );
  });
  await writeFile(join(DEMO_FOLDER, MARKER), "npm run demo made this folder and starts it afresh at each run.\n");
}
