/**
 * `npm run bench`: each comparison in one run, its parts interleaved and each in a process of its own.
 * `--check` exits with 1 when a bar is short, `--records N` sets the size of the store (default 1,000,000).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { corpus } from "./corpus.js";
import { fillStore } from "./fill-store.js";
import { interleaved } from "./interleaved.js";
import { measureApart } from "./measure.js";
import { checkBars, printTable, ratio } from "./report.js";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    records: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
  },
});
const records = Number(values.records);
const folder = mkdtempSync(join(tmpdir(), "whetstone-bench-"));
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}`);

try {
  const logging = await interleaved(
    7,
    ["log-baseline", "log-sync", "log-journal", "log-sync-redacted"],
    async (task) => {
      const place = mkdtempSync(join(folder, "log-"));
      const measurement = await measureApart(task, [place, "50000"]);
      rmSync(place, { recursive: true });
      return measurement;
    },
  );
  printTable("log() of 50,000 interactions on the file store", [
    { ...logging[0], name: "JSON.stringify + append" },
    { ...logging[1], name: "log(), sync, not redacted" },
    { ...logging[2], name: "log(), journal, not redacted" },
    { ...logging[3], name: "log(), sync, redacted" },
  ]);

  const store = join(folder, "store");
  const bytes = await fillStore(store, corpus(records));
  console.log(`\na store of ${records} interactions, ${Math.round(bytes / records)} bytes each`);
  const [parse, scan, sft, dpo, grpo] = await interleaved(
    Number(values.rounds),
    ["read-parse", "scan", "sft", "dpo", "grpo"],
    (task) => measureApart(task, [store]),
  );
  printTable(`${records} interactions on the file store`, [
    { ...parse, name: "read + JSON.parse" },
    { ...scan, name: "query(), every record" },
    { ...sft, name: "SFT, answers not compared" },
    { ...dpo, name: "DPO, answers not compared" },
    { ...grpo, name: "GRPO" },
  ]);

  const met = checkBars({
    "logging.sync.cpu": ratio(logging[1].rounds, logging[0].rounds, ({ cpuMs }) => cpuMs),
    "scan.parse.cpu": ratio(scan.rounds, parse.rounds, ({ cpuMs }) => cpuMs),
    "build.sft.time": ratio(sft.rounds, parse.rounds, ({ wallMs }) => wallMs),
    "build.dpo.time": ratio(dpo.rounds, parse.rounds, ({ wallMs }) => wallMs),
    "build.grpo.time": ratio(grpo.rounds, parse.rounds, ({ wallMs }) => wallMs),
  });
  if (values.check && !met) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
