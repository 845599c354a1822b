/** Follows the types of all columns as a loader does that guesses them from the first 10 MiB of a file. */
export interface ColumnTypes {
  /** `offset` is where the row begins in its file. */
  add(row: Readonly<Record<string, unknown>>, line: string, offset: number): readonly TypeTrouble[];
  /** Paths whose texts all look like dates, as long as more than one was seen. */
  dateTexts(): readonly string[];
}

export interface TypeTrouble {
  readonly code: "lateType" | "mixedTypes";
  readonly detail: string;
}

interface Node {
  /** A sum of type bits. */
  types: number;
  texts: number;
  fields: Map<string, Node> | null;
  items: Node | null;
}

/** The block that `datasets` infers a schema from: its `chunksize`. */
const FIRST_BLOCK = 10 * 1024 * 1024;
const [BOOLEAN, INTEGER, FLOAT, TEXT, DATE, LIST, STRUCT] = [1, 2, 4, 8, 16, 32, 64] as const;
const NAMES: Readonly<Record<number, string>> = {
  [BOOLEAN]: "a boolean",
  [INTEGER]: "a whole number",
  [FLOAT]: "a number with decimals",
  [TEXT]: "a text",
  [DATE]: "a date",
  [LIST]: "a list",
  [STRUCT]: "an object",
};
/** A schema of more parts is a file of free keys; what is beyond is not followed. */
const MAX_NODES = 20_000;
const DATE_TEXT = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

export function columnTypes(): ColumnTypes {
  const root = node();
  let nodes = 1;

  function node(): Node {
    return { types: 0, texts: 0, fields: null, items: null };
  }

  function fieldOf(parent: Node, name: string): Node | null {
    parent.fields ??= new Map();
    const known = parent.fields.get(name);
    if (known || nodes >= MAX_NODES) return known ?? null;
    const made = node();
    nodes += 1;
    parent.fields.set(name, made);
    return made;
  }

  function learn(at: Node, value: unknown, path: string, line: string, troubles: TypeTrouble[]): void {
    if (value === null || value === undefined) return;
    const type = typeOf(value, () => writtenWithPoint(path, line));
    const before = at.types;
    at.types |= type;
    if (type === TEXT || type === DATE) at.texts += 1;
    if (before !== 0 && kinds(at.types) > kinds(before)) {
      troubles.push({ code: "mixedTypes", detail: `${path} is ${NAMES[type]} here and was ${nameOf(before)}` });
    }
    if (Array.isArray(value)) {
      at.items ??= node();
      for (const item of value) learn(at.items, item, `${path}[]`, line, troubles);
    } else if (typeof value === "object") {
      for (const [name, inner] of Object.entries(value)) {
        const field = fieldOf(at, name);
        if (field) learn(field, inner, path === "" ? name : `${path}.${name}`, line, troubles);
      }
    }
  }

  function check(at: Node, value: unknown, path: string, troubles: TypeTrouble[]): void {
    if (value === null || value === undefined) return;
    const type = typeOf(value, () => false);
    if (!fits(at.types, type)) {
      const known = at.types === 0 ? "null" : nameOf(at.types);
      troubles.push({ code: "lateType", detail: `${path} is ${NAMES[type]}, in the first 10 MiB ${known}` });
      at.types |= type; // said once for each path
      return;
    }
    // A column that holds objects of several types was read as JSON, which takes anything.
    if (kinds(at.types) > 1) return;
    if (Array.isArray(value)) {
      at.items ??= node();
      for (const item of value) check(at.items, item, `${path}[]`, troubles);
    } else if (typeof value === "object") {
      for (const [name, inner] of Object.entries(value)) {
        const inside = path === "" ? name : `${path}.${name}`;
        const field = at.fields?.get(name);
        if (field) check(field, inner, inside, troubles);
        else if (nodes < MAX_NODES) {
          troubles.push({ code: "lateType", detail: `${inside} is a key that the first 10 MiB do not have` });
          const made = fieldOf(at, name);
          if (made) learn(made, inner, inside, "", []);
        }
      }
    }
  }

  return {
    add(row, line, offset) {
      const troubles: TypeTrouble[] = [];
      if (offset < FIRST_BLOCK) learn(root, row, "", line, troubles);
      else check(root, row, "", troubles);
      return troubles;
    },
    dateTexts() {
      const paths: string[] = [];
      const visit = (at: Node, path: string): void => {
        if (at.types === DATE && at.texts > 1) paths.push(path);
        for (const [name, field] of at.fields ?? []) visit(field, path === "" ? name : `${path}.${name}`);
        if (at.items) visit(at.items, `${path}[]`);
      };
      visit(root, "");
      return paths;
    },
  };
}

function typeOf(value: unknown, hasPoint: () => boolean): number {
  if (typeof value === "boolean") return BOOLEAN;
  if (typeof value === "number") return Number.isInteger(value) && !hasPoint() ? INTEGER : FLOAT;
  if (typeof value === "string") return DATE_TEXT.test(value) ? DATE : TEXT;
  return Array.isArray(value) ? LIST : STRUCT;
}

/** Whether a column of the guessed types takes a value of another row. */
function fits(types: number, type: number): boolean {
  if (type === INTEGER) return (types & (INTEGER | FLOAT)) !== 0;
  if (type === DATE) return (types & (DATE | TEXT)) !== 0;
  return (types & type) !== 0;
}

/** Types that cannot be told from each other count once: whole numbers and others, dates and other texts. */
function kinds(types: number): number {
  const groups = [types & BOOLEAN, types & (INTEGER | FLOAT), types & (TEXT | DATE), types & LIST, types & STRUCT];
  return groups.filter((group) => group !== 0).length;
}

function nameOf(types: number): string {
  return Object.entries(NAMES)
    .filter(([bit]) => (types & Number(bit)) !== 0)
    .map(([, name]) => name)
    .join(" or ");
}

/** JavaScript reads 1.0 as 1; to a loader the first is a float. */
function writtenWithPoint(path: string, line: string): boolean {
  const name = /([^.[\]]+)(?:\[\])*$/.exec(path)?.[1] ?? "";
  return new RegExp(`"${name.replace(/\W/g, "\\$&")}"\\s*:\\s*\\[?\\s*-?\\d+(?:\\.|[eE])`).test(line);
}
