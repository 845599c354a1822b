import { recordRedactor } from "@whetstone/core";
import { Command } from "commander";
import { CliError } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { type ImportReport, importRows } from "../import/import-rows.js";
import { interactionReader } from "../import/imported-interaction.js";
import { openJsonInput } from "../import/json-rows.js";
import { loadMappingModule } from "../import/mapping-module.js";
import { fieldMapping, type MappableField, ownShapeMapping, type RowMapping } from "../import/row-mapping.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";

interface ImportOptions extends Readonly<Partial<Record<FieldOption, string>>> {
  readonly agentType?: string;
  readonly map?: string;
  readonly strict?: boolean;
  readonly redact?: boolean;
}

type FieldOption = (typeof FIELD_OPTIONS)[number][1];

/** `whetstone import`: brings interactions from any JSONL into the store. */
export function importCommand(io: CliIo): Command {
  const command = new Command("import")
    .summary("bring interactions from a JSONL file into the store")
    .description(
      "Brings interactions from a JSONL file into the store. A <field> is a name or a dotted path (result.text).\n" +
        "Without field options and without --map, rows must have an interaction's own names: query and answer, or\n" +
        "messages; agent_type, session_id, … in snake_case or camelCase, as `whetstone query --json` prints them.\n" +
        "Importing a file again stores nothing twice.",
    )
    .argument("<file>", "JSONL, gzipped or not; - is standard input");
  for (const [flag, , , description] of FIELD_OPTIONS) command.option(`${flag} <field>`, description);
  return command
    .option("--agent-type <name>", 'agent type of rows that do not say: math, code, rag, … (default: "general")')
    .option("--map <module>", "mapping module instead of fields: its default export turns a row into interactions")
    .option("--no-redact", "keep secrets, e-mail addresses, card, account and phone numbers as they are")
    .option("--strict", "fail at the first bad row, with nothing imported")
    .addHelpText("after", EXAMPLES)
    .action(commandAction(io, (context, options: ImportOptions, [file = ""]) => run(context, options, file)));
}

/** Option, its name in code, the interaction's field it fills, and what help says. */
const FIELD_OPTIONS = [
  ["--query", "query", "query", "the question"],
  ["--answer", "answer", "answer", "the answer"],
  ["--messages", "messages", "messages", "the whole conversation in OpenAI chat shape"],
  ["--reference", "reference", "reference", "the right answer, for verifiers"],
  ["--agent-type-field", "agentTypeField", "agentType", "the agent type"],
  ["--session", "session", "sessionId", "the session id"],
  ["--user", "user", "userId", "the user id; only a pseudonym is stored"],
  ["--id", "id", "interactionId", "the interaction's id (default: made from its content)"],
  ["--group", "group", "groupId", "the task that several attempts share"],
  ["--timestamp", "timestamp", "timestamp", "ISO 8601, epoch seconds or milliseconds (default: now)"],
  ["--model", "model", "model", "the model's name"],
  ["--variant", "variant", "variant", "the agent variant or checkpoint"],
  ["--latency-ms", "latencyMs", "latencyMs", "the latency in milliseconds"],
  ["--error", "error", "errorMessage", "the error message; a row that has one counts as failed call"],
  ["--score", "score", "overall", "a score from 0 to 1, or true or false"],
] as const satisfies readonly (readonly [flag: string, name: string, field: MappableField, description: string])[];

const EXAMPLES = examples(
  [
    "whetstone import solutions.jsonl --query question --answer solution --reference ground_truth --agent-type math",
    "name the fields",
  ],
  ["whetstone import chats.jsonl.gz", "rows that have messages, or query and answer, already"],
  [
    "whetstone import rows.jsonl --map ./map.mjs",
    'map.mjs: export default (row) => row.answers.map((answer) => ({ query: row.question, answer, agentType: "math" }))',
  ],
  ["whetstone query --json --store ./old | whetstone import - --store ./new", "copy one store into another"],
);

