/**
 * Whether two expressions have the same value wherever both have one: `(x+1)^2` and `x^2+2x+1`. "unknown" when
 * mathjs, which parses them, is not installed.
 *
 * mathjs only parses. The tree is walked by this file, which knows arithmetic and a dozen functions and nothing else,
 * so no text can run anything, and the time is bounded by the number of nodes. Equality is tested at fixed points,
 * which decides identities that rewriting rules miss.
 */
export async function expressionsEqual(
  a: string,
  b: string,
  equal: (x: number, y: number) => boolean,
): Promise<boolean | "unknown"> {
  if (!isExpression(a) || !isExpression(b) || !(hasOperator(a) || hasOperator(b))) return false;
  const parse = await loadParser();
  if (!parse) return "unknown";
  const left = toTree(parse, a);
  const right = toTree(parse, b);
  return left !== null && right !== null && treesEqual(left, right, equal);
}

const MAX_EXPRESSION = 300;
const MAX_NODES = 200;
const POINTS = 12;
/** Fewer points than this where both have a value decide nothing. */
const MIN_SHARED = 4;

/** Words are no expression, and neither are statements, strings, objects or matrices. */
function isExpression(text: string): boolean {
  if (text.length === 0 || text.length > MAX_EXPRESSION || /[^\w\s.+\-*/^()|!,]/.test(text)) return false;
  return hasOperator(text) || /^[A-Za-z]{1,3}$/.test(text);
}

const hasOperator = (text: string) => /[\d+*/^()!-]/.test(text);

/** The part of a mathjs syntax tree that is read here. */
interface Node {
  readonly type: string;
  readonly value?: unknown;
  readonly name?: string;
  readonly fn?: string | { readonly name?: string };
  readonly args?: readonly Node[];
  readonly content?: Node;
}

type Parse = (text: string) => Node;

let parser: Promise<Parse | null> | undefined;

/** Loaded when the first expression needs it: it takes a third of a second, and most answers are numbers. */
function loadParser(): Promise<Parse | null> {
  parser ??= import("mathjs/number").then(
    (mathjs) => mathjs.parse as unknown as Parse,
    () => null,
  );
  return parser;
}

type Tree =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "call"; readonly apply: (...values: number[]) => number; readonly args: readonly Tree[] };

function toTree(parse: Parse, text: string): Tree | null {
  const budget = { nodes: MAX_NODES };
  try {
    return convert(parse(productsOfLetters(text)), budget);
  } catch {
    return null; // no expression, or one nested too deeply for the parser
  }
}

/** `2 1/2` is two and a half, and `xy` a product, where a parser sees other things. */
function productsOfLetters(text: string): string {
  return text
    .replace(/(?<![\w.])(\d{1,15}) (\d{1,15}\/\d{1,15})(?![\w.])/g, "($1+$2)")
    .replace(/\|([^|]*)\|/g, "abs($1)")
    .replace(/\b(sqrt|sin|cos|tan|ln|log) (\d+(?:\.\d+)?|[a-z]|pi)(?!\w)/g, "$1($2)")
    .replace(/(?<![A-Za-z_])[A-Za-z]{2,3}(?![A-Za-z_])/g, (letters) =>
      Object.hasOwn(FUNCTIONS, letters) || Object.hasOwn(CONSTANTS, letters) ? letters : [...letters].join(" "),
    );
}

function convert(node: Node, budget: { nodes: number }): Tree | null {
  budget.nodes -= 1;
  if (budget.nodes < 0) return null;
  if (node.type === "ParenthesisNode" && node.content) return convert(node.content, budget);
  if (node.type === "ConstantNode") {
    return typeof node.value === "number" ? { kind: "number", value: node.value } : null;
  }
  if (node.type === "SymbolNode" && node.name !== undefined) {
    const constant = Object.hasOwn(CONSTANTS, node.name) ? CONSTANTS[node.name] : undefined;
    return constant === undefined ? { kind: "variable", name: node.name } : { kind: "number", value: constant };
  }
  const isFunction = node.type === "FunctionNode";
  if (!isFunction && node.type !== "OperatorNode") return null;
  const name = typeof node.fn === "string" ? node.fn : (node.fn?.name ?? "");
  const table = isFunction ? FUNCTIONS : OPERATORS;
  const args = (node.args ?? []).map((argument) => convert(argument, budget));
  const [first] = args;
  if (isFunction && !Object.hasOwn(table, name) && /^[A-Za-z]$/.test(name) && args.length === 1 && first) {
    return { kind: "call", apply: OPERATORS.multiply as Operation, args: [{ kind: "variable", name }, first] }; // x(x+1)
  }
  const apply = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!apply || args.length === 0 || args.length > 2 || !args.every((argument) => argument !== null)) return null;
  return { kind: "call", apply, args };
}

