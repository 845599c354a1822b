import type { Language } from "./code-block.js";
import * as lists from "./patterns/lists.js";
import * as numbers from "./patterns/numbers.js";
import type { Pattern, Signature } from "./patterns/pattern.js";
import * as texts from "./patterns/texts.js";

export interface WrittenCode {
  readonly language: Language;
  readonly how: string;
  readonly code: string;
}

/**
 * Writes the function that a question asks for, from a library of patterns, or null when none of them fits. The
 * question names language and signature: "Write a Python function `total(numbers)` that …".
 */
export function writeFromLibrary(question: string, hurried: boolean): WrittenCode | null {
  const asked = /\b(JavaScript|Python) function `(\w+)\(([^)]*)\)`\s+([\s\S]*)/i.exec(question);
  if (!asked) return null;
  const [, named = "", name = "", parameterList = "", purpose = ""] = asked;
  const language: Language = named.toLowerCase() === "python" ? "python" : "javascript";
  const parameters = parameterList.split(",").map((parameter) => parameter.trim());
  const signature: Signature = { name, parameters: parameters.filter(Boolean) };
  for (const pattern of PATTERNS) {
    const sketch = pattern(purpose, signature);
    if (sketch) return { language, how: sketch.how, code: inFunction(language, signature, sketch[language](hurried)) };
  }
  return null;
}

function inFunction(language: Language, { name, parameters }: Signature, body: readonly string[]): string {
  const head = `${name}(${parameters.join(", ")})`;
  return language === "python"
    ? [`def ${head}:`, ...body.map((line) => `    ${line}`)].join("\n")
    : [`function ${head} {`, ...body.map((line) => `  ${line}`), "}"].join("\n");
}

// The narrow patterns come first; the sum over a list is content with little and would take others' work.
const PATTERNS: readonly Pattern[] = [
  numbers.multiples,
  numbers.factorial,
  numbers.sumSequence,
  numbers.primes,
  numbers.commonDivisor,
  numbers.inBase,
  texts.countCharacters,
  texts.palindrome,
  texts.letterShift,
  texts.wordCounts,
  texts.runLengths,
  texts.balancedBrackets,
  texts.extremeWord,
  lists.rotation,
  lists.kthNumber,
  lists.chunks,
  lists.withoutRepeats,
  lists.binarySearch,
  lists.mergedIntervals,
  lists.transposed,
  lists.windowSum,
  numbers.aggregate,
];
