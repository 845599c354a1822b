import { runCli } from "./program.js";

const interruption = new AbortController();
let asked = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second time nobody wants to wait for a tidy end.
    if (asked) process.exit(signal === "SIGINT" ? 130 : 143);
    asked = true;
    interruption.abort(signal);
  });
}

await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: interruption.signal,
  now: Date.now,
  setExitCode: (code) => {
    process.exitCode = code;
  },
});
// All output has been awaited; a keep-alive connection or an open standard input must not hold the prompt back.
process.exit();
