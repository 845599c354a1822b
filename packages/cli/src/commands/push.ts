import { pushDataset } from "@whetstone/datasets";
import { Argument, Command } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { counted } from "../counted.js";
import { datasetPath } from "../dataset-path.js";
import { ExitCode } from "../exit-code.js";
import { terminalText } from "../terminal-text.js";

interface PushCommandOptions {
  readonly public?: boolean;
  readonly branch?: string;
  readonly message?: string;
  readonly token?: string;
}

/** `whetstone push`: a dataset folder to the Hugging Face Hub. */
export function pushCommand(io: CliIo): Command {
  return new Command("push")
    .summary("upload a dataset folder to the Hugging Face Hub, privately")
    .description(
      "Uploads a dataset folder, or a Parquet export, to a dataset repository of the Hugging Face Hub, in one commit. A new\n" +
        "repository is private. Needs the package @huggingface/hub, and a token that may write in HF_TOKEN.",
    )
    .addArgument(new Argument("<folder>", "a folder that a build wrote"))
    .addArgument(new Argument("<repository>", "its owner and its name, such as acme/support-sft"))
    .option("--public", "let anyone read it; without this a public repository is refused")
    .option("--branch <name>", "the branch to commit to (default: main)")
    .option("--message <text>", "the title of the commit")
    .option("--token <token>", "instead of HF_TOKEN; others on this machine may see a command line")
    .addHelpText(
      "after",
      examples(["whetstone push data/good acme/support-sft", "as a private repository, with the token in HF_TOKEN"]),
    )
    .action(commandAction(io, (context, options: PushCommandOptions, args) => run(context, options, args)));
}

async function run(
  { io, output }: CommandContext,
  options: PushCommandOptions,
  [folder = "", repository = ""]: readonly string[],
): Promise<ExitCode> {
  const { isPrivate, ...pushed } = await pushDataset(datasetPath(io, folder), repository, {
    // An empty token is none, rather than what this process was started with.
    token: options.token ?? io.env.HF_TOKEN ?? "",
    isPublic: options.public,
    branch: options.branch,
    title: options.message,
    hubUrl: io.env.HF_ENDPOINT || "https://huggingface.co",
    signal: io.signal,
  });
  if (output.json) await output.writeJson({ ...pushed, private: isPrivate });
  else {
    const who = isPrivate ? "private" : "public";
    await output.writeLines(terminalText(`${counted(pushed.files.length, "file")} in ${pushed.url} (${who})`));
  }
  return ExitCode.done;
}
