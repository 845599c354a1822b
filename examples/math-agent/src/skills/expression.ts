import type { Plan, Skill, Step } from "../plan.js";

/** Arithmetic as it is read: what has no parts is a number in its own spelling (`4`, `3/4`, `15%`) or the unknown `x`. */
export type Expression =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "operation"; readonly operator: Operator; readonly left: Expression; readonly right: Expression };

export type Operator = "+" | "-" | "*" | "/" | "^";

/** Plans plain arithmetic, in signs ("48 / (2 + 6) * 5") or in words ("half of the difference between 83 and 29"). */
export const arithmetic: Skill = (question) => {
  const asked = question.replace(/^(?:what is|compute|calculate|work out|evaluate|find|how much is)\s+/i, "");
  const expression = readExpression(asked.replace(/[.?!]+$/, "").replace(/,? as an? (?:fraction|decimal)$/i, ""));
  if (expression?.kind !== "operation") return null;
  const steps: Step[] = [];
  operand(expression, steps);
  return { steps, unit: "" } satisfies Plan;
};

/** Reads an expression with at most one unknown, or null when the text is anything else. */
export function readExpression(text: string): Expression | null {
  const tokens = tokenize(text);
  if (!tokens) return null;
  const reader = { tokens, at: 0 };
  try {
    const expression = command(reader);
    return reader.at === tokens.length ? expression : null;
  } catch (error) {
    if (error instanceof NotArithmetic) return null;
    throw error;
  }
}

const NAMES: Record<Operator, string> = {
  "+": "Add",
  "-": "Subtract",
  "*": "Multiply",
  "/": "Divide",
  "^": "Raise to the power",
};

// Writes the steps of an expression, innermost first, and returns how the result is called.
function operand(expression: Expression, steps: Step[]): string {
  if (expression.kind === "number") return expression.text;
  if (expression.kind === "unknown") return "x";
  const inBrackets = (text: string) => (text.includes("/") ? `(${text})` : text);
  let left = operand(expression.left, steps);
  let right = operand(expression.right, steps);
  if (expression.operator === "^") left = inBrackets(left);
  if (expression.operator === "^" || expression.operator === "/") right = inBrackets(right);
  const what = right.endsWith("%") ? `Take ${right}` : NAMES[expression.operator];
  steps.push({ what, expression: `${left} ${expression.operator} ${right}` });
  return `#${steps.length}`;
}

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

class NotArithmetic extends Error {}

const TOKEN =
  /\s*(?:(\d+\/\d+(?![\d.])|\d+(?:\.\d+)?\s?%|\d+(?:\.\d+)?)|([-+*/^()])|,? (?:and )?(then)\b|,|(x|n|y|a number|the number)\b|([a-z]+))/iy;

const WORDS = new Set(
  "plus minus times multiplied divided by increased decreased of the sum difference product quotient square between and add to subtract from multiply divide take away squared then it".split(
    " ",
  ),
);

function tokenize(text: string): readonly string[] | null {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (!match) return null;
    const [, number, sign, then, unknown, word] = match;
    if (word !== undefined && !WORDS.has(word.toLowerCase())) return null;
    if (unknown !== undefined) tokens.push("x");
    else if (number ?? sign ?? then ?? word) tokens.push((number ?? sign ?? then ?? word ?? "").toLowerCase());
  }
  return tokens;
}

const peek = (reader: Reader) => reader.tokens[reader.at] ?? "";

function accept(reader: Reader, ...words: string[]): boolean {
  if (!words.every((word, place) => reader.tokens[reader.at + place] === word)) return false;
  reader.at += words.length;
  return true;
}

function expect(reader: Reader, word: string): void {
  if (!accept(reader, word)) throw new NotArithmetic(`expected ${word}`);
}

const operation = (operator: Operator, left: Expression, right: Expression): Expression => ({
  kind: "operation",
  operator,
  left,
  right,
});

function command(reader: Reader): Expression {
  let result = imperative(reader);
  while (accept(reader, "then")) {
    const next = verb(reader);
    if (!next) throw new NotArithmetic("then what?");
    accept(reader, "it");
    if (next === "*" || next === "/") expect(reader, "by");
    result = operation(next, result, sum(reader));
  }
  return result;
}

function imperative(reader: Reader): Expression {
  const start = reader.at;
  const operator = verb(reader);
  if (!operator) return sum(reader);
  const first = sum(reader);
  if (operator === "+") {
    expect(reader, "to");
    return operation("+", sum(reader), first);
  }
  if (operator === "-") {
    expect(reader, "from");
    return operation("-", sum(reader), first);
  }
  if (!accept(reader, "by")) {
    reader.at = start;
    throw new NotArithmetic("by what?");
  }
  return operation(operator, first, sum(reader));
}

function verb(reader: Reader): Operator | null {
  if (accept(reader, "add")) return "+";
  if (accept(reader, "subtract") || accept(reader, "take", "away")) return "-";
  if (accept(reader, "multiply")) return "*";
  if (accept(reader, "divide")) return "/";
  return null;
}

function sum(reader: Reader): Expression {
  let left = product(reader);
  for (;;) {
    if (accept(reader, "+") || accept(reader, "plus") || accept(reader, "increased", "by")) {
      left = operation("+", left, product(reader));
    } else if (accept(reader, "-") || accept(reader, "minus") || accept(reader, "decreased", "by")) {
      left = operation("-", left, product(reader));
    } else return left;
  }
}

function product(reader: Reader): Expression {
  let left = power(reader);
  for (;;) {
    if (accept(reader, "*") || accept(reader, "times") || accept(reader, "multiplied", "by")) {
      left = operation("*", left, power(reader));
    } else if (accept(reader, "/") || accept(reader, "divided", "by")) {
      left = operation("/", left, power(reader));
    } else if (peek(reader) === "x" || peek(reader) === "(") {
      left = operation("*", left, power(reader)); // 3x, 5(x - 2)
    } else return left;
  }
}

function power(reader: Reader): Expression {
  const base = atom(reader);
  if (accept(reader, "^")) return operation("^", base, atom(reader));
  if (accept(reader, "squared")) return operation("^", base, { kind: "number", text: "2" });
  return base;
}

function atom(reader: Reader): Expression {
  if (accept(reader, "(")) {
    const inner = sum(reader);
    expect(reader, ")");
    return inner;
  }
  if (accept(reader, "x")) return { kind: "unknown" };
  accept(reader, "the");
  if (accept(reader, "square", "of")) return operation("^", atom(reader), { kind: "number", text: "2" });
  for (const [name, operator] of [
    ["sum", "+"],
    ["difference", "-"],
    ["product", "*"],
    ["quotient", "/"],
  ] as const) {
    if (!accept(reader, name)) continue;
    if (!accept(reader, "of")) expect(reader, "between");
    const first = sum(reader);
    expect(reader, "and");
    return operation(operator, first, product(reader));
  }
  const number = peek(reader);
  if (!/^\d/.test(number)) throw new NotArithmetic(`expected a number, found ${number}`);
  reader.at += 1;
  const literal: Expression = { kind: "number", text: number.replace(/\s/g, "") };
  // "15% of 240" and "3/4 of 80" are products; the part comes second, as one writes it.
  return accept(reader, "of") ? operation("*", atom(reader), literal) : literal;
}
