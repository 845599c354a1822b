/** One input row as it came. */
export type InputRow = Readonly<Record<string, unknown>>;

/**
 * Turns a row into one interaction, a list of them, or null for none; a promise of these will do. An error it throws is
 * told as that row's reason.
 */
export type RowMapping = (row: InputRow, line: number) => unknown;

/** Where in a row each field of an interaction is found: a name, or a dotted path. */
export type FieldPaths = Readonly<Partial<Record<MappableField, string>>>;

/** The fields of an interaction that options can name. */
export type MappableField =
  | "query"
  | "answer"
  | "messages"
  | "reference"
  | "agentType"
  | "sessionId"
  | "userId"
  | "interactionId"
  | "groupId"
  | "timestamp"
  | "model"
  | "variant"
  | "latencyMs"
  | "errorMessage"
  | "overall";

/** Maps rows by named fields. What no path names is left out. */
export function fieldMapping(paths: FieldPaths): RowMapping {
  const { overall, ...texts } = paths;
  return (row) => {
    const interaction: Record<string, unknown> = {};
    for (const [name, path] of Object.entries(texts)) {
      const value = valueAt(row, path);
      if (value === undefined || value === null) {
        if (name === "query" || name === "answer") throw new Error(`no field "${path}" (${fieldsOf(row)})`);
        continue;
      }
      interaction[name] = NOT_TEXT.has(name) ? value : textOf(value, path);
    }
    const score = overall === undefined ? undefined : valueAt(row, overall);
    if (overall !== undefined && score !== undefined && score !== null) {
      interaction.qualityScores = { overall: scoreOf(score, overall) };
    }
    return interaction;
  };
}

/** Takes rows that have the names of an interaction already, as REST and JSONL write them or as the SDK does. */
export function ownShapeMapping(): RowMapping {
  return (row) => {
    if (row.query === undefined && row.messages === undefined) {
      throw new Error(`no field "query": name one with --query <field> (${fieldsOf(row)})`);
    }
    if (row.answer === undefined && row.messages === undefined) {
      throw new Error(`no field "answer": name one with --answer <field> (${fieldsOf(row)})`);
    }
    return row;
  };
}

/** What a mapping gave, as a list. */
export function mappedItems(result: unknown): readonly unknown[] {
  if (result === null || result === undefined) return [];
  return Array.isArray(result) ? result : [result];
}

/** Finds `a.b.0.c` in a row; a field whose own name has dots is found as well. */
function valueAt(row: unknown, path: string): unknown {
  if (typeof row !== "object" || row === null) return undefined;
  if (Object.hasOwn(row, path)) return (row as InputRow)[path];
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const inner = valueAt(row, path.slice(0, dot));
    if (inner !== undefined) return valueAt(inner, path.slice(dot + 1));
  }
  return undefined;
}

const NOT_TEXT = new Set<string>(["messages", "timestamp", "latencyMs"]);

function textOf(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Error(`field "${path}" is ${Array.isArray(value) ? "an array" : "an object"}, not a text`);
}

function scoreOf(value: unknown, path: string): number {
  const score = typeof value === "boolean" ? Number(value) : value;
  if (typeof score === "number" && score >= 0 && score <= 1) return score;
  throw new Error(`field "${path}" is ${JSON.stringify(value)}: a score is a number from 0 to 1, or true or false`);
}

function fieldsOf(row: InputRow): string {
  const names = Object.keys(row);
  if (names.length === 0) return "the row is empty";
  return `the row has ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
}
