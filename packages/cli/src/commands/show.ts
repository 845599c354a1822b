import { type Annotation, effectiveScore, interactionRow, type StoredInteraction } from "@whetstone/core";
import { Command } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { terminalLines, terminalText } from "../terminal-text.js";

/** `whetstone show`: one interaction whole, what was said of it, and which word counts. */
export function showCommand(io: CliIo): Command {
  return new Command("show")
    .summary("show one interaction, what was said of it, and whose word counts")
    .description(
      "Shows one interaction whole, everything that people, verifiers and judges said of it, and the score that decides:\n" +
        "human over verifier over judge over logged over heuristic.",
    )
    .argument("<id>", "the interaction's id, as `whetstone query --json` prints it")
    .addHelpText(
      "after",
      examples(
        ["whetstone show 0192…", "read an interaction"],
        ["whetstone show 0192… --json | jq .effective.source", "who decides its score"],
      ),
    )
    .action(commandAction(io, (context, _options: object, [id = ""]) => run(context, id)));
}

async function run(context: CommandContext, id: string): Promise<ExitCode> {
  const { output } = context;
  const interaction = await context.withStore((store) => store.get(id), { mustExist: true });
  if (!interaction) {
    throw new CliError("INTERACTION_MISSING", `no interaction ${terminalText(id)} is in the store`);
  }
  if (output.json) await output.writeJson({ ...interactionRow(interaction), effective: effectiveScore(interaction) });
  else await output.writeLines(...renderInteraction(interaction, output.bold));
  return ExitCode.done;
}

function renderInteraction(interaction: StoredInteraction, bold: (text: string) => string): string[] {
  const { query, answer, messages, reference, sources, errorMessage, annotations = [] } = interaction;
  const section = (title: string, lines: readonly string[]) => ["", bold(title), ...lines.map((line) => `  ${line}`)];
  const decided = effectiveScore(interaction);
  const lines = [bold(terminalText(interaction.interactionId)), facts(interaction)];
  if (messages) {
    const turns = messages.flatMap(({ role, content, tool_calls: calls = [] }) => [
      `[${role}]`,
      ...terminalLines(content),
      ...calls.map((call) => terminalText(`call ${call.function.name} ${JSON.stringify(call.function.arguments)}`)),
    ]);
    lines.push(...section("MESSAGES", turns));
  } else lines.push(...section("QUERY", terminalLines(query)));
  lines.push(...section("ANSWER", terminalLines(answer)));
  if (errorMessage !== undefined) lines.push(...section("ERROR", terminalLines(errorMessage)));
  if (reference !== undefined) lines.push(...section("REFERENCE", terminalLines(reference)));
  if (sources && sources.length > 0) {
    const named = sources.map(({ id, title, url }) => terminalText([id, title, url].filter(Boolean).join(" ")));
    lines.push(...section("SOURCES", named));
  }
  const score = decided ? `${decided.overall.toFixed(2)} by ${terminalText(decided.source)}` : "unscored";
  lines.push(...section("SCORE", [score]));
  if (decided) {
    const parts = Object.entries(decided.scores).filter(([name]) => name !== "overall");
    lines.push(...parts.map(([name, value]) => `    ${terminalText(name)} ${value.toFixed(2)}`));
  }
  if (annotations.length > 0) {
    const said = annotations.toSorted((a, b) => a.at - b.at).flatMap(renderAnnotation);
    lines.push(...section("SAID OF IT", said));
  }
  return lines;
}

function facts(interaction: StoredInteraction): string {
  const { timestamp, agentType, model, variant, latencyMs, sessionId, toolsUsed } = interaction;
  const parts = [
    new Date(timestamp).toISOString(),
    agentType,
    model,
    variant,
    latencyMs > 0 ? `${count(Math.round(latencyMs))} ms` : undefined,
    sessionId === undefined ? undefined : `session ${sessionId}`,
    toolsUsed.length > 0 ? `tools ${toolsUsed.join(", ")}` : undefined,
  ];
  return terminalText(parts.filter((part) => part !== undefined).join(" · "));
}

function renderAnnotation(annotation: Annotation): string[] {
  const { at, source } = annotation;
  const head = (what: string) => terminalText(`${new Date(at).toISOString()}  ${source}  ${what}`);
  if (annotation.kind === "unscored") {
    return [head(`no score: ${annotation.code}`), ...indented(annotation.reason)];
  }
  if (annotation.kind === "score") {
    const { scores, rationale, usage } = annotation;
    const cost = usage?.costUsd === undefined ? "" : ` ($${usage.costUsd.toFixed(4)})`;
    return [head(`${scores.overall?.toFixed(2)}${cost}`), ...(rationale ? indented(rationale) : [])];
  }
  const { type, value } = annotation.feedback;
  if (type === "boolean") return [head(value ? "good" : "bad")];
  if (type === "rating") return [head(value.toFixed(2))];
  return [head(type), ...indented(value)];
}

function indented(text: string): string[] {
  return terminalLines(text).map((line) => `  ${line}`);
}
