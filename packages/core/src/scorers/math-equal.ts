import { expressionsEqual } from "./expressions-equal.js";
import { plainMath } from "./plain-math.js";
import { parseQuantity, type Quantity, trailingUnit, type Unit } from "./quantity.js";

export interface MathEqualOptions {
  /** Largest relative difference that still counts as equal. Without it numbers must agree, but for rounding. */
  readonly tolerance?: number | undefined;
}

/** Whether two answers say the same; "unknown" when only mathjs could say and it is not installed. */
export async function compareAnswers(
  a: string,
  b: string,
  { tolerance }: MathEqualOptions = {},
): Promise<boolean | "unknown"> {
  if (a === b) return true;
  if (a.length > MAX_ANSWER || b.length > MAX_ANSWER) return false;
  const [left, right] = [plainAnswer(a), plainAnswer(b)];
  return left !== "" && right !== "" && compare(left, right, tolerance, 0);
}

/** Longer answers are compared as texts. */
const MAX_ANSWER = 1000;

/** Lists of points are lists of lists; more is no answer. */
const MAX_NESTED = 1;
const MAX_ITEMS = 20;

/** Room for the noise of floating-point sums, such as 201.89999999999998 for 201.9. */
const NOISE = 1e-9;

/** An answer cut at so many decimals or more is a rounding of a longer one, not another number. */
const ROUNDED_DECIMALS = 4;

async function compare(
  a: string,
  b: string,
  tolerance: number | undefined,
  depth: number,
): Promise<boolean | "unknown"> {
  if (a === b || folded(a) === folded(b)) return true;
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  if (left && right) return quantitiesEqual(left, right, tolerance);

  const [leftSide, rightSide] = [valueSide(a, b), valueSide(b, a)];
  if (leftSide !== a || rightSide !== b) return compare(leftSide, rightSide, tolerance, depth);

  const [leftItems, rightItems] = [listItems(a), listItems(b)];
  if (leftItems || rightItems) {
    if (!leftItems || !rightItems || depth > MAX_NESTED) return false;
    return listsEqual(leftItems, rightItems, tolerance, depth + 1);
  }

  const [leftUnit, rightUnit] = [left ? null : trailingUnit(a), right ? null : trailingUnit(b)];
  if (leftUnit || rightUnit) {
    const [unit, other] = [leftUnit?.unit ?? left?.unit, rightUnit?.unit ?? right?.unit];
    if (unit && other && conversion(unit, other) !== 1) return false;
    const bare = (quantity: Quantity | null, text: string) => (quantity ? quantityText(quantity) : text);
    return compare(bare(left, leftUnit?.text ?? a), bare(right, rightUnit?.text ?? b), tolerance, depth);
  }
  return expressionsEqual(left ? quantityText(left) : a, right ? quantityText(right) : b, (x, y) =>
    numbersEqual({ value: x, decimals: Infinity }, { value: y, decimals: Infinity }, tolerance),
  );
}

/** An answer without the marks around it: `$…$`, `\(…\)`, `**…**`, a full stop, brackets around one value. */
export function plainAnswer(answer: string): string {
  let plain = answer.trim();
  for (let before = ""; before !== plain; ) {
    before = plain;
    for (const [open, close] of WRAPPERS) {
      const isWrapped = plain.length > open.length + close.length && plain.startsWith(open) && plain.endsWith(close);
      if (isWrapped) plain = plain.slice(open.length, plain.length - close.length).trim();
    }
    if (/[.,;:]$|[A-Za-z]{2}!$/.test(plain)) plain = plain.slice(0, -1).trimEnd();
  }
  plain = plainMath(plain).replace(/^(?:option|choice) (?=\(?[A-Za-z]\)?$)/i, "");
  // (1/2) and (B) are values in brackets, (1, 2) and (x+1)(x-1) are not.
  const inner = /^\(([^(),]*)\)$/.exec(plain)?.[1]?.trim();
  return inner ? inner : plain;
}

const WRAPPERS = [
  ["$$", "$$"],
  ["$", "$"],
  ["\\(", "\\)"],
  ["\\[", "\\]"],
  ["**", "**"],
  ["*", "*"],
  ["`", "`"],
  ['"', '"'],
  ["“", "”"],
] as const;

/** The text as it counts when it is no number: letter case, spaces and thousands separators left out. */
function folded(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\s+|(?<=\d),(?=\d{3}(?!\d))/g, "");
}

function quantitiesEqual(a: Quantity, b: Quantity, tolerance: number | undefined): boolean {
  if (a.percent !== b.percent) {
    // Asked for a percentage, people and references write 50 %, 50 and 0.5 alike.
    const [share, plain] = a.percent ? [a, b] : [b, a];
    if (plain.unit) return false;
    const hundredth = { ...share, under: share.under * 100n, value: share.value / 100, decimals: share.decimals + 2 };
    return sameAmount(share, plain, tolerance) || sameAmount(hundredth, plain, tolerance);
  }
  if (!a.unit || !b.unit) return sameAmount(a, b, tolerance);
  const factor = conversion(a.unit, b.unit);
  if (factor === null) return false;
  if (factor === 1) return sameAmount(a, b, tolerance);
  const inBase = (quantity: Quantity, unit: Unit, isRate: boolean) => ({
    value: (quantity.value * unit.factor) / (isRate ? (unit.per?.factor ?? 1) : 1),
    decimals: 0,
  });
  const isRate = a.unit.per !== null && b.unit.per !== null;
  return numbersEqual(inBase(a, a.unit, isRate), inBase(b, b.unit, isRate), tolerance);
}

