import type { ToolSchema } from "@whetstone/core";
import { all, create, type MathNode } from "mathjs";

/** The tool as a model is told of it. */
export const calculatorTool: ToolSchema = {
  type: "function",
  function: {
    name: "calculator",
    description:
      "Works out one arithmetic expression exactly, such as `4 * 3.5`, `80 * 15%` or `3/4 + 1/6`. " +
      "Knows + - * / ^ %, brackets, pi, sqrt, abs, round, ceil, floor, min, max, gcd, lcm and mod.",
    parameters: {
      type: "object",
      properties: { expression: { type: "string", description: "The expression, digits and operators only." } },
      required: ["expression"],
      additionalProperties: false,
    },
  },
};

/**
 * Works out an expression. Fractions stay exact: 1/3 + 1/6 is 1/2, and what has no end as a decimal comes back as a
 * fraction. Throws an error whose message can be shown to whoever wrote the expression.
 */
export function calculate(expression: string): string {
  if (expression.trim() === "") throw new Error("there is nothing to work out");
  if (expression.length > MAX_LENGTH) throw new Error(`the expression is longer than ${MAX_LENGTH} characters`);
  const tree = exact.parse(expression);
  tree.traverse(refuseUnknown);
  if (!needsFloats(tree)) return exactText(tree.compile().evaluate());
  const value: unknown = floats.parse(expression).compile().evaluate();
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error("the result is not a number");
  return floats
    .format(value, { precision: 12, notation: "fixed" })
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

const MAX_LENGTH = 300;
const FUNCTIONS = ["sqrt", "abs", "round", "ceil", "floor", "min", "max", "gcd", "lcm", "mod"];
const KINDS = ["ConstantNode", "OperatorNode", "ParenthesisNode", "FunctionNode", "SymbolNode"];

const exact = create(all ?? {}, { number: "Fraction" });
const floats = create(all ?? {}, { number: "number" });

// mathjs knows assignments, units, matrices and loops over them; a calculator needs none, and a model may write anything.
function refuseUnknown(node: MathNode): void {
  if (!KINDS.includes(node.type)) throw new Error(`not arithmetic: ${node.toString()}`);
  if (node.type === "SymbolNode" && ![...FUNCTIONS, "pi"].includes(node.toString())) {
    throw new Error(`unknown name: ${node.toString()}`);
  }
}

// Roots, pi and rounding leave the fractions, and so do large powers: 9^9^9 as an exact number would never end.
function needsFloats(tree: MathNode): boolean {
  let found = false;
  tree.traverse((node) => {
    if (node.type === "SymbolNode" && ["sqrt", "pi", "round"].includes(node.toString())) found = true;
    if (!exact.isOperatorNode(node)) return;
    if (node.op === "!" || (node.op === "^" && !isSmallPower(node))) found = true;
  });
  return found;
}

function isSmallPower({ args: [base, exponent] }: { readonly args: readonly MathNode[] }): boolean {
  if (!base || !exponent || !exact.isConstantNode(exponent)) return false;
  const power = Number(exponent.value);
  return Number.isInteger(power) && power <= 64 && base.filter((node) => "op" in node && node.op === "^").length === 0;
}

function exactText(value: unknown): string {
  if (!exact.isFraction(value)) throw new Error("the result is not a number");
  const { d } = value as unknown as { readonly d: bigint };
  const ends = String(d).length < 16 && withoutFactors(Number(d)) === 1;
  return ends ? value.toString() : value.toFraction();
}

// A fraction ends as a decimal when its denominator has no prime factors but 2 and 5.
function withoutFactors(denominator: number): number {
  let rest = denominator;
  for (const factor of [2, 5]) while (rest % factor === 0) rest /= factor;
  return rest;
}
