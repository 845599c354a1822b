// Sums up a run of .ci/run: what each guard said, then vitest's tests and the other guards in one plain line.
import { existsSync, readFileSync } from "node:fs";

const [guardsFile, vitestFile] = process.argv.slice(2);
const guards = readFileSync(guardsFile, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => line.split("\t"))
  .map(([status, name]) => ({ name, passed: status === "0" }));
const tests = existsSync(vitestFile) ? JSON.parse(readFileSync(vitestFile, "utf8")) : undefined;

console.log("");
for (const { name, passed } of guards) console.log(`${passed ? "passed" : "FAILED"}  ${name}`);

// A file that cannot be loaded or set up has no failed test to count, and a run that dies leaves no report: one failure each.
const [testGuard, ...others] = guards;
const unloadable = tests?.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
);
const failedTests = (tests?.numFailedTests ?? 0) + (unloadable?.length ?? 0);
const failedElsewhere = testGuard.passed || failedTests > 0 ? 0 : 1;
const passed = (tests?.numPassedTests ?? 0) + others.filter((guard) => guard.passed).length;
const failed = failedTests + failedElsewhere + others.filter((guard) => !guard.passed).length;
const skipped = (tests?.numPendingTests ?? 0) + (tests?.numTodoTests ?? 0);

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