async function run(context: CommandContext, options: ImportOptions, file: string): Promise<ExitCode> {
  const { io, output } = context;
  const mapping = await chosenMapping(options, io);
  const input = await openJsonInput(io, file);
  const redact = recordRedactor(options.redact !== false);
  const read = interactionReader({ agentType: options.agentType ?? "general", now: io.now(), redact });
  let rows = 0;
  const progress = createProgress(io, `importing ${input.name}`, "rows", () => ({
    done: rows,
    share: input.bytes && input.bytesRead() / input.bytes,
  }));
  const { report, url } = await context
    .withStore(async (store) => ({
      url: store.url,
      report: await importRows(input, mapping, read, store, {
        strict: options.strict === true,
        signal: io.signal,
        onProgress: (done) => {
          rows = done;
        },
      }),
    }))
    .finally(() => progress.stop());

  if (report.rows === 0) throw new CliError("INPUT_EMPTY", `${input.name} is empty: nothing was imported`);
  if (report.failedRows === report.rows) throw noneImported(input.name, report);
  if (output.json) await output.writeJson(reportBody(report, url));
  else await tell(context, report, url);
  return report.failedRows > 0 ? ExitCode.partly : ExitCode.done;
}

async function chosenMapping(options: ImportOptions, io: CliIo): Promise<RowMapping> {
  const paths = FIELD_OPTIONS.flatMap(([, name, field]) => {
    const path = options[name];
    return path === undefined ? [] : [[field, path] as const];
  });
  if (options.map !== undefined) {
    if (paths.length === 0) return loadMappingModule(options.map, io);
    throw new CliError("USAGE", "--map and field options exclude each other: the module names the fields itself");
  }
  if (paths.length === 0) return ownShapeMapping();
  const named = new Set<MappableField>(paths.map(([field]) => field));
  for (const [field, flag] of [
    ["query", "--query"],
    ["answer", "--answer"],
  ] as const) {
    if (named.has(field) || named.has("messages")) continue;
    throw new CliError("USAGE", `${flag} is missing: name the field that holds it, or use --messages`);
  }
  return fieldMapping(Object.fromEntries(paths));
}

function noneImported(name: string, { rows, failures }: ImportReport): CliError {
  const [first] = failures;
  const which = rows === 1 ? "the only row" : `none of the ${count(rows)} rows`;
  const could = rows === 1 ? "could not" : "could";
  return new CliError(
    "INPUT_INVALID",
    `${which} of ${name} ${could} be imported; line ${first?.line}: ${first?.reason}`,
  );
}

function reportBody(report: ImportReport, url: string): Record<string, unknown> {
  return {
    rows: report.rows,
    stored: report.stored,
    duplicates: report.duplicates,
    altered: report.altered,
    skipped_rows: report.skippedRows,
    failed_rows: report.failedRows,
    failures: report.failures,
    store: url,
  };
}

async function tell({ output }: CommandContext, report: ImportReport, url: string): Promise<void> {
  const { rows, stored, duplicates, altered, skippedRows, failedRows, failures } = report;
  const lines = [`${counted(stored, "interaction")} from ${counted(rows, "row")} stored in ${terminalText(url)}`];
  if (duplicates > 0) lines.push(`${counted(duplicates, "interaction")} there already`);
  if (altered > 0) lines.push(`${counted(altered, "interaction")} cut, mended or redacted; the flags say what`);
  if (skippedRows > 0) lines.push(`${counted(skippedRows, "row")} left out by the mapping`);
  await output.writeLines(...lines);
  if (failedRows === 0) return;
  const shown = failures.map(({ line, reason }) => `  line ${line}: ${terminalText(reason)}`);
  if (failedRows > failures.length) shown.push(`  … and ${count(failedRows - failures.length)} more`);
  await output.note(`${counted(failedRows, "row")} could not be imported:`, ...shown);
}
