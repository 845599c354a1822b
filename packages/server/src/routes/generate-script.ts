import { basename } from "node:path";
import { createRoute, z } from "@hono/zod-openapi";
import { ConfigError, DatasetError } from "@whetstone/core";
import {
  generateTrainingScript,
  type InFolder,
  type SavedTrainingScript,
  saveTrainingScript,
  type TrainingConfigInput,
  trainingConfigSchema,
  trainingKinds,
} from "@whetstone/trainers";
import { type DataFolder, type SavePath, saveExists, savePath } from "../data-folder.js";
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

const answerBody = z.object({
  script_type: z.enum(trainingKinds),
  script: z.string(),
  saved_to: z.string().nullable().meta({ description: "the path in the data folder" }),
  requirements_saved_to: z.string().nullable().meta({ description: "the packages, for pip" }),
  trl_config_saved_to: z.string().nullable().meta({
    description: "the same training for TRL's own command; null where TRL has none",
  }),
  accelerate_saved_to: z.array(z.string()).meta({ description: "for several GPUs, one way a file" }),
  serve_saved_to: z.string().nullable().meta({ description: "how to put the model behind the agent" }),
  command: z.string().nullable().meta({ description: "runs the training, from the data folder" }),
});

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
    200: answers("The script.", answerBody),
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
    const saved =
      target && data
        ? await save(data, target, (path, inFolder) =>
            saveTrainingScript(kind, { ...options, path, overwrite, inFolder }),
          )
        : null;
    return context.json({ script_type: kind, script, ...(target && saved ? savedTo(target, saved) : NOTHING) }, 200);
  });
}

/** The part of the answer that tells of files. */
type SavedFiles = Omit<z.infer<typeof answerBody>, "script_type" | "script">;

const NOTHING: SavedFiles = {
  saved_to: null,
  requirements_saved_to: null,
  trl_config_saved_to: null,
  accelerate_saved_to: [],
  serve_saved_to: null,
  command: null,
};

/** What was saved, as seen from the data folder. */
function savedTo({ text, folders }: SavePath, saved: SavedTrainingScript): SavedFiles {
  const beside = (path: string, ...within: readonly string[]) => [...folders, ...within, basename(path)].join("/");
  return {
    saved_to: text,
    requirements_saved_to: beside(saved.requirementsPath),
    trl_config_saved_to: saved.trlConfigPath && beside(saved.trlConfigPath),
    accelerate_saved_to: saved.acceleratePaths.map((path) => beside(path, "accelerate")),
    serve_saved_to: beside(saved.servePath),
    command: `uv run ${text.includes(" ") ? `'${text}'` : text}`,
  };
}

async function save(
  data: DataFolder,
  target: SavePath,
  write: (path: string, inFolder: InFolder) => Promise<SavedTrainingScript>,
): Promise<SavedTrainingScript> {
  const inFolder: InFolder = (name, writeInto) =>
    data.write({ ...target, folders: [...target.folders, name], name: "." }, writeInto);
  return data.write(target, async (path) => {
    try {
      return await write(path, inFolder);
    } catch (error) {
      const { cause } = error as Error;
      if (cause instanceof RequestProblem) throw cause;
      // The options are known to be good, so what was refused is what stands there.
      if (ConfigError.isInstance(error) && IN_THE_WAY.has(codeOf(cause))) throw saveExists();
      throw new DatasetError("DATASET_WRITE_FAILED", "the script could not be written", { cause: error });
    }
  });
}

/** The last three: what stands there was swapped for something else a moment ago. */
const IN_THE_WAY = new Set<unknown>(["EEXIST", "NO_FILE", "EISDIR", "ENOTDIR", "ELOOP"]);

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
