// Writes one training script as the built package writes it: `node generate.mjs` with {kind, options} on stdin.
import { readFileSync } from "node:fs";
import { saveTrainingScript } from "../dist/index.js";

const { kind, options } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await saveTrainingScript(kind, options)));
