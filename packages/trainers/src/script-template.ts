import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Handlebars from "handlebars";
import type { TrainingKind } from "./training-kind.js";

/** All that a template may use: the one literal that holds every value, and which packages the header names. */
export interface ScriptContext {
  readonly config: string;
  /** Whether the model gives a score instead of writing. */
  readonly reward: boolean;
  /** Whether the script scores answers itself, for which it needs more packages. */
  readonly grpo: boolean;
  readonly vllm: boolean;
  readonly bitsandbytes: boolean;
  readonly wandb: boolean;
  readonly trackio: boolean;
  readonly tensorboard: boolean;
  readonly mlflow: boolean;
}

const compiled = new Map<TrainingKind, (context: ScriptContext) => string>();

/** Fills the template of a kind. Nothing is escaped: `config` has to be safe Python already. */
export function renderScript(kind: TrainingKind, context: ScriptContext): string {
  let render = compiled.get(kind);
  if (!render) {
    render = Handlebars.create().compile<ScriptContext>(scriptTemplate(kind), {
      noEscape: true,
      strict: true,
      knownHelpersOnly: true,
    });
    compiled.set(kind, render);
  }
  return render(context);
}

/** The template of a kind, whole: the steps that kinds share stand in files of their own. */
export function scriptTemplate(kind: TrainingKind): string {
  return templateFile(`${kind}.py.hbs`).replace(/^\{\{> ([a-z-]+)\}\}\n/gm, (_, step: string) =>
    templateFile(`partials/${step}.py.hbs`),
  );
}

/** The text of a file of the `@whetstone/templates` package. */
export function templateFile(name: string): string {
  const require = createRequire(import.meta.url);
  return readFileSync(require.resolve(`@whetstone/templates/${name}`), "utf8");
}
