import { join } from "node:path";
import { effectiveScore, fileStore } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

async function store() {
  const cwd = temporaryFolder();
  await recorded(cwd, interaction({ interactionId: "a", answer: "41", reference: "42" }));
  return cwd;
}

async function stored(cwd: string) {
  const opened = fileStore(join(cwd, ".whetstone"));
  const found = await opened.get("a");
  await opened.close();
  return { annotations: found?.annotations ?? [], effective: found && effectiveScore(found) };
}

describe("feedback", () => {
  it.each([
    [["--good"], { type: "boolean", value: true }, 1],
    [["--bad"], { type: "boolean", value: false }, 0],
    [["--rating", "0.7"], { type: "rating", value: 0.7 }, 0.7],
    [["--comment", "misses the tax"], { type: "comment", value: "misses the tax" }, undefined],
    [["--demonstration", "It is 42."], { type: "demonstration", value: "It is 42." }, undefined],
  ])("%j is recorded under the name of who said it", async (options, said, overall) => {
    const cwd = await store();
    const answer = await runJson(["feedback", "a", ...options, "--by", "ada"], { cwd });
    expect(answer).toEqual({ interaction_id: "a", source: "human:ada", recorded: [said.type] });
    const { annotations, effective } = await stored(cwd);
    expect(annotations).toEqual([
      { interactionId: "a", kind: "feedback", source: "human:ada", at: NOW, feedback: said },
    ]);
    expect(effective?.overall).toBe(overall);
  });

  it("may say several things at once, and keeps the corrected answer from standard input", async () => {
    const cwd = await store();
    const stdin = "6 times 7 is 42.\nSo it is 42.\n";
    const run = await runInProcess(["feedback", "a", "--bad", "--comment", "wrong", "--demonstration", "-"], {
      cwd,
      stdin,
    });
    expect(run).toEqual({
      exitCode: ExitCode.done,
      stdout: "recorded boolean, comment, demonstration by human:user\n",
      stderr: "",
    });
    expect((await stored(cwd)).annotations).toMatchObject([
      { feedback: { type: "boolean", value: false } },
      { feedback: { type: "comment", value: "wrong" } },
      { feedback: { type: "demonstration", value: "6 times 7 is 42.\nSo it is 42." } },
    ]);
  });

  it("decides over a verifier, which decides over a judge", async () => {
    const cwd = await store();
    await runJson(["score", "--scorer", "math"], { cwd });
    expect((await stored(cwd)).effective).toMatchObject({ overall: 0, source: "verifier:math" });
    await runJson(["feedback", "a", "--rating", "0.9", "--by", "ada"], { cwd });
    expect((await stored(cwd)).effective).toMatchObject({ overall: 0.9, source: "human:ada" });
  });

  it("replaces what the same person said before", async () => {
    const cwd = await store();
    await runJson(["feedback", "a", "--rating", "0.9"], { cwd });
    await runJson(["feedback", "a", "--rating", "0.2"], { cwd, now: NOW + 1 });
    expect((await stored(cwd)).annotations).toMatchObject([{ feedback: { value: 0.2 } }]);
  });

  it("takes secrets out, unless told otherwise", async () => {
    const cwd = await store();
    const said = ["--comment", "ask ada@example.com"];
    await runJson(["feedback", "a", ...said], { cwd });
    expect((await stored(cwd)).annotations).toMatchObject([{ feedback: { value: "ask <EMAIL_1>" } }]);
    await runJson(["feedback", "a", ...said, "--by", "raw", "--no-redact"], { cwd });
    const raw = (await stored(cwd)).annotations.find(({ source }) => source === "human:raw");
    expect(raw).toMatchObject({ feedback: { value: "ask ada@example.com" } });
  });

  it.each([
    [["a"], "nothing is said: give --good, --bad, --rating, --comment or --demonstration"],
    [["a", "--good", "--bad"], "--good, --bad and --rating say the same thing: give one of them"],
    [["a", "--good", "--by", ""], '--by "" is no name: use up to 120 characters on one line'],
  ])("%j is wrong usage", async (args, sentence) => {
    const run = await runInProcess(["feedback", ...args], { cwd: await store() });
    expect(run).toEqual({ exitCode: ExitCode.usage, stdout: "", stderr: `whetstone: ${sentence}\n` });
  });

  it("on an unknown interaction fails", async () => {
    const run = await runInProcess(["feedback", "nobody", "--good", "--json"], { cwd: await store() });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(JSON.parse(run.stderr).error.code).toBe("INTERACTION_MISSING");
  });
});
