import { textOf } from "./chat-tokenizer.js";
import { type DataRow, NEEDED, type RowLayout } from "./row-layout.js";
import { checkTurns, type Note, saysSomething, type Turn, toolList, toolNames } from "./turn-checks.js";

/** One side of a row: a text, or turns. */
export type Part = string | readonly Turn[];

/** What a row holds for training, once it has been looked at. */
export interface RowParts {
  readonly layout: RowLayout;
  /** Null where the row is one conversation, or one text. */
  readonly prompt: Part | null;
  /** What is learnt from: a conversation, a completion, chosen and rejected, the responses of a group. */
  readonly answers: readonly Part[];
  readonly tools: readonly unknown[] | null;
  /** Of a group: the rewards, one a response. */
  readonly rewards: readonly number[];
  readonly label: boolean | null;
}

/**
 * Takes a row apart and notes what is wrong in it. Null when it is too broken to be counted or compared.
 */
export function rowParts(row: DataRow, layout: RowLayout, note: Note): RowParts | null {
  const missing = NEEDED[layout].filter((name) => row[name] === undefined || row[name] === null);
  const isImplicit = layout === "pairs" && (row.prompt === undefined || row.prompt === null);
  if (isImplicit) note("implicitPrompt");
  if (missing.length > 0) {
    note("missingColumn", missing.join(", "));
    return null;
  }
  const tools = toolList(row.tools);
  if (tools && hasNull(tools)) note("nullInTools");
  const names = toolNames(tools);
  const common = { layout, tools, rewards: [], label: null };

  if (layout === "messages" || layout === "text") {
    const whole = row[layout];
    if (typeof whole === "string") {
      if (whole.trim() === "") note("emptyCompletion");
      return { ...common, prompt: null, answers: [whole] };
    }
    if (!Array.isArray(whole)) return broken(note, layout);
    const turns = turnsOf(whole, names, note);
    if (!turns) return null;
    checkConversation(turns, note);
    return { ...common, prompt: null, answers: [turns] };
  }

  const prompt = isImplicit ? null : partOf(row.prompt, names, note, "prompt");
  if (prompt === null && !isImplicit) return null;
  if (prompt !== null) checkPrompt(prompt, note);
  if (layout === "prompts") return { ...common, prompt, answers: [] };
  if (layout === "groups") {
    const group = groupOf(row.responses, prompt, names, note);
    return group && { ...common, prompt, ...group };
  }

  const answers: Part[] = [];
  for (const name of layout === "pairs" ? ["chosen", "rejected"] : ["completion"]) {
    const answer = answerOf(row[name], prompt, names, note, name);
    if (answer === null) return null;
    checkAnswer(answer, isImplicit, note, name);
    answers.push(answer);
  }
  if (layout === "pairs" && sameText(answers[0], answers[1])) note("identicalPair");
  if (layout === "labelled" && typeof row.label !== "boolean") note("badLabel", JSON.stringify(row.label));
  return { ...common, prompt, answers, label: typeof row.label === "boolean" ? row.label : null };
}

/** The text of a part, for comparing and searching: contents and calls, turn by turn. */
export function partText(part: Part): string {
  if (typeof part === "string") return part;
  return part
    .map(({ content, tool_calls: calls }) => textOf(content) + (calls ? JSON.stringify(calls) : ""))
    .join("\n");
}

function broken(note: Note, column: string): null {
  note("notATurn", `${column} is neither a text nor a list`);
  return null;
}

function turnsOf(given: readonly unknown[], names: ReadonlySet<string> | null, note: Note): readonly Turn[] | null {
  if (given.length > 0) return checkTurns(given, names, note);
  note("emptyMessages");
  return null;
}

function partOf(given: unknown, names: ReadonlySet<string> | null, note: Note, column: string): Part | null {
  if (typeof given === "string") return given;
  return Array.isArray(given) ? turnsOf(given, names, note) : broken(note, column);
}

