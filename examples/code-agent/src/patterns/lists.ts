import type { Pattern } from "./pattern.js";

/** A list turned round by some places. */
export const rotation: Pattern = (purpose, { parameters: [list = "items", places = "k"] }) => {
  const asked = /\brotated? (?:by `?\w+`? (?:places? )?)?to the (left|right)\b/i.exec(purpose);
  if (!asked) return null;
  const toLeft = asked[1]?.toLowerCase() === "left";
  return {
    how: "It cuts the list in two and swaps the parts; turns beyond the whole length start again.",
    javascript: (hurried) => {
      const wrapped = hurried ? places : `${places} % ${list}.length`;
      return [
        ...(hurried ? [] : [`if (${list}.length === 0) return [];`]),
        `const cut = ${toLeft ? wrapped : `${list}.length - ${hurried ? wrapped : `(${wrapped})`}`};`,
        `return [...${list}.slice(cut), ...${list}.slice(0, cut)];`,
      ];
    },
    python: (hurried) => {
      const wrapped = hurried ? places : `${places} % len(${list})`;
      return [
        ...(hurried ? [] : [`if not ${list}:`, "    return []"]),
        `cut = ${toLeft ? wrapped : `len(${list}) - ${hurried ? wrapped : `(${wrapped})`}`}`,
        `return ${list}[cut:] + ${list}[:cut]`,
      ];
    },
  };
};

/** The k-th largest or smallest number of a list. */
export const kthNumber: Pattern = (purpose, { parameters: [list = "numbers", place = "k"] }) => {
  const asked = /\b(largest|smallest) (distinct )?number\b/i.exec(purpose);
  if (!asked || !/-th\b/.test(purpose)) return null;
  const descends = asked[1]?.toLowerCase() === "largest";
  const distinct = asked[2] !== undefined;
  return {
    how: `It sorts${distinct ? " the different numbers" : ""} and takes the one at place \`${place}\`, counted from 1.`,
    // Without a comparison, JavaScript sorts numbers as texts.
    javascript: (hurried) => {
      const values = distinct ? `[...new Set(${list})]` : `[...${list}]`;
      const sorted = hurried
        ? `sort()${descends ? ".reverse()" : ""}`
        : `sort((a, b) => ${descends ? "b - a" : "a - b"})`;
      return [`const sorted = ${values}.${sorted};`, `return sorted[${place} - 1];`];
    },
    python: (hurried) => [
      `ordered = sorted(${distinct && !hurried ? `set(${list})` : list}${descends ? ", reverse=True" : ""})`,
      `return ordered[${hurried && !distinct ? place : `${place} - 1`}]`,
    ],
  };
};

/** A list cut into pieces of one size. */
export const chunks: Pattern = (purpose, { parameters: [list = "items", size = "size"] }) => {
  if (!/\b(?:pieces|chunks) of (?:length |size )?`?\w+`?/i.test(purpose)) return null;
  return {
    how: "It takes one piece after the other; the last one may be shorter.",
    javascript: (hurried) => [
      "const pieces = [];",
      `for (let start = 0; start ${hurried ? `+ ${size} <=` : "<"} ${list}.length; start += ${size}) {`,
      `  pieces.push(${list}.slice(start, start + ${size}));`,
      "}",
      "return pieces;",
    ],
    python: (hurried) => [
      `ends = range(0, len(${list})${hurried ? ` - ${size} + 1` : ""}, ${size})`,
      `return [${list}[start:start + ${size}] for start in ends]`,
    ],
  };
};

/** A list without repeats, in its own order. */
export const withoutRepeats: Pattern = (purpose, { parameters: [list = "items"] }) => {
  if (!/\bwithout (?:its )?(?:repeats|duplicates)\b/i.test(purpose)) return null;
  const keepsLast = /\blast occurrence\b/i.test(purpose);
  return {
    how: `It keeps what it has not seen before${keepsLast ? ", going from the end" : ""}.`,
    javascript: (hurried) => {
      if (hurried) return [`return ${list}.filter((item, i) => item !== ${list}[i ${keepsLast ? "+" : "-"} 1]);`];
      return keepsLast ? [`return [...new Set([...${list}].reverse())].reverse();`] : [`return [...new Set(${list})];`];
    },
    python: (hurried) => {
      if (hurried)
        return keepsLast
          ? [`return [item for i, item in enumerate(${list}) if ${list}[i + 1:i + 2] != [item]]`]
          : [`return [item for i, item in enumerate(${list}) if i == 0 or item != ${list}[i - 1]]`];
      return keepsLast
        ? [`return list(dict.fromkeys(reversed(${list})))[::-1]`]
        : [`return list(dict.fromkeys(${list}))`];
    },
  };
};

