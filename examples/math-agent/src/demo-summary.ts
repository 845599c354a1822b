import type { DatasetKind, DpoRow, GrpoRow, SftMessagesRow } from "@whetstone/datasets";

/** What one variant's answers were worth. */
export interface VariantQuality {
  readonly variant: string;
  readonly answers: number;
  readonly right: number;
  readonly errors: number;
  readonly unscored: number;
}

/** What became of one dataset. */
export interface DatasetSummary {
  readonly kind: DatasetKind;
  readonly path: string;
  /** 0 where nothing was written. */
  readonly rows: number;
  /** The builder's own account: rows, and drops by reason. */
  readonly account: string;
}

export interface DemoSummary {
  readonly title: string;
  readonly seconds: number;
  readonly recorded: {
    readonly offered: number;
    readonly stored: number;
    readonly dropped: number;
    readonly scored: number;
  };
  readonly storePath: string;
  readonly variants: readonly VariantQuality[];
  readonly datasets: readonly DatasetSummary[];
  /** What a reader of the figures may wonder about. */
  readonly note?: string | undefined;
  readonly recommendation: string;
  readonly examples: {
    readonly sft?: SftMessagesRow | undefined;
    readonly dpo?: DpoRow | undefined;
    readonly grpo?: GrpoRow | undefined;
  };
  readonly scripts: readonly { readonly path: string; readonly command: string }[];
}

/** The demo's last words, as plain text; with `colour` in a few ANSI colours. */
export function renderSummary(summary: DemoSummary, { colour = false, width = 100 } = {}): string {
  const paint = palette(colour);
  const { recorded, variants, datasets, examples, scripts } = summary;
  const heading = (text: string) => `\n${paint.bold(text)}`;
  const lines: string[] = [
    heading(summary.title),
    `  recorded  ${recorded.stored} of ${recorded.offered} interactions, ${recorded.dropped} dropped, in ${summary.storePath}`,
    `  checked   ${recorded.scored} of them by verifier:math against the reference answers, all in ${summary.seconds.toFixed(1)} s`,
    heading("Right answers by agent variant"),
    ...qualityTable(variants, paint),
    heading("Datasets"),
    ...datasets.flatMap(({ kind, rows, path, account }) => [
      `  ${kind.padEnd(5)} ${String(rows).padStart(5)} ${rows === 1 ? "row " : "rows"}  ${rows > 0 ? path : "not written"}`,
      ...wrapped(account, width - 8).map((line) => paint.dim(`        ${line}`)),
    ]),
    ...[summary.recommendation, summary.note ?? ""]
      .flatMap((text) => wrapped(text, width - 2))
      .map((line) => `  ${line}`),
  ];
  const turn = (name: string, text: string) => `  ${paint.dim(name.padEnd(9))}  ${shortened(text, width - 14)}`;
  if (examples.sft) lines.push(heading("An SFT row"), ...turnsOf(examples.sft.messages, turn));
  if (examples.dpo) {
    const { prompt, chosen, rejected, metadata } = examples.dpo;
    lines.push(
      heading("A DPO pair"),
      ...turnsOf(prompt, turn),
      turn(`+ ${metadata.chosen_score.toFixed(1)}`, textOf(chosen)),
      turn(`- ${metadata.rejected_score.toFixed(1)}`, textOf(rejected)),
    );
  }
  if (examples.grpo) {
    const { prompt, responses } = examples.grpo;
    lines.push(heading("A GRPO group"), ...turnsOf(prompt, turn));
    for (const { text, reward } of responses) lines.push(turn(`  ${reward.toFixed(1)}`, text));
  }
  const next = (what: string, commands: readonly string[]) =>
    commands.map((command, place) => `  ${(place === 0 ? what : "").padEnd(22)}${command}`);
  const written = datasets.filter(({ rows }) => rows > 0);
  lines.push(
    heading("What to do next"),
    ...next("see what is stored", [`node packages/cli/bin/whetstone.js stats --store file:${summary.storePath}`]),
    ...next(
      "look at a dataset",
      written.slice(0, 1).map(({ path }) => `head -n 1 ${path}/train.jsonl`),
    ),
    ...next(
      "try it on a CPU",
      scripts.slice(0, 1).map(({ command }) => `${command} --smoke`),
    ),
    ...next(
      "train on a GPU",
      scripts.map(({ command }) => command),
    ),
    ...next("ask a real model", ["OPENAI_API_KEY=... npm run demo -- --live"]),
    ...next("wrap your own agent", ["see examples/quickstart/src/quickstart.ts"]),
  );
  return `${lines.join("\n")}\n`;
}

interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
}

function palette(colour: boolean): Palette {
  const code = (open: number, close: number) => (text: string) =>
    colour ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return { bold: code(1, 22), dim: code(2, 22), green: code(32, 39), red: code(31, 39) };
}

const BAR = 30;

function qualityTable(variants: readonly VariantQuality[], paint: Palette): readonly string[] {
  const names = Math.max(...variants.map(({ variant }) => variant.length));
  return variants.map(({ variant, answers, right, errors, unscored }) => {
    const share = answers === 0 ? 0 : right / answers;
    const filled = Math.floor(share * BAR); // full is all, not nearly all
    const bar = `${paint.green("#".repeat(filled))}${paint.dim(".".repeat(BAR - filled))}`;
    const rest = [errors > 0 ? `${errors} failed` : "", unscored > 0 ? `${unscored} unscored` : ""].filter(Boolean);
    const more = rest.length > 0 ? paint.red(`  ${rest.join(", ")}`) : "";
    return `  ${variant.padEnd(names)}  ${bar}  ${(share * 100).toFixed(1).padStart(5)} %  ${right} of ${answers}${more}`;
  });
}

type Turns = SftMessagesRow["messages"] | string;

function turnsOf(turns: Turns, turn: (name: string, text: string) => string): readonly string[] {
  if (typeof turns === "string") return [turn("prompt", turns)];
  return turns.map(({ role, content, tool_calls: calls }) => {
    if (!calls?.length) return turn(role, content);
    return turn(
      role,
      calls.map((call) => `-> ${call.function.name}(${JSON.stringify(call.function.arguments)})`).join(" "),
    );
  });
}

const textOf = (turns: Turns) => (typeof turns === "string" ? turns : turns.map(({ content }) => content).join("\n"));

// The end of an answer says more than its middle.
function shortened(text: string, most: number): string {
  const line = text.replace(/\s*\n\s*/g, " / ");
  if (line.length <= most) return line;
  const tail = Math.min(30, Math.floor(most / 3));
  return `${line.slice(0, most - tail - 5)} ... ${line.slice(-tail)}`;
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