function answerOf(
  given: unknown,
  prompt: Part | null,
  names: ReadonlySet<string> | null,
  note: Note,
  column: string,
): Part | null {
  if (prompt !== null && (typeof given === "string") !== (typeof prompt === "string")) {
    note("mixedForms", `prompt is ${formOf(prompt)}, ${column} ${formOf(given)}`);
    return null;
  }
  if (typeof given === "string") return given;
  if (!Array.isArray(given)) return broken(note, column);
  if (given.length === 0) {
    note("emptyCompletion", column);
    return null;
  }
  const before = prompt !== null && typeof prompt !== "string" ? prompt : [];
  const turns = checkTurns([...before, ...given], names, note, before.length);
  return turns?.slice(before.length) ?? null;
}

const formOf = (part: unknown): string => (typeof part === "string" ? "a text" : "a message list");

function checkConversation(turns: readonly Turn[], note: Note): void {
  const answers = turns.filter(({ role }) => role === "assistant");
  if (answers.length === 0) note("noAssistantTurn");
  else if (turns.at(-1)?.role !== "assistant") note("lastTurnNotAssistant", `it is of ${turns.at(-1)?.role}`);
  else if (!answers.some(saysSomething) || !saysSomething(turns.at(-1) as Turn)) note("emptyCompletion");
}

function checkPrompt(prompt: Part, note: Note): void {
  if (typeof prompt === "string") {
    if (prompt.trim() === "") note("emptyPrompt");
    return;
  }
  const last = prompt.at(-1);
  if (last?.role !== "user" && last?.role !== "tool") note("promptEndsWrong", `the last turn is of ${last?.role}`);
  else if (last.role === "user" && !saysSomething(last)) note("emptyPrompt");
}

function checkAnswer(answer: Part, isWhole: boolean, note: Note, column: string): void {
  if (typeof answer === "string") {
    if (answer.trim() === "") note("emptyCompletion", column);
    return;
  }
  const first = answer[0];
  if (!isWhole && first && first.role !== "assistant")
    note("completionNotAssistant", `${column} begins with ${first.role}`);
  const last = answer.at(-1);
  if (last?.role !== "assistant") note("lastTurnNotAssistant", `${column} ends with ${last?.role}`);
  else if (!saysSomething(last)) note("emptyCompletion", column);
}

function groupOf(
  responses: unknown,
  prompt: Part | null,
  names: ReadonlySet<string> | null,
  note: Note,
): Pick<RowParts, "answers" | "rewards"> | null {
  if (!Array.isArray(responses)) return broken(note, "responses");
  if (responses.length < 2) note("groupTooSmall", `${responses.length}`);
  const answers: Part[] = [];
  const rewards: number[] = [];
  for (const response of responses) {
    const { text, reward, messages } = (response ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof reward === "number" && Number.isFinite(reward)) rewards.push(reward);
    else note("badReward", JSON.stringify(reward));
    if (Array.isArray(messages) && messages.length > 0) {
      const turns = answerOf(messages, Array.isArray(prompt) ? prompt : null, names, note, "responses");
      if (turns) answers.push(turns);
    } else if (typeof text === "string") {
      if (text.trim() === "") note("emptyCompletion", "responses");
      answers.push(typeof prompt === "string" ? text : [{ role: "assistant", content: text }]);
    } else note("badResponse");
  }
  if (rewards.length > 1 && rewards.every((reward) => reward === rewards[0])) note("equalRewards", `${rewards[0]}`);
  return { answers, rewards };
}

function sameText(one: Part | undefined, other: Part | undefined): boolean {
  return one !== undefined && other !== undefined && partText(one).trim() === partText(other).trim();
}

function hasNull(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== "object" || value === undefined) return false;
  return Object.entries(value).some(([name, inner]) => name !== "default" && name !== "enum" && hasNull(inner));
}
