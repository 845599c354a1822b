/**
 * A question in one spelling: number words as digits ("two thirds of" is `2/3 of`), no thousands separators,
 * `%` for "per cent", ASCII operators.
 */
export function normaliseQuestion(question: string): string {
  let text = question.normalize("NFKC").replace(/\s+/g, " ").trim();
  for (const [pattern, replacement] of SPELLINGS) text = text.replace(pattern, replacement);
  return text;
}

/** The sentences of a normalised question. A point between digits ends nothing. */
export function sentences(text: string): readonly string[] {
  return text
    .split(/(?<=[.?!])\s+/)
    .map((sentence) => sentence.replace(/[.?!]+$/, ""))
    .filter((sentence) => sentence !== "");
}

/**
 * A regular expression in a spelling that can be read: `{km}` is a number, `{rate%}` a percentage, `{item:word}` one
 * word, `{item:words}` several, `...` anything, a space any white space.
 */
export function phrase(pattern: string): (text: string) => Record<string, string> | null {
  const source = pattern
    .replace(/\.\.\./g, ".*?")
    .replace(/ /g, "\\s+")
    .replace(/\{(\w+)(%|:words?)?\}/g, (_, name, kind) => {
      if (kind === ":word") return `(?<${name}>[a-z][a-z'-]*)`;
      if (kind === ":words") return `(?<${name}>[a-z][a-z' -]*?)`;
      return `\\$?(?<![\\d.])(?<${name}>\\d+(?:\\.\\d+)?(?:/\\d+)?)${kind === "%" ? "\\s?%" : ""}`;
    });
  const expression = new RegExp(source, "i");
  return (text) => expression.exec(text)?.groups ?? null;
}

/** The numbers of a text, in order. */
export function numbersIn(text: string): readonly string[] {
  return text.match(/\d+(?:\.\d+)?(?:\/\d+)?/g) ?? [];
}

/** "notebooks" and "notebook" are the same thing to a shopper. */
export function singular(word: string): string {
  const lower = word.toLowerCase();
  if (IRREGULAR[lower]) return IRREGULAR[lower];
  if (/(ch|sh|ss|x)es$/.test(lower)) return lower.slice(0, -2);
  if (/[^aeiou]ies$/.test(lower)) return `${lower.slice(0, -3)}y`;
  if (/[^s]s$/.test(lower)) return lower.slice(0, -1);
  return lower;
}

const IRREGULAR: Record<string, string> = { children: "child", people: "person", loaves: "loaf", knives: "knife" };

const WORDS = [
  ..."zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(" "),
  ..."sixteen seventeen eighteen nineteen twenty".split(" "),
];
const PARTS: Record<string, number> = { half: 2, third: 3, quarter: 4, fifth: 5, sixth: 6, eighth: 8, tenth: 10 };
const COUNTED = new RegExp(`\\b(${WORDS.slice(2).join("|")})\\b`, "gi");
const PART_NAMES = Object.keys(PARTS).join("|");

const SPELLINGS: readonly (readonly [RegExp, (...match: string[]) => string])[] = [
  [/(?<=\d),(?=\d{3}\b)/g, () => ""],
  [/\u2212|\u2013/g, () => "-"],
  [/\u00d7/g, () => "*"],
  [/\u00f7/g, () => "/"],
  [/\u2044/g, () => "/"],
  [/(?<=\d)\s?per ?cent\b/gi, () => "%"],
  [/\btwice\b/gi, () => "2 times"],
  [/\b(?:a dozen)\b/gi, () => "12"],
  [COUNTED, (word = "") => String(WORDS.indexOf(word.toLowerCase()))],
  [/\b(\d+) dozen\b/gi, (_, count) => String(Number(count) * 12)],
  [/\bhalf(?: of)?(?= (?:the|of|them|it|her|his|their|what|as)\b)/gi, () => "1/2 of"],
  [
    new RegExp(`\\b(a|one|\\d+) (${PART_NAMES})s?(?= of\\b)`, "gi"),
    (_, count = "", part = "") => `${/\d/.test(count) ? count : 1}/${PARTS[part.toLowerCase()]}`,
  ],
];
