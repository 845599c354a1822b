import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { trainingKinds } from "./training-kind.js";
import { generateTrainingScript, type TrainingScriptOptions } from "./training-script.js";

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const python = hasPython
  ? it
  : (title: string, test: () => void) => it.skip(`${title} (no python3 on this machine)`, test);

const untyped = (options: unknown) => options as TrainingScriptOptions;

/** The value of CONFIG, read as Python reads it. */
function configOf(script: string): Record<string, unknown> {
  return JSON.parse(script.split('r"""')[1]?.split('"""')[0] ?? "");
}

/** A script with the text of its one literal left out. */
function frameOf(script: string): string {
  const [before, , ...after] = script.split(/(?<=CONFIG = json\.loads\(r""")([^"]|"(?!""\)))*(?="""\))/);
  return [before, ...after.slice(-1)].join("…");
}

describe("a generated script", () => {
  it("is, whole, what the golden files show", async () => {
    const sft = generateTrainingScript("sft", { datasetPath: "./whetstone-data/sft" });
    const dpo = generateTrainingScript("dpo", { datasetPath: "./whetstone-data/dpo", sftModelPath: "./sft-model" });
    await expect(sft).toMatchFileSnapshot("./golden/train-sft.golden.py");
    await expect(dpo).toMatchFileSnapshot("./golden/train-dpo.golden.py");
  });

  it("is the same for the same options", () => {
    const options = { datasetPath: "./d", config: { seed: 3 } };
    expect(generateTrainingScript("sft", options)).toBe(generateTrainingScript("sft", options));
  });

  it("takes the values of its options and its config", () => {
    const script = generateTrainingScript("dpo", {
      datasetPath: "./d",
      outputDir: "./out",
      sftModelPath: "out/sft/adapter",
      config: { max_seq_length: 512, warmup_ratio: 0.05, lossType: "ipo", rpo_alpha: 0.2, lora_r: 8, numEpochs: 2 },
    });
    expect(configOf(script)).toMatchObject({
      model: "out/sft/adapter",
      dataset_path: "./d",
      output_dir: "./out",
      max_length: 512,
      warmup_steps: 0.05,
      num_train_epochs: 2,
      lora: { r: 8, lora_alpha: 32, target_modules: "all-linear" },
      loss_type: ["ipo", "sft"],
      loss_weights: [1, 0.2],
    });
  });

  it("says steps of warm-up, where they are given, in the field that also takes a share", () => {
    const script = generateTrainingScript("sft", { datasetPath: "./d", config: { warmupSteps: 20 } });
    expect(configOf(script).warmup_steps).toBe(20);
  });

  it("writes to the config's outputDir, and to a folder named after its kind by default", () => {
    const output = (config: { outputDir?: string }) =>
      configOf(generateTrainingScript("sft", { datasetPath: "./d", config })).output_dir;
    expect(output({ outputDir: "./mine" })).toBe("./mine");
    expect(output({})).toBe("./sft-model");
  });

  it("names bitsandbytes and a tracker in its header only when they are used", () => {
    const plain = generateTrainingScript("sft", { datasetPath: "./d" });
    const rich = generateTrainingScript("sft", {
      datasetPath: "./d",
      config: { loadIn4bit: true, reportTo: "trackio" },
    });
    const names = (script: string) => [...script.matchAll(/^# {3}"([a-z]+)/gm)].map(([, name]) => name);
    expect(names(plain)).toEqual(["torch", "trl", "transformers", "peft", "datasets", "accelerate"]);
    expect(names(rich)).toEqual([...names(plain), "bitsandbytes", "trackio"]);
  });

  python("compiles", () => {
    const folder = mkdtempSync(join(tmpdir(), "whetstone-scripts-"));
    try {
      const files = trainingKinds.flatMap((kind) =>
        [{}, { useLora: false }, { loadIn4bit: true, reportTo: ["wandb", "mlflow"] as const }].map((config, index) => {
          const file = join(folder, `${kind}-${index}.py`);
          writeFileSync(file, generateTrainingScript(kind, { datasetPath: "./d", config }));
          return file;
        }),
      );
      execFileSync("python3", ["-m", "py_compile", ...files], { stdio: "pipe" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("wrong options", () => {
  it.each([
    [{ datasetPath: "" }, 'datasetPath is ""; it has to be a path'],
    [{ datasetPath: "--help" }, 'datasetPath is "--help"; it has to be a path'],
    [{ datasetPath: 7 }, "datasetPath is 7;"],
    [{}, "datasetPath is undefined;"],
    [{ datasetPath: "./d\n" }, 'datasetPath is "./d\\n";'],
    [{ datasetPath: "s3://bucket/d" }, 'datasetPath is "s3://bucket/d";'],
    [{ datasetPath: "./d", outputDir: "-rf" }, 'outputDir is "-rf";'],
    [{ datasetPath: "./d", sftModelPath: "--x" }, 'sftModelPath is "--x";'],
    [{ datasetPath: "./d", learningRate: 1 }, '"learningRate" is not an option of a training script'],
    [
      { datasetPath: "./d", outputDir: "./a", config: { outputDir: "./b" } },
      'outputDir is "./a", but config.outputDir',
    ],
    [{ datasetPath: "./d", config: { lr: "fast" } }, 'lr is "fast" (a string)'],
    [null, "the script's options are null"],
  ])("are refused by name: %j", (options, message) => {
    expect(() => generateTrainingScript("dpo", untyped(options))).toThrow(ConfigError);
    expect(() => generateTrainingScript("dpo", untyped(options))).toThrow(message);
  });

  it("include a model to start from for SFT, which starts from a base model", () => {
    const options = { datasetPath: "./d", sftModelPath: "./m" };
    expect(() => generateTrainingScript("sft", options)).toThrow("set config.baseModel");
  });
});

const HOSTILE = [
  '"); import os; os.system("id") #',
  "'''",
  '"""',
  '""")\nimport os\n("""',
  "\\",
  '\\"""',
  "\\u0022\\u0022\\u0022",
  "\\N{QUOTATION MARK}",
  "{{config}}",
  "{{{config}}}",
  "{{#if wandb}}x{{/if}}",
  "\\{{config}}",
  "{}%s%(x)s$x",
  "# -*- coding: utf-7 -*-",
  "# ///",
  "\u0000",
  "a\rb",
  "a\u0085b",
  "a\u2028b",
  "\u202egnp.exe",
  "\u2066x\u2069",
  "\ud83d",
  "\udc00x",
  "😀 ünïcödé",
  "a\u200bb",
  "<script>&amp;'\"",
  "$(id)`id`;|&",
];

describe("a hostile text", () => {
  const fields = {
    datasetPath: (text: string) => ({ datasetPath: `./${text}` }),
    outputDir: (text: string) => ({ datasetPath: "./d", outputDir: `./${text}` }),
    sftModelPath: (text: string) => ({ datasetPath: "./d", sftModelPath: `./${text}` }),
    baseModel: (text: string) => ({ datasetPath: "./d", config: { baseModel: `./${text}` } }),
    runName: (text: string) => ({ datasetPath: "./d", config: { runName: text } }),
    project: (text: string) => ({ datasetPath: "./d", config: { project: text } }),
  } as const;
  const keys = {
    datasetPath: "dataset_path",
    outputDir: "output_dir",
    sftModelPath: "model",
    baseModel: "model",
    runName: "run_name",
    project: "project",
  } as const;
  const names = Object.keys(fields) as (keyof typeof fields)[];
  const benign = generateTrainingScript("dpo", { datasetPath: "./d" });

  /** The script with the text in that field, or null when the field was refused by name. */
  function scriptWith(name: keyof typeof fields, text: string): string | null {
    try {
      return generateTrainingScript("dpo", fields[name](text));
    } catch (error) {
      if (!ConfigError.isInstance(error) || !error.message.includes(`${name} is `)) throw error;
      return null;
    }
  }

  it("arrives exactly in the one literal, or is refused by name, whatever it is", () => {
    const text = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...HOSTILE), { maxLength: 3 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), text, (name, value) => {
        const script = scriptWith(name, value);
        if (script === null) return;
        const prefix = name === "runName" || name === "project" ? "" : "./";
        expect(configOf(script)[keys[name]]).toBe(`${prefix}${value}`);
        expect(frameOf(script)).toBe(frameOf(benign));
      }),
      { numRuns: 500 },
    );
  });

  python("leaves the Python program as it was but for that literal", () => {
    const scripts = names.flatMap((name) =>
      HOSTILE.flatMap((text) => {
        const script = scriptWith(name, text);
        const prefix = name === "runName" || name === "project" ? "" : "./";
        return script === null ? [] : [{ script, key: keys[name], value: `${prefix}${text}` }];
      }),
    );
    expect(scripts.length).toBeGreaterThan(60);
    const output = execFileSync("python3", ["-c", COMPARE], { input: JSON.stringify({ benign, scripts }) });
    expect(output.toString()).toBe(`${scripts.length} equal\n`);
  });
});

// Reads each script as Python does: the tree without the literal has to be the benign one, the value the one given.
const COMPARE = `
import ast, json, sys
def parse(script):
    tree = ast.parse(script.encode())
    [loads] = [node.value for node in tree.body if isinstance(node, ast.Assign)
               and getattr(node.targets[0], "id", None) == "CONFIG"]
    config = json.loads(loads.args[0].value)
    loads.args[0].value = ""
    return ast.dump(tree), config
given = json.load(sys.stdin)
benign, _ = parse(given["benign"])
for case in given["scripts"]:
    tree, config = parse(case["script"])
    assert tree == benign, case["value"]
    assert config[case["key"]] == case["value"], (config[case["key"]], case["value"])
print(len(given["scripts"]), "equal")
`;
