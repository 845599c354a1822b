import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type Calibration,
  calibrate,
  calibrateStored,
  calibrationOf,
  type InteractionStore,
  type JudgedLabel,
  labelledByPeople,
  snakeKeys,
} from "@whetstone/core";
import { Command, Option } from "commander";
import { chosenScorer, type ScorerChoice, scorerNames } from "../chosen-scorer.js";
import { CliError, systemReason } from "../cli-error.js";
import type { CliIo } from "../cli-io.js";
import { type CommandContext, commandAction, examples } from "../command-action.js";
import { count, counted } from "../counted.js";
import { ExitCode } from "../exit-code.js";
import { fraction, list, pointInTime, wholeNumber } from "../option-values.js";
import { createProgress } from "../progress.js";
import { terminalText } from "../terminal-text.js";
import { renderTable } from "../text-table.js";

interface CalibrateCommandOptions extends Partial<Pick<ScorerChoice, "scorer" | "model" | "baseUrl">> {
  readonly source?: string;
  readonly agentType?: readonly string[];
  readonly since?: number;
  readonly concurrency?: number;
  readonly labels?: string;
  readonly label?: readonly string[];
  readonly verdicts?: string;
  readonly verdict?: string;
  readonly key?: string;
  readonly pairs?: readonly string[];
  readonly require?: number;
  readonly save: boolean;
}

/** `whetstone calibrate`: how well a scorer agrees with people. */
export function calibrateCommand(io: CliIo): Command {
  return new Command("calibrate")
    .summary("compare a scorer with people: agreement, kappa, bias")
    .description(
      "Compares a scorer with people and keeps the result in the store, with the scorer's source:\n" +
        "  --source   the scores that a source has left in the store, with people's feedback there; nothing is asked\n" +
        "  --scorer   asks a scorer about what people have given feedback on\n" +
        "  --labels   a JSON or JSONL file of people's labels, and of the scorer's verdicts there or in --verdicts",
    )
    .option("--source <source>", "the scorer's source, such as judge:gpt-5-mini@auto-v1")
    .addOption(new Option("--scorer <name>", "who is asked").choices(scorerNames))
    .option("--model <name>", "judge: the model that judges")
    .option("--base-url <url>", "judge: the endpoint (default: $OPENAI_BASE_URL, then OpenAI)")
    .option("--agent-type <name>", "only this agent type; repeatable", list)
    .option("--since <time>", "only from this time on: ISO 8601, or an age such as 7d", pointInTime(io.now))
    .option("--concurrency <count>", "how many are asked at once", wholeNumber(1))
    .option("--labels <file>", "people's labels")
    .option("--label <field>", "the field of the label; repeatable, one a person: the majority counts", list)
    .option("--verdicts <file>", "the scorer's verdicts (default: in the file of labels)")
    .option("--verdict <field>", "the field of the scorer's verdict")
    .option("--key <field>", "the field by which labels and verdicts belong together (default: their order)")
    .option(
      "--pairs <fields>",
      "the fields of two answers, where labels say which is better: 1 or first, 2 or second, 0 or tie",
      list,
    )
    .option("--require <kappa>", "exit code 1 unless the interval of kappa lies above", fraction)
    .option("--no-save", "keep nothing in the store")
    .addHelpText(
      "after",
      examples(
        ["whetstone calibrate --source judge:gpt-5-mini@auto-v1", "stored scores against people's feedback"],
        ["whetstone calibrate --scorer judge --model gpt-5-mini --require 0.4", "ask a judge, and fail if it is poor"],
        [
          "whetstone calibrate --source judge:mine@v1 --labels rows.jsonl --label human --verdict judge",
          "labels and verdicts of a file",
        ],
      ),
    )
    .action(commandAction(io, run));
}

async function run(context: CommandContext, options: CalibrateCommandOptions): Promise<ExitCode> {
  const { output } = context;
  const ways = [options.labels !== undefined, options.scorer !== undefined].filter(Boolean).length;
  if (ways === 2)
    throw new CliError("USAGE", "--labels and --scorer exclude each other: verdicts are there, or asked for");
  if (ways === 0 && options.source === undefined) {
    throw new CliError("USAGE", "name what is to be calibrated: --source, --scorer or --labels");
  }
  const calibration =
    options.labels === undefined ? await fromStore(context, options) : await fromFiles(context, options);
  if (output.json) await output.writeJson(snakeKeys(calibration));
  else await output.writeLines(...reportLines(calibration, (text) => output.bold(text)));
  const { require: least } = options;
  if (least === undefined || (calibration.kappaInterval && calibration.kappaInterval[0] >= least)) return ExitCode.done;
  await output.note(`the interval of kappa does not lie above ${least}`);
  return ExitCode.failed;
}