/** How many of `b` one `a` is; null when they measure different things. */
function conversion(a: Unit, b: Unit): number | null {
  if (a.kind !== b.kind) return null;
  const factor = a.factor / b.factor;
  if (!a.per || !b.per) return factor;
  return a.per.kind === b.per.kind ? (factor * b.per.factor) / a.per.factor : null;
}

function sameAmount(a: Quantity, b: Quantity, tolerance: number | undefined): boolean {
  if (a.over * b.under === b.over * a.under) return true;
  const bothWhole = a.over % a.under === 0n && b.over % b.under === 0n;
  // Doubles cannot tell neighbours above 2^53 apart; whole numbers are equal or they are not.
  if (bothWhole && tolerance === undefined) return false;
  return numbersEqual(a, b, tolerance);
}

interface Approximate {
  readonly value: number;
  readonly decimals: number;
}

function numbersEqual(a: Approximate, b: Approximate, tolerance: number | undefined): boolean {
  const difference = Math.abs(a.value - b.value);
  const size = Math.max(Math.abs(a.value), Math.abs(b.value));
  if (difference <= (tolerance ?? NOISE) * size) return true;
  const decimals = Math.min(a.decimals, b.decimals);
  const isRounding = decimals >= ROUNDED_DECIMALS && decimals !== Infinity && size * 10 ** decimals >= 1000;
  return isRounding && difference <= 0.5000001 * 10 ** -decimals;
}

/** `x = 5` and `5` say the same; two equations are compared as they stand, unless both solve for one letter. */
function valueSide(text: string, other: string): string {
  const solved = SOLVED.exec(text);
  const otherSolved = SOLVED.exec(other);
  if (!solved || (otherSolved && otherSolved[1] !== solved[1])) return text;
  if (!otherSolved && other.includes("=")) return text;
  return text.slice(solved[0].length).trim() || text;
}

const SOLVED = /^([A-Za-z](?:\w|\([a-z]\))?)\s?(?:=|in (?=[[({]))\s?(?!=)/;

interface List {
  readonly items: readonly string[];
  /** Sets and bare lists have no order; points and intervals have. Null for a bare list. */
  readonly brackets: string | null;
}

function listItems(text: string): List | null {
  const opening = text[0] ?? "";
  const closing = text.at(-1) ?? "";
  const isBracketed = "([{".includes(opening) && ")]}".includes(closing) && text.length > 2 && closesLast(text);
  const inner = isBracketed ? text.slice(1, -1) : text;
  const items = splitTop(inner);
  if (items.length < 2 && !(isBracketed && opening === "{")) return null;
  if (!isBracketed && items.some((item) => !parseQuantity(item) && !/^[\w^()=,+*/. -]{1,40}$/.test(item))) return null;
  return { items, brackets: isBracketed ? opening + closing : null };
}

/** Whether the bracket that opens a text is the one that closes it. */
function closesLast(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if ("([{".includes(text[i] as string)) depth += 1;
    else if (")]}".includes(text[i] as string)) depth -= 1;
    if (depth === 0) return i === text.length - 1;
  }
  return false;
}

function splitTop(list: string): string[] {
  const text = list.replace(/,? (?:and|or) /g, ", ");
  const sign = text.indexOf("±");
  if (sign >= 0 && !text.includes("±", sign + 1) && !text.includes(",")) {
    return ["+", "-"].map((one) => text.replace("±", one));
  }
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if ("([{".includes(char)) depth += 1;
    else if (")]}".includes(char)) depth -= 1;
    else if (depth === 0 && (char === ";" || (char === "," && !isThousands(text, i)))) {
      items.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  items.push(
    text
      .slice(start)
      .replace(/^\s*and /, "")
      .trim(),
  );
  return items.every((item) => item !== "") ? items : [];
}

function isThousands(text: string, comma: number): boolean {
  return /\d/.test(text[comma - 1] ?? "") && /^,\d{3}(?!\d)/.test(text.slice(comma, comma + 5));
}

async function listsEqual(
  a: List,
  b: List,
  tolerance: number | undefined,
  depth: number,
): Promise<boolean | "unknown"> {
  if (a.items.length !== b.items.length || a.items.length > MAX_ITEMS) return false;
  if (a.brackets !== null && b.brackets !== null && a.brackets !== b.brackets) return false;
  const hasOrder = [a.brackets, b.brackets].some((brackets) => brackets !== null && brackets !== "{}");
  const forth = await matchItems(a.items, b.items, hasOrder, tolerance, depth);
  if (forth === true || hasOrder) return forth;
  // Taking the first match is no perfect matching; trying both ways at least makes the answer symmetric.
  const back = await matchItems(b.items, a.items, hasOrder, tolerance, depth);
  return back === true || forth === false ? back : forth;
}

async function matchItems(
  items: readonly string[],
  others: readonly string[],
  hasOrder: boolean,
  tolerance: number | undefined,
  depth: number,
): Promise<boolean | "unknown"> {
  const free = new Set(others.keys());
  for (const [position, item] of items.entries()) {
    let verdict: boolean | "unknown" = false;
    for (const candidate of hasOrder ? [position] : free) {
      const equal = await compare(item, others[candidate] as string, tolerance, depth);
      if (equal === true) free.delete(candidate);
      if (equal !== false) verdict = equal;
      if (equal === true) break;
    }
    if (verdict !== true) return verdict;
  }
  return true;
}

/** A quantity for the expression parser, without unit and separators. */
function quantityText({ over, under }: Quantity): string {
  return under === 1n ? `${over}` : `(${over}/${under})`;
}