type Operation = (x: number, y?: number) => number;

const CONSTANTS: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };

const OPERATORS: Readonly<Record<string, Operation>> = {
  add: (x, y = Number.NaN) => x + y,
  subtract: (x, y = Number.NaN) => x - y,
  multiply: (x, y = Number.NaN) => x * y,
  divide: (x, y = Number.NaN) => x / y,
  pow: (x, y = Number.NaN) => x ** y,
  unaryMinus: (x) => -x,
  unaryPlus: (x) => x,
  factorial: (x) => factorial(x),
};

const FUNCTIONS: Readonly<Record<string, Operation>> = {
  sqrt: (x) => Math.sqrt(x),
  cbrt: (x) => Math.cbrt(x),
  nthRoot: (x, n = 2) => (x < 0 && n % 2 === 1 ? -((-x) ** (1 / n)) : x ** (1 / n)),
  abs: (x) => Math.abs(x),
  exp: (x) => Math.exp(x),
  ln: (x) => Math.log(x),
  log: (x, base = Math.E) => Math.log(x) / Math.log(base),
  sin: (x) => Math.sin(x),
  cos: (x) => Math.cos(x),
  tan: (x) => Math.tan(x),
  sec: (x) => 1 / Math.cos(x),
  csc: (x) => 1 / Math.sin(x),
  cot: (x) => 1 / Math.tan(x),
  arcsin: (x) => Math.asin(x),
  arccos: (x) => Math.acos(x),
  arctan: (x) => Math.atan(x),
};

function factorial(x: number): number {
  if (!Number.isInteger(x) || x < 0 || x > 170) return Number.NaN;
  let product = 1;
  for (let factor = 2; factor <= x; factor++) product *= factor;
  return product;
}

function treesEqual(a: Tree, b: Tree, equal: (x: number, y: number) => boolean): boolean {
  const names = [...new Set([...variables(a), ...variables(b)])].sort();
  if (names.length === 0) {
    const [x, y] = [evaluate(a, {}), evaluate(b, {})];
    return Number.isFinite(x) && Number.isFinite(y) && equal(x, y);
  }
  let shared = 0;
  for (let point = 0; point < POINTS; point++) {
    const values = Object.fromEntries(names.map((name, index) => [name, sample(index, point)]));
    const [x, y] = [evaluate(a, values), evaluate(b, values)];
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      if (Number.isFinite(x) !== Number.isFinite(y)) return false;
      continue;
    }
    shared += 1;
    // Terms that cancel leave a remainder as large as their rounding, so nearness to zero is absolute.
    if (Math.abs(x - y) > 1e-9 * Math.max(1, Math.abs(x), Math.abs(y))) return false;
  }
  return shared >= MIN_SHARED;
}

function* variables(tree: Tree): Generator<string> {
  if (tree.kind === "variable") yield tree.name;
  else if (tree.kind === "call") for (const argument of tree.args) yield* variables(argument);
}

/** Irrational-looking values, half of them positive throughout, so that roots and logarithms have points too. */
function sample(variable: number, point: number): number {
  const value =
    0.3 + ((((variable + 1) * 0.618034 + (point + 1) * 0.754878 + variable * point * 0.569841) % 1) + 1) * 1.7;
  return point % 2 === 0 ? value : (variable + (point >> 1)) % 2 === 0 ? -value : value - 1.9;
}

function evaluate(tree: Tree, values: Readonly<Record<string, number>>): number {
  if (tree.kind === "number") return tree.value;
  if (tree.kind === "variable") return values[tree.name] ?? Number.NaN;
  return tree.apply(...tree.args.map((argument) => evaluate(argument, values)));
}
