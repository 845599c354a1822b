import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { saveTrainingScript } from "./save-training-script.js";
import { generateTrainingScript } from "./training-script.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whetstone-save-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const COMPANIONS = ["SERVE.md", "accelerate", "requirements.txt"];

it("writes the script and what belongs to it, and says where it is and the command", async () => {
  const path = join(folder, "scripts", "train-sft.py");
  const saved = await saveTrainingScript("sft", { path, datasetPath: "./d" });
  const accelerate = ["ddp", "fsdp2", "zero3", "zero2-offload"];
  expect(saved).toEqual({
    scriptPath: path,
    requirementsPath: join(folder, "scripts", "requirements.txt"),
    trlConfigPath: join(folder, "scripts", "train-sft.yaml"),
    acceleratePaths: accelerate.map((name) => join(folder, "scripts", "accelerate", `${name}.yaml`)),
    servePath: join(folder, "scripts", "SERVE.md"),
    command: `uv run ${path}`,
  });
  expect(await readFile(path, "utf8")).toBe(generateTrainingScript("sft", { datasetPath: "./d" }));
  const files = (await readdir(join(folder, "scripts"))).sort();
  expect(files).toEqual([...COMPANIONS, "train-sft.py", "train-sft.yaml"]);
  for (const place of [...saved.acceleratePaths, saved.servePath]) {
    expect((await readFile(place, "utf8")).length).toBeGreaterThan(100);
  }
});

it("writes no file for TRL's own command where TRL has none", async () => {
  const saved = await saveTrainingScript("grpo-offline", { path: join(folder, "a.py"), datasetPath: "./d" });
  expect(saved.trlConfigPath).toBeNull();
  expect((await readdir(folder)).sort()).toEqual([...COMPANIONS, "a.py"].sort());
});

it("pins in requirements.txt what the script's own header pins", async () => {
  const config = { loadIn4bit: true, reportTo: "wandb" } as const;
  const saved = await saveTrainingScript("dpo", { path: join(folder, "a.py"), datasetPath: "./d", config });
  const header = (await readFile(saved.scriptPath, "utf8")).split("# ///\n")[0] ?? "";
  const lines = (await readFile(saved.requirementsPath, "utf8")).trimEnd().split("\n");
  expect(lines).toEqual([...header.matchAll(/"([a-z]+[<>=].*)"/g)].map(([, requirement]) => requirement));
  expect(lines.filter((line) => /^(trl|bitsandbytes|wandb)>=\d/.test(line))).toHaveLength(3);
});

it("puts two kinds side by side, for what stands beside them is the same", async () => {
  await saveTrainingScript("sft", { path: join(folder, "sft.py"), datasetPath: "./d" });
  await saveTrainingScript("dpo", { path: join(folder, "dpo.py"), datasetPath: "./d" });
  expect((await readdir(folder)).sort()).toEqual([...COMPANIONS, "dpo.py", "dpo.yaml", "sft.py", "sft.yaml"].sort());
});

it("does not replace a file unless it is told to", async () => {
  const path = join(folder, "train.py");
  await writeFile(path, "mine");
  const save = (overwrite?: boolean) =>
    saveTrainingScript("sft", { path, datasetPath: "./d", ...(overwrite === undefined ? {} : { overwrite }) });
  await expect(save()).rejects.toThrow(/train\.py" is already there: choose another path, or allow it with overwrite/);
  expect(await readFile(path, "utf8")).toBe("mine");
  expect(await readdir(folder)).toEqual(["train.py"]);
  await save(true);
  expect(await readFile(path, "utf8")).toContain("SFTTrainer");
});

it("does not replace a requirements.txt of somebody else, and then writes no script either", async () => {
  await writeFile(join(folder, "requirements.txt"), "flask\n");
  const save = saveTrainingScript("sft", { path: join(folder, "train.py"), datasetPath: "./d" });
  await expect(save).rejects.toThrow(/requirements\.txt" is already there/);
  expect(await readdir(folder)).toEqual(["requirements.txt"]);
});

it("lets one of two savers of the same path win, and the file is whole", async () => {
  const path = join(folder, "train.py");
  const saves = await Promise.allSettled(
    ["./a", "./b"].map((datasetPath) => saveTrainingScript("sft", { path, datasetPath })),
  );
  expect(saves.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(await readFile(path, "utf8")).toMatch(/if __name__ == "__main__":\n {4}main\(\)\n$/);
  expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
});

it("quotes the path for the shell", async () => {
  const saved = await saveTrainingScript("sft", { path: join(folder, "it's $me.py"), datasetPath: "./d" });
  expect(saved.command).toBe(`uv run '${folder}/it'\\''s $me.py'`);
});

it.each(["train", "train.txt", "-x.py", "", "a\n.py", 3 as never])("refuses the path %j", async (path) => {
  await expect(saveTrainingScript("sft", { path, datasetPath: "./d" })).rejects.toThrow(
    "it has to be a path that ends in .py",
  );
});

it("writes nothing when the config is wrong", async () => {
  const save = saveTrainingScript("sft", { path: join(folder, "x", "a.py"), datasetPath: "./d", config: { seed: -1 } });
  await expect(save).rejects.toThrow("seed is -1");
  expect(await readdir(folder)).toEqual([]);
});

it("says in one sentence that a folder cannot be written to", async () => {
  await writeFile(join(folder, "file"), "");
  const save = saveTrainingScript("sft", { path: join(folder, "file", "a.py"), datasetPath: "./d" });
  await expect(save).rejects.toThrow(/^the script cannot be written to ".*a\.py": .*; give another path$/);
  await expect(save).rejects.toBeInstanceOf(ConfigError);
});

it("replaces no folder, even with overwrite", async () => {
  await mkdir(join(folder, "a.py"));
  const save = saveTrainingScript("sft", { path: join(folder, "a.py"), datasetPath: "./d", overwrite: true });
  await expect(save).rejects.toThrow(/cannot be written/);
  expect(await readdir(join(folder, "a.py"))).toEqual([]);
});

it("replaces no link and waits for no pipe, even with overwrite", async () => {
  await symlink(join(folder, "elsewhere"), join(folder, "SERVE.md"));
  const save = () => saveTrainingScript("sft", { path: join(folder, "a.py"), datasetPath: "./d", overwrite: true });
  await expect(save()).rejects.toThrow(/cannot be written to .*SERVE\.md" is no plain file; give another path$/);
  await rm(join(folder, "SERVE.md"));
  execFileSync("mkfifo", [join(folder, "requirements.txt")]);
  await expect(save()).rejects.toThrow(/requirements\.txt" is no plain file/);
  expect(await readdir(folder)).toEqual(["requirements.txt"]);
});
