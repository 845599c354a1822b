import { dirname, join } from "node:path";
import { createRoute, z } from "@hono/zod-openapi";
import { ConfigError, DatasetError } from "@whetstone/core";
import {
  generateTrainingScript,
  saveTrainingScript,
  type TrainingConfigInput,
  trainingConfigSchema,
  trainingKinds,
} from "@whetstone/trainers";
import { checkReplaceable, type DataFolder, type SavePath, saveExists, savePath } from "../data-folder.js";
import { NOTHING_SAVED } from "../dataset-answer.js";
import { fromRequest } from "../from-request.js";
import { RequestProblem } from "../problem.js";
import { answers, body, optional, problems } from "../schemas.js";
import { needs, type ServerApp, type ServerParts } from "../server-parts.js";

const path = z.string().min(1).max(4096);

/** Every setting by its snake_case name; what a value has to be, the script generator checks and says. */
const config = z
  .looseObject(
    Object.fromEntries(
      Object.entries(trainingConfigSchema.shape).map(([name, schema]) => [
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        z
          .unknown()
          .optional()
          .meta({ description: schema.description ?? "" }),
      ]),
    ),
  )
  .openapi("TrainingConfig");

const scriptBody = z
  .strictObject({
    script_type: z.enum(trainingKinds),
    dataset_path: path.meta({ description: "as seen from where the script will run" }),
    sft_model_path: optional(path).meta({ description: "what an SFT run saved, to start from" }),
    output_dir: optional(path).meta({ description: "where the script saves the model" }),
    save_to_file: optional(z.string().min(1).max(512)).meta({
      description: "where to save it in the data folder: a .py file",
    }),
    overwrite: optional(z.boolean()).meta({ description: "replace files that are there" }),
    config: optional(config),
  })
  .openapi("ScriptOptions");

const route = createRoute({
  method: "post",
  path: "/api/v1/training/script/generate",
  operationId: "generateScript",
  tags: ["Scripts"],
  summary: "The Python script that trains on a dataset",
  description: "The script is only written, never run. The same request gives the same text.",
  ...needs("build", { body: true }),
  request: { body: body(scriptBody) },
  responses: {
    200: answers(
      "The script.",
      z.object({
        script_type: z.enum(trainingKinds),
        script: z.string(),
        saved_to: z.string().nullable().meta({ description: "the path in the data folder" }),
        requirements_saved_to: z.string().nullable(),
        command: z.string().nullable().meta({ description: "runs the training, from the data folder" }),
      }),
    ),
    ...problems(400, 401, 403, 409, 413, 415, 429, 503),
  },
});

export function generateScriptRoute(app: ServerApp, { data }: ServerParts): void {
  app.openapi(route, async (context) => {
    const { script_type: kind, save_to_file, overwrite = false, ...given } = context.req.valid("json");
    const target = save_to_file === undefined ? null : savePath(save_to_file, /\.py$/, '"math/train-sft.py"');
    if (target && !data) throw new RequestProblem(NOTHING_SAVED);
    const options = {
      datasetPath: given.dataset_path,
      sftModelPath: given.sft_model_path,
      outputDir: given.output_dir,
      // The names and values are checked where the script is generated.
      config: given.config as TrainingConfigInput | undefined,
    };
    const script = await fromRequest(() => generateTrainingScript(kind, options));
    if (target && data)
      await save(data, target, (path) => saveTrainingScript(kind, { ...options, path, overwrite }), overwrite);
    const saved = target && {
      saved_to: target.text,
      requirements_saved_to: [...target.folders, "requirements.txt"].join("/"),
      command: `uv run ${target.text.includes(" ") ? `'${target.text}'` : target.text}`,
    };
    const none = { saved_to: null, requirements_saved_to: null, command: null };
    return context.json({ script_type: kind, script, ...(saved ?? none) }, 200);
  });
}

async function save(
  data: DataFolder,
  target: SavePath,
  write: (path: string) => Promise<unknown>,
  overwrite: boolean,
): Promise<void> {
  await data.write(target, async (path) => {
    await checkReplaceable(path, { overwrite });
    // An equal one may stay, so it is read; anything but a file must not be.
    await checkReplaceable(join(dirname(path), "requirements.txt"), { overwrite: true });
    try {
      await write(path);
    } catch (error) {
      // The options are known to be good, so what was refused is what stands there.
      const isRefusal = ConfigError.isInstance(error) && !(error.cause instanceof Error);
      if (isRefusal || codeOf(error) === "EEXIST") throw saveExists();
      throw new DatasetError("DATASET_WRITE_FAILED", "the script could not be written", { cause: error });
    }
  });
}

function codeOf(error: unknown): string | undefined {
  return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code;
}