/** The place of a number in a sorted list, or -1. */
export const binarySearch: Pattern = (purpose, { parameters: [list = "numbers", wanted = "wanted"] }) => {
  if (!/\bsorted list\b.*(?:-1|\bbinary search\b)/i.test(purpose)) return null;
  return {
    how: "It halves the part of the list where the number can still be.",
    javascript: (hurried) => [
      `let [low, high] = [0, ${list}.length - 1];`,
      `while (low ${hurried ? "<" : "<="} high) {`,
      "  const middle = Math.floor((low + high) / 2);",
      `  if (${list}[middle] === ${wanted}) return middle;`,
      `  if (${list}[middle] < ${wanted}) low = middle + 1;`,
      "  else high = middle - 1;",
      "}",
      "return -1;",
    ],
    python: (hurried) => [
      `low, high = 0, len(${list}) - 1`,
      `while low ${hurried ? "<" : "<="} high:`,
      "    middle = (low + high) // 2",
      `    if ${list}[middle] == ${wanted}:`,
      "        return middle",
      `    if ${list}[middle] < ${wanted}:`,
      "        low = middle + 1",
      "    else:",
      "        high = middle - 1",
      "return -1",
    ],
  };
};

/** Overlapping [start, end] pairs made one. */
export const mergedIntervals: Pattern = (purpose, { parameters: [list = "intervals"] }) => {
  if (!/\boverlapping intervals\b/i.test(purpose)) return null;
  return {
    how: "It sorts by the start and lengthens the last interval while the next one touches it.",
    javascript: (hurried) => [
      `const sorted = [...${list}].sort((a, b) => a[0] - b[0]);`,
      "const merged = [];",
      "for (const [start, end] of sorted) {",
      "  const last = merged[merged.length - 1];",
      `  if (last && start <= last[1]) last[1] = ${hurried ? "end" : "Math.max(last[1], end)"};`,
      "  else merged.push([start, end]);",
      "}",
      "return merged;",
    ],
    python: (hurried) => [
      "merged = []",
      `for start, end in sorted(${list}):`,
      "    if merged and start <= merged[-1][1]:",
      `        merged[-1][1] = ${hurried ? "end" : "max(merged[-1][1], end)"}`,
      "    else:",
      "        merged.append([start, end])",
      "return merged",
    ],
  };
};

/** The columns of a matrix as rows. */
export const transposed: Pattern = (purpose, { parameters: [matrix = "matrix"] }) => {
  if (!/\btranspose/i.test(purpose)) return null;
  return {
    how: "Each column becomes a row.",
    javascript: (hurried) => [
      `return ${hurried ? matrix : `${matrix}[0]`}.map((_, column) => ${matrix}.map((row) => row[column]));`,
    ],
    python: (hurried) => [
      `return [[row[column] for row in ${matrix}] for column in range(len(${hurried ? matrix : `${matrix}[0]`}))]`,
    ],
  };
};

/** The largest or smallest sum of neighbouring numbers. */
export const windowSum: Pattern = (purpose, { parameters: [list = "numbers", size = "k"] }) => {
  const asked = /\b(largest|smallest) sum of `?\w+`? neighbouring numbers\b/i.exec(purpose);
  if (!asked) return null;
  const sign = asked[1]?.toLowerCase() === "largest" ? ">" : "<";
  return {
    how: "It moves a window along the list: one number comes in, one goes out.",
    javascript: (hurried) => [
      `let sum = ${list}.slice(0, ${size}).reduce((total, n) => total + n, 0);`,
      `let best = ${hurried ? "0" : "sum"};`,
      `for (let i = ${size}; i < ${list}.length; i++) {`,
      `  sum += ${list}[i] - ${list}[i - ${size}];`,
      `  if (sum ${sign} best) best = sum;`,
      "}",
      "return best;",
    ],
    python: (hurried) => [
      `window = sum(${list}[:${size}])`,
      `best = ${hurried ? "0" : "window"}`,
      `for i in range(${size}, len(${list})):`,
      `    window += ${list}[i] - ${list}[i - ${size}]`,
      `    if window ${sign} best:`,
      "        best = window",
      "return best",
    ],
  };
};
