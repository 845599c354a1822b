import { type Annotation, type Feedback, recordRedactor } from "@whetstone/core";
import { Command } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { ExitCode } from "../exit-code.js";
import { fraction } from "../option-values.js";
import { terminalText } from "../terminal-text.js";

interface FeedbackOptions {
  readonly good?: boolean;
  readonly bad?: boolean;
  readonly rating?: number;
  readonly comment?: string;
  readonly demonstration?: string;
  readonly by: string;
  readonly redact: boolean;
}

/** `whetstone feedback`: records what a person says of an answer. */
export function feedbackCommand(io: CliIo): Command {
  return new Command("feedback")
    .summary("record what a person says of an answer")
    .description(
      "Records what a person says of an answer: good or bad, a rating, a comment, or the answer as it should have been.\n" +
        "What a person says decides over every verifier and judge. A newer word of the same person replaces the older one.",
    )
    .argument("<id>", "the interaction's id, as `whetstone query --json` prints it")
    .option("--good", "the answer is good: a score of 1")
    .option("--bad", "the answer is bad: a score of 0")
    .option("--rating <score>", "how good it is, from 0 to 1", fraction)
    .option("--comment <text>", "what there is to say; gives no score")
    .option("--demonstration <text>", "the corrected answer, which datasets train on; - reads standard input")
    .option("--by <who>", "who says it: the source becomes human:<who>", "user")
    .option("--no-redact", "keep secrets, e-mail addresses, card, account and phone numbers as they are")
    .addHelpText(
      "after",
      examples(
        ["whetstone feedback 0192… --bad --comment 'misses the tax'", "say what is wrong with an answer"],
        ["whetstone feedback 0192… --demonstration - --by ada < corrected.md", "give the answer as it should be"],
      ),
    )
    .action(commandAction(io, (context, options: FeedbackOptions, [id = ""]) => run(context, options, id)));
}

async function run(context: CommandContext, options: FeedbackOptions, interactionId: string): Promise<ExitCode> {
  const { io, output } = context;
  const said = await feedbackOf(options, io);
  if (!/^[^\s:][^\n]{0,119}$/.test(options.by)) {
    throw new CliError("USAGE", `--by ${JSON.stringify(options.by)} is no name: use up to 120 characters on one line`);
  }
  const source = `human:${options.by}`;
  const redact = recordRedactor(options.redact);
  const at = io.now();
  const annotations = said.map((feedback): Annotation => {
    const annotation: Annotation = { interactionId, kind: "feedback", source, at, feedback };
    return redact ? redact.annotation(annotation) : annotation;
  });
  await context.withStore(
    async (store) => {
      const statuses = await store.annotate(annotations);
      if (statuses.includes("notFound")) {
        throw new CliError("INTERACTION_MISSING", `no interaction ${terminalText(interactionId)} is in the store`);
      }
    },
    { mustExist: true },
  );
  const kinds = said.map(({ type }) => type);
  if (output.json) await output.writeJson({ interaction_id: interactionId, source, recorded: kinds });
  else await output.writeLines(`recorded ${kinds.join(", ")} by ${terminalText(source)}`);
  return ExitCode.done;
}

async function feedbackOf(options: FeedbackOptions, { stdin }: CliIo): Promise<Feedback[]> {
  const { good, bad, rating, comment, demonstration } = options;
  if ([good, bad, rating !== undefined].filter(Boolean).length > 1) {
    throw new CliError("USAGE", "--good, --bad and --rating say the same thing: give one of them");
  }
  const said: Feedback[] = [];
  if (good || bad) said.push({ type: "boolean", value: good === true });
  if (rating !== undefined) said.push({ type: "rating", value: rating });
  if (comment !== undefined) said.push({ type: "comment", value: comment.toWellFormed() });
  if (demonstration !== undefined) {
    const value = demonstration === "-" ? await textOf(stdin) : demonstration;
    if (value.trim() === "") throw new CliError("INPUT_EMPTY", "the demonstration is empty: give the corrected answer");
    said.push({ type: "demonstration", value: value.toWellFormed() });
  }
  if (said.length === 0) {
    throw new CliError("USAGE", "nothing is said: give --good, --bad, --rating, --comment or --demonstration");
  }
  return said;
}

const MAX_INPUT_BYTES = 1024 * 1024;

async function textOf(input: CliIo["stdin"]): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_INPUT_BYTES) throw new CliError("INPUT_INVALID", "the demonstration is longer than 1 MiB");
    chunks.push(Buffer.from(chunk as Buffer));
  }
  // The line feed at the end is the shell's.
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, "");
}
