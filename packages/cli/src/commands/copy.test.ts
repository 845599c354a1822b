import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@whetstone/core";
import { expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

async function store(count: number): Promise<string> {
  const cwd = temporaryFolder();
  const records = Array.from({ length: count }, (_, i) => interaction({ interactionId: `i${i}`, timestamp: NOW - i }));
  await recorded(cwd, ...records);
  return cwd;
}

it("copies into a new store, and again only what is new", async () => {
  const cwd = await store(3);
  const paths = [join(cwd, ".whetstone"), join(cwd, "copied")] as const;
  expect(await runJson(["copy", ...paths], { cwd })).toEqual({
    from: `file:${paths[0]}`,
    to: `file:${paths[1]}`,
    copied: 3,
    present: 0,
    annotations: 0,
  });
  await runInProcess(["feedback", "i1", "--rating", "1"], { cwd });
  const again = await runInProcess(["copy", ".whetstone", "copied"], { cwd });
  expect(again.stdout).toContain("0 interactions and 1 annotation copied");
  expect(again.stdout).toContain("3 interactions were there already");
});

it("goes on where it was interrupted, and from the start when the copy is gone", async () => {
  const cwd = await store(2_000);
  const stop = new AbortController();
  const interrupted = runInProcess(["copy", ".whetstone", "copied"], { cwd, signal: stop.signal });
  const places = join(cwd, ".whetstone", "copies");
  while (!existsSync(places) || readdirSync(places).length === 0) await new Promise((resolve) => setImmediate(resolve));
  stop.abort("SIGINT");
  expect((await interrupted).exitCode).toBe(ExitCode.interrupted);
  const rest = (await runJson(["copy", ".whetstone", "copied"], { cwd })) as { copied: number; present: number };
  expect(rest.copied + rest.present).toBeLessThan(2_000);
  expect(readdirSync(places)).toEqual([]);
  const copy = fileStore(join(cwd, "copied"));
  expect((await copy.stats()).totalInteractions).toBe(2_000);
  await copy.close();
});

it("refuses a store that is not there, and a copy into itself", async () => {
  const cwd = await store(1);
  expect(await runInProcess(["copy", "nowhere", "copied"], { cwd })).toMatchObject({
    exitCode: ExitCode.failed,
    stderr: expect.stringContaining("there is no store at"),
  });
  expect(await runInProcess(["copy", ".whetstone", "file:./.whetstone"], { cwd })).toMatchObject({
    exitCode: ExitCode.usage,
    stderr: expect.stringContaining("cannot be copied into itself"),
  });
  const secret = "redis://ada:s3cr3t@127.0.0.1:1";
  const itself = await runInProcess(["copy", secret, "redis://bob:s3cr3t@127.0.0.1:1/0"], { cwd });
  expect(itself).toMatchObject({ exitCode: ExitCode.usage, stderr: expect.stringContaining("into itself") });
  expect(itself.stderr).not.toContain("s3cr3t");
});
