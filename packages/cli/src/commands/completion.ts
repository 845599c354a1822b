import { Argument, Command } from "commander";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { completionScript, completionShells, type Shell } from "../completion-script.js";
import { ExitCode } from "../exit-code.js";

/** `whetstone completion`: what makes a shell complete our commands and options. */
export function completionCommand(io: CliIo): Command {
  const command = new Command("completion")
    .summary("print what makes bash, zsh or fish complete commands and options")
    .description("Prints a script that makes a shell complete our commands, options and their values.")
    .addArgument(new Argument("<shell>", "the shell").choices(completionShells))
    .addHelpText(
      "after",
      examples(
        ["whetstone completion bash >> ~/.bash_completion", "bash, from the next shell on"],
        [`whetstone completion zsh > "\${fpath[1]}/_whetstone"`, "zsh, from the next shell on"],
        ["whetstone completion fish > ~/.config/fish/completions/whetstone.fish", "fish, at once"],
      ),
    );
  return command.action(
    commandAction(io, ({ output }: CommandContext, _options: object, [shell = "bash"]) => {
      const text = completionScript(command.parent ?? command, shell as Shell);
      return (output.json ? output.writeJson({ shell, script: text }) : output.writeText(text)).then(
        () => ExitCode.done,
      );
    }),
  );
}