async function fromStore(context: CommandContext, options: CalibrateCommandOptions): Promise<Calibration> {
  const { io } = context;
  const { source, concurrency, scorer: name } = options;
  const filter = { agentTypes: options.agentType, startTime: options.since };
  const scorer = name === undefined ? null : await chosenScorer({ ...options, scorer: name }, io);
  let done = 0;
  const progress = createProgress(io, `asking ${scorer?.source ?? "nobody"}`, "interactions", () => ({ done }));
  return context
    .withStore(
      async (store) => {
        const settings = { concurrency, at: io.now(), signal: io.signal };
        const onProgress = (asked: number) => {
          done = asked;
        };
        const calibration = scorer
          ? await calibrate(scorer, labelledByPeople(store, filter), { ...settings, onProgress })
          : await calibrateStored(store, source ?? "", { ...settings, filter });
        return saved(store, calibration, options);
      },
      { mustExist: true },
    )
    .finally(() => progress.stop());
}

async function fromFiles(context: CommandContext, options: CalibrateCommandOptions): Promise<Calibration> {
  const { io } = context;
  const { source, labels = "", label, verdicts, verdict, key, pairs } = options;
  if (source === undefined)
    throw new CliError("USAGE", "--source is missing: name the scorer that the verdicts are of");
  if (!label || verdict === undefined) {
    throw new CliError(
      "USAGE",
      "--label and --verdict are missing: name the fields of people's and the scorer's words",
    );
  }
  if (pairs && pairs.length !== 2) throw new CliError("USAGE", "--pairs needs two fields: --pairs answer1,answer2");
  const rows = await readRows(io, labels);
  const said = verdicts === undefined ? rows : await readRows(io, verdicts);
  const judged = judgedLabels(matched(rows, said, key), { label, verdict, pairs });
  const calibration = await calibrationOf(source, judged, { at: io.now() });
  return options.save ? context.withStore((store) => saved(store, calibration, options)) : calibration;
}

async function saved(
  store: InteractionStore,
  calibration: Calibration,
  { save }: CalibrateCommandOptions,
): Promise<Calibration> {
  if (save) await store.saveCalibration(calibration);
  return calibration;
}

type Row = Readonly<Record<string, unknown>>;

