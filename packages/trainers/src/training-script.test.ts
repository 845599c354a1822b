import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@whetstone/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TrainingConfigInput } from "./training-config.js";
import { type TrainingKind, trainingKinds } from "./training-kind.js";
import { generateTrainingScript, type TrainingScriptOptions } from "./training-script.js";
import { renderTrlConfig } from "./trl-config.js";

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

/** What examples/generated shows: the defaults, and a chain from SFT to the kinds that go on from it. */
const EXAMPLES: Readonly<Record<TrainingKind, TrainingScriptOptions>> = {
  sft: { datasetPath: "./datasets/sft" },
  dpo: { datasetPath: "./datasets/dpo", sftModelPath: "./sft-model" },
  kto: { datasetPath: "./datasets/kto", sftModelPath: "./sft-model" },
  reward: { datasetPath: "./datasets/reward" },
  grpo: {
    datasetPath: "./datasets/grpo-online",
    sftModelPath: "./sft-model",
    config: {
      rewards: {
        numeric: {},
        regex: { pattern: "####", weight: 0.2 },
        judge: { baseUrl: "http://127.0.0.1:8000/v1", model: "judge", weight: 0.5 },
        model: { path: "./reward-model", weight: 0.5 },
      },
    },
  },
  "grpo-offline": { datasetPath: "./datasets/grpo", sftModelPath: "./sft-model" },
};

