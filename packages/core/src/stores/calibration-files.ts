import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Calibration, calibrationSchema } from "../calibration.js";
import { diskError } from "../journal/disk-error.js";

/** Writes a calibration into a store's folder, one file a source; a reader sees the old or the new one. */
export function writeCalibration(root: string, calibration: Calibration): void {
  const folder = join(root, FOLDER);
  const name = createHash("sha256").update(calibration.source).digest("hex").slice(0, 16);
  const path = join(folder, `${name}.json`);
  const draft = join(folder, `.${name}.${randomBytes(6).toString("hex")}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${JSON.stringify(calibration)}\n`, { flag: "wx", mode: 0o600 });
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw diskError(cause, path);
  }
}

/** The calibrations in a store's folder, by source. A file that holds none is passed over. */
export function readCalibrations(root: string): Calibration[] {
  const folder = join(root, FOLDER);
  try {
    const names = readdirSync(folder).filter((name) => /^[0-9a-f]{16}\.json$/.test(name));
    return inOrder(names.map((name) => readFileSync(join(folder, name), "utf8")));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw diskError(cause, folder, "read");
  }
}

/** Stored calibrations, by source. What is none is passed over: it can be made again. */
export function inOrder(texts: readonly string[]): Calibration[] {
  const found = texts.flatMap((text) => {
    try {
      return [calibrationSchema.parse(JSON.parse(text))];
    } catch {
      return [];
    }
  });
  return found.sort((a, b) => (a.source < b.source ? -1 : 1));
}

const FOLDER = "calibrations";
