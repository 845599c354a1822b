import type { Plan, Skill, Step } from "../plan.js";
import { numbersIn } from "../reading.js";
import { type Expression, readExpression } from "./expression.js";

/** Solves an equation that is linear in one unknown: "Solve 5(x - 2) = 3x + 8." */
export const equation: Skill = (question) => {
  const text = question.replace(/[.?!]+$/, "");
  const match =
    /^(?:solve|find [a-z]:|find [a-z] if|if)\s+(?<left>[^=]+?)\s*=\s*(?<right>[^=]+?)(?:\s+for [a-z]|,\s*(?:what is|find) [a-z])?$/i.exec(
      text,
    );
  return match?.groups ? solve(match.groups.left ?? "", match.groups.right ?? "") : null;
};

/** Solves an equation told in words: "Three times a number minus 8 is 25. What is the number?" */
export const equationInWords: Skill = (question) => {
  const match =
    /^(?<left>[^.?!]*?\ba number\b[^.?!]*?),? (?:is|equals|gives|makes) (?<right>\d[^?!]*?)[.,]? what is (?:the|this|that) number\W*$/i.exec(
      question,
    );
  return match?.groups ? solve(match.groups.left ?? "", match.groups.right ?? "") : null;
};

/** Undoes what was done to a number, last thing first: "I think of a number, multiply it by 4 and add 9. I get 41." */
export const thoughtOfNumber: Skill = (question) => {
  const match = /think of a number(?<story>.*?)(?:get|result is|end up with|reach) (?<result>\d+(?:\.\d+)?)/i.exec(
    question,
  );
  if (!match?.groups) return null;
  const undo: (readonly [what: string, expression: string])[] = [];
  for (const part of (match.groups.story ?? "").split(/,|\band\b|\bthen\b|[.]\s/)) {
    const [number] = numbersIn(part);
    if (/\bdouble\b/i.test(part)) undo.unshift(["Undo the doubling", "/ 2"]);
    else if (/\bhalve\b/i.test(part)) undo.unshift(["Undo the halving", "* 2"]);
    else if (number === undefined) continue;
    else if (/\bmultiply|times\b/i.test(part)) undo.unshift(["Undo the multiplication", `/ ${number}`]);
    else if (/\bdivide\b/i.test(part)) undo.unshift(["Undo the division", `* ${number}`]);
    else if (/\badd\b/i.test(part)) undo.unshift(["Undo the addition", `- ${number}`]);
    else if (/\bsubtract|take away\b/i.test(part)) undo.unshift(["Undo the subtraction", `+ ${number}`]);
    else return null;
  }
  if (undo.length === 0) return null;
  const steps = undo.map(([what, rest], place) => ({
    what,
    expression: `${place === 0 ? match.groups?.result : `#${place}`} ${rest}`,
  }));
  return { steps, unit: "" };
};

/** A sum of signed products, kept as text so that the plan shows what is added to what. */
type Terms = readonly { readonly negative: boolean; readonly text: string }[];

interface Linear {
  readonly unknowns: Terms;
  readonly numbers: Terms;
}

function solve(leftText: string, rightText: string): Plan | null {
  const [left, right] = [readExpression(leftText), readExpression(rightText)];
  if (!left || !right) return null;
  const [leftSide, rightSide] = [linear(left), linear(right)];
  if (!leftSide || !rightSide) return null;
  const unknowns = [...leftSide.unknowns, ...negated(rightSide.unknowns)];
  const numbers = [...rightSide.numbers, ...negated(leftSide.numbers)];
  if (unknowns.length === 0) return null;

  const steps: Step[] = [];
  const coefficient = collect("Bring the unknowns to the left", unknowns, steps);
  const constant = collect("Bring the numbers to the right", numbers, steps);
  if (coefficient !== "1") {
    steps.push({ what: "Divide by what stands before the unknown", expression: `${constant} / ${coefficient}` });
  }
  if (steps.length === 0) return null;
  return { steps, unit: "", check: `${written(left)} = ${written(right)}` };
}

function collect(what: string, terms: Terms, steps: Step[]): string {
  const [only] = terms;
  if (!only) return "0";
  if (terms.length === 1 && !only.negative && /^\d+(\.\d+)?$/.test(only.text)) return only.text;
  // A positive term in front spares the reader a leading minus.
  const ordered = [...terms].sort((a, b) => Number(a.negative) - Number(b.negative));
  const expression = ordered.map(({ negative, text }, place) => {
    if (place === 0) return negative ? `-${text}` : text;
    return `${negative ? "-" : "+"} ${text}`;
  });
  steps.push({ what, expression: expression.join(" ") });
  return `#${steps.length}`;
}

function linear(expression: Expression): Linear | null {
  if (expression.kind === "unknown") return { unknowns: [{ negative: false, text: "1" }], numbers: [] };
  if (expression.kind === "number") return { unknowns: [], numbers: [{ negative: false, text: expression.text }] };
  const [left, right] = [linear(expression.left), linear(expression.right)];
  if (!left || !right) return null;
  if (expression.operator === "+" || expression.operator === "-") {
    const other =
      expression.operator === "+" ? right : { unknowns: negated(right.unknowns), numbers: negated(right.numbers) };
    return { unknowns: [...left.unknowns, ...other.unknowns], numbers: [...left.numbers, ...other.numbers] };
  }
  if (expression.operator === "*") {
    return factor(left) ? scaled(right, "*", factor(left)) : scaled(left, "*", factor(right));
  }
  return expression.operator === "/" ? scaled(left, "/", factor(right)) : null;
}

const negated = (terms: Terms): Terms => terms.map(({ negative, text }) => ({ negative: !negative, text }));

// A side may be multiplied by a plain number only; anything more is not linear, or not worth its steps.
function factor({ unknowns, numbers }: Linear): string | null {
  const [only] = numbers;
  return unknowns.length === 0 && numbers.length === 1 && only && !only.negative ? only.text : null;
}

function scaled(side: Linear, operator: "*" | "/", by: string | null): Linear | null {
  if (by === null) return null;
  const scale = (terms: Terms): Terms =>
    terms.map(({ negative, text }) => ({
      negative,
      text: text === "1" && operator === "*" ? by : operator === "*" ? `${by} * ${text}` : `${text} / ${by}`,
    }));
  return { unknowns: scale(side.unknowns), numbers: scale(side.numbers) };
}

function written(expression: Expression): string {
  if (expression.kind === "number") return expression.text;
  if (expression.kind === "unknown") return "x";
  return `(${written(expression.left)} ${expression.operator} ${written(expression.right)})`;
}