/** The rows of a JSON array or of JSONL. */
async function readRows(io: CliIo, file: string): Promise<readonly Row[]> {
  const name = JSON.stringify(file);
  let text: string;
  try {
    text = await readFile(resolve(io.cwd, file), "utf8");
  } catch (cause) {
    throw new CliError("INPUT_UNREADABLE", `cannot read ${name}: ${systemReason(cause)}`, { cause });
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  try {
    const rows: unknown = text.trimStart().startsWith("[") ? JSON.parse(text) : lines.map((line) => JSON.parse(line));
    if (!Array.isArray(rows) || rows.length === 0) throw new Error("it holds no rows");
    if (rows.every((row) => typeof row === "object" && row !== null)) return rows as Row[];
    throw new Error("its rows are not all objects");
  } catch (cause) {
    throw new CliError("INPUT_INVALID", `${name} is no JSON array and no JSONL: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Each row of labels with the row that holds the scorer's verdict. */
function matched(
  rows: readonly Row[],
  said: readonly Row[],
  key: string | undefined,
): readonly (readonly [Row, Row])[] {
  if (key === undefined) {
    if (rows.length === said.length) return rows.map((row, i) => [row, said[i] ?? {}]);
    const counts = `${counted(rows.length, "label")} and ${counted(said.length, "verdict")}`;
    throw new CliError("INPUT_INVALID", `there are ${counts}: say with --key how they belong together`);
  }
  const byKey = new Map(said.map((row) => [row[key], row]));
  const pairs = rows.flatMap((row) => {
    const other = byKey.get(row[key]);
    return other && row[key] !== undefined ? [[row, other] as const] : [];
  });
  if (pairs.length > 0) return pairs;
  throw new CliError("INPUT_INVALID", `no label and no verdict have the same ${key}: name another field with --key`);
}

function judgedLabels(
  rows: readonly (readonly [Row, Row])[],
  fields: {
    readonly label: readonly string[];
    readonly verdict: string;
    readonly pairs?: readonly string[] | undefined;
  },
): JudgedLabel[] {
  const { label, verdict, pairs } = fields;
  const people = rows.map(([row]) =>
    label.map((field) => row[field]).filter((word) => word !== undefined && word !== null),
  );
  const words = people.flat();
  if (words.length === 0) throw new CliError("INPUT_INVALID", `no row has the field ${label.join(" or ")}`);
  const isGraded = !pairs && words.every((word) => scoreOf(word) !== null);
  const read = pairs ? preferenceOf : isGraded ? gradeOf : wordOf;
  const known = new Set(words.map(read));
  return rows.flatMap(([row, other], i) => {
    const human = (people[i] ?? []).flatMap((word) => read(word) ?? []);
    if (human.length === 0) return [];
    const said = read(other[verdict]);
    const scorer = said !== null && known.has(said) ? said : null;
    const [first, second] = (pairs ?? []).map((field) => String(row[field] ?? "").length);
    const excess = pairs ? pairExcess(human, scorer) : isGraded ? gradeExcess(people[i] ?? [], other[verdict]) : null;
    const logLength = first === undefined || second === undefined ? undefined : Math.log2((1 + first) / (1 + second));
    return [{ human: human.length === 1 ? (human[0] ?? "") : human, scorer, excess: excess ?? undefined, logLength }];
  });
}

/** Which of two answers is meant, as people and judges write it. */
function preferenceOf(word: unknown): string | null {
  return PREFERENCES.get(String(word).trim().toLowerCase()) ?? null;
}

const PREFERENCES = new Map([
  ...["1", "first", "a"].map((word) => [word, "first"] as const),
  ...["2", "second", "b"].map((word) => [word, "second"] as const),
  ...["0", "tie", "equal"].map((word) => [word, "tie"] as const),
]);

const VALUES = new Map([
  ["first", 1],
  ["tie", 0.5],
  ["second", 0],
]);

function pairExcess(human: readonly string[], scorer: string | null): number | null {
  if (scorer === null) return null;
  const values = human.map((word) => VALUES.get(word) ?? 0.5);
  return (VALUES.get(scorer) ?? 0.5) - values.reduce((sum, value) => sum + value, 0) / values.length;
}

function gradeExcess(people: readonly unknown[], verdict: unknown): number | null {
  const said = scoreOf(verdict);
  const scores = people.flatMap((word) => scoreOf(word) ?? []);
  if (said === null || scores.length === 0) return null;
  return said - scores.reduce((sum, value) => sum + value, 0) / scores.length;
}

/** A score from 0 to 1, or true or false. */
function scoreOf(word: unknown): number | null {
  if (typeof word === "boolean") return word ? 1 : 0;
  const value = typeof word === "string" && word.trim() !== "" ? Number(word) : word;
  return typeof value === "number" && value >= 0 && value <= 1 ? value : null;
}

function gradeOf(word: unknown): string | null {
  const score = scoreOf(word);
  return score === null ? null : score >= 0.5 ? "0.5 to 1" : "0 to 0.5";
}

function wordOf(word: unknown): string | null {
  if (typeof word !== "string" && typeof word !== "number" && typeof word !== "boolean") return null;
  return String(word).trim() || null;
}

function reportLines(calibration: Calibration, emphasise: (text: string) => string): string[] {
  const { source, labelled, confusion, people, swapFlipRate, lengthBias, verdict } = calibration;
  const figures: (readonly [string, string])[] = [
    ["agreement", shown(calibration.agreement)],
    ["kappa", `${shown(calibration.kappa)}${bounds(calibration.kappaInterval)}`],
    ["unparsable", `${(calibration.unparsableRate * 100).toFixed(1)} %`],
    ["as a category", `agreement ${shown(calibration.agreementOfAll)}, kappa ${shown(calibration.kappaOfAll)}`],
    ["swap flips", swapFlipRate === null ? "not asked" : `${(swapFlipRate * 100).toFixed(1)} %`],
    [
      "length bias",
      lengthBias === null
        ? "not known"
        : `${signed(lengthBias)} for twice the length${bounds(calibration.lengthBiasInterval)}`,
    ],
  ];
  if (people.length > 0) figures.push(["people", `kappa ${people.map(({ kappa }) => shown(kappa)).join(", ")}`]);
  const said = [...new Set(Object.values(confusion).flatMap((row) => Object.keys(row)))];
  const rows = Object.entries(confusion).map(([human, row]) => [human, ...said.map((word) => count(row[word] ?? 0))]);
  const columns = [
    { title: "PEOPLE \\ SCORER", maxWidth: 32 },
    ...said.map((title) => ({ title, align: "right" as const })),
  ];
  return [
    `${emphasise(terminalText(source))} against ${counted(labelled, "label")}`,
    ...figures.map(([name, value]) => `  ${name.padEnd(14)} ${value}`),
    "",
    ...renderTable(columns, rows, emphasise),
    "",
    `Verdict: ${verdict}`,
  ];
}

const shown = (value: number | null) => (value === null ? "none" : value.toFixed(3));
const signed = (value: number) => `${value < 0 ? "" : "+"}${value.toFixed(3)}`;
const bounds = (interval: readonly [number, number] | null) =>
  interval ? ` [${interval.map((value) => value.toFixed(3)).join(", ")}]` : "";