describe("a generated script", () => {
  it.each(trainingKinds)("of kind %s is, whole, the one among the examples", async (kind) => {
    const script = generateTrainingScript(kind, EXAMPLES[kind]);
    await expect(script).toMatchFileSnapshot(`../../../examples/generated/train-${kind}.py`);
    const trlConfig = renderTrlConfig(kind, EXAMPLES[kind], `train-${kind}`);
    if (trlConfig !== null) {
      await expect(trlConfig).toMatchFileSnapshot(`../../../examples/generated/train-${kind}.yaml`);
    }
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

/** Every place where a text of the user's may stand: how it gets there, and where it is in CONFIG afterwards. */
const PLACES: Readonly<Record<string, Place>> = {
  datasetPath: path((text) => ({ datasetPath: text }), "dataset_path"),
  outputDir: path((outputDir) => ({ datasetPath: "./d", outputDir }), "output_dir"),
  sftModelPath: path((sftModelPath) => ({ datasetPath: "./d", sftModelPath }), "model"),
  agentType: { options: (agentType) => ({ datasetPath: "./d", agentType }), at: ["agent_type"] },
  baseModel: path((baseModel) => setting({ baseModel }), "model"),
  runName: { options: (runName) => setting({ runName }), at: ["run_name"] },
  project: { options: (project) => setting({ project }), at: ["project"] },
  loraTargetModules: { options: (text) => setting({ loraTargetModules: [text] }), at: ["lora", "target_modules", 0] },
  "rewards.regex.pattern": reward((pattern) => ({ regex: { pattern } }), "regex", "pattern"),
  "rewards.jsonSchema.schema": reward(
    (text) => ({ jsonSchema: { schema: { enum: [text] } } }),
    "json_schema",
    "schema",
    "enum",
    0,
  ),
  "rewards.judge.rubric": reward((rubric) => judge({ rubric }), "judge", "rubric"),
  "rewards.judge.model": reward((model) => judge({ model }), "judge", "model"),
  "rewards.judge.baseUrl": reward((text) => judge({ baseUrl: `http://h/${text}` }), "judge", "base_url"),
  "rewards.model.path": reward((text) => ({ model: { path: `./${text}` } }), "model", "path"),
  "tools.0.name": tool((name) => ({ name }), "name"),
  "tools.0.description": tool((description) => ({ description }), "description"),
  "tools.0.url": tool((text) => ({ url: `http://h/${text}` }), "url"),
  "tools.0.parameters": tool(
    (description) => ({ parameters: { properties: { a: { description } } } }),
    "parameters",
    "properties",
    "a",
    "description",
  ),
};

interface Place {
  readonly options: (text: string) => TrainingScriptOptions;
  readonly at: readonly (string | number)[];
  /** What stands before the text, where a bare one would be nothing of the kind. */
  readonly prefix?: string;
}

function path(options: (text: string) => TrainingScriptOptions, ...at: (string | number)[]): Place {
  return { options: (text) => options(`./${text}`), at, prefix: "./" };
}

function setting(config: TrainingConfigInput): TrainingScriptOptions {
  return { datasetPath: "./d", config };
}

function judge(settings: object) {
  return { judge: { baseUrl: "http://h/v1", model: "m", ...settings } };
}

function reward(rewards: (text: string) => object, ...at: (string | number)[]): Place {
  const prefix = at[1] === "base_url" ? "http://h/" : at[1] === "path" ? "./" : "";
  return {
    options: (text) => untyped({ datasetPath: "./d", config: { rewards: rewards(text) } }),
    at: ["rewards", ...at],
    prefix,
  };
}

function tool(settings: (text: string) => object, ...at: (string | number)[]): Place {
  const whole = { name: "t", description: "d", parameters: {}, url: "http://h/" };
  const options = (text: string) =>
    untyped({ datasetPath: "./d", config: { tools: [{ ...whole, ...settings(text) }] } });
  return { options, at: ["tools", 0, ...at], prefix: at[0] === "url" ? "http://h/" : "" };
}

describe("a hostile text", () => {
  const benign = generateTrainingScript("grpo", { datasetPath: "./d" });

  /** The script with the text in that place, or null when the place refused it by name. */
  function scriptWith(name: string, text: string, kind: TrainingKind = "grpo"): string | null {
    try {
      return generateTrainingScript(kind, place(name).options(text));
    } catch (error) {
      if (!ConfigError.isInstance(error) || !error.message.includes(`${name} is `)) throw error;
      return null;
    }
  }

  const place = (name: string): Place => PLACES[name] as Place;
  const arrived = (script: string, at: Place["at"]) =>
    at.reduce<unknown>((within, key) => (within as Record<string | number, unknown>)[key], configOf(script));

  it("arrives exactly in the one literal, or is refused by name, whatever it is", () => {
    const text = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...HOSTILE), { maxLength: 3 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(PLACES)), text, (name, value) => {
        const script = scriptWith(name, value);
        if (script === null) return;
        expect(arrived(script, place(name).at)).toBe(`${place(name).prefix ?? ""}${value}`);
        expect(frameOf(script)).toBe(frameOf(benign));
      }),
      { numRuns: 1000 },
    );
  });

  it("is one string of the file for TRL's own command, too", () => {
    for (const text of HOSTILE) {
      for (const name of Object.keys(PLACES)) {
        if (scriptWith(name, text) === null) continue;
        const lines = (renderTrlConfig("grpo", place(name).options(text), "train") ?? "").trimEnd().split("\n");
        expect(lines.filter((line) => !/^(#.*|[a-z_0-9]+: ("([^"\\]|\\.)*"|[\w.+-]+|\[.*\]))$/.test(line))).toEqual([]);
        expect(lines.join("")).toMatch(/^[ -~]*$/);
      }
    }
  });

  python("leaves the Python program of every kind as it was but for that literal", () => {
    const kinds = trainingKinds.map((kind) => ({
      benign: generateTrainingScript(kind, { datasetPath: "./d" }),
      scripts: Object.entries(PLACES).flatMap(([name, { at, prefix = "" }]) => {
        if ((kind === "sft" && name === "sftModelPath") || (kind !== "grpo" && /^(rewards|tools)/.test(name)))
          return [];
        // All of them for one kind; the literal comes from the same file in the others.
        const texts = HOSTILE.filter((_, index) => kind === "grpo" || index % 4 === 0);
        return texts.flatMap((text) => {
          const script = scriptWith(name, text, kind);
          return script === null ? [] : [{ script, at, value: `${prefix}${text}` }];
        });
      }),
    }));
    const count = kinds.reduce((sum, { scripts }) => sum + scripts.length, 0);
    expect(count).toBeGreaterThan(300);
    const output = execFileSync("python3", ["-c", COMPARE], { input: JSON.stringify(kinds), maxBuffer: 1e8 });
    expect(output.toString()).toBe(`${count} equal\n`);
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
count = 0
for kind in json.load(sys.stdin):
    benign, _ = parse(kind["benign"])
    for case in kind["scripts"]:
        tree, value = parse(case["script"])
        assert tree == benign, case["value"]
        for key in case["at"]:
            value = value[key]
        assert value == case["value"], (value, case["value"])
        count += 1
print(count, "equal")
`;
