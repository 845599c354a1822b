import type { Pattern } from "./pattern.js";

/** How many characters of a kind a text has. */
export const countCharacters: Pattern = (purpose, { parameters: [text = "text"] }) => {
  const asked = /\bhow many (vowels|consonants|digits|capital letters)\b/i.exec(purpose);
  const kind = KINDS[asked?.[1]?.toLowerCase() ?? ""];
  if (!kind) return null;
  const characters = (hurried: boolean) => JSON.stringify(hurried ? kind.seen : kind.seen + kind.overlooked);
  return {
    how: `It looks at each character of \`${text}\` and counts those that belong to the kind.`,
    javascript: (hurried) => [
      "let count = 0;",
      `for (const character of ${text}) {`,
      `  if (${characters(hurried)}.includes(character)) count += 1;`,
      "}",
      "return count;",
    ],
    python: (hurried) => [`return sum(1 for character in ${text} if character in ${characters(hurried)})`],
  };
};

/** The characters that come to mind, and those one forgets. */
const KINDS: Readonly<Record<string, { readonly seen: string; readonly overlooked: string }>> = {
  vowels: { seen: "aeiou", overlooked: "AEIOU" },
  consonants: { seen: "bcdfghjklmnpqrstvwxyz", overlooked: "BCDFGHJKLMNPQRSTVWXYZ" },
  digits: { seen: "123456789", overlooked: "0" },
  "capital letters": { seen: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", overlooked: "" },
};

/** Whether a text reads the same from both ends. */
export const palindrome: Pattern = (purpose, { parameters: [text = "text"] }) => {
  if (!/\bpalindrome\b|\breads the same (?:backwards|from both ends)\b/i.test(purpose)) return null;
  const lettersOnly = /\bignoring\b.*\b(?:spaces|punctuation)\b/i.test(purpose);
  const anyCase = /\bignoring\b.*\bcase\b/i.test(purpose);
  return {
    how: `It ${lettersOnly ? "drops what is no letter or digit and " : ""}compares the characters with the same in reverse.`,
    javascript: (hurried) => {
      const lower = anyCase ? `${text}.toLowerCase()` : text;
      const letters = lettersOnly && !hurried ? `${lower}.replace(/[^a-z0-9]/gi, "")` : lower;
      return [`const letters = [...${letters}];`, 'return letters.join("") === letters.reverse().join("");'];
    },
    python: (hurried) => {
      const lower = anyCase ? `${text}.lower()` : text;
      const letters = lettersOnly && !hurried ? `[c for c in ${lower} if c.isalnum()]` : lower;
      return [`letters = list(${letters})`, "return letters == letters[::-1]"];
    },
  };
};

/** Letters moved along the alphabet. */
export const letterShift: Pattern = (purpose, { parameters: [text = "text"] }) => {
  const asked = /\beach letter moved (\d+) places (forwards|backwards)\b/i.exec(purpose);
  if (!asked) return null;
  const places = (Number(asked[1]) % 26) * (asked[2]?.toLowerCase() === "forwards" ? 1 : -1);
  const shift = (places + 26) % 26;
  return {
    how: `It moves letters ${shift} places on, round from z to a, and leaves all else as it is.`,
    javascript: (hurried) => [
      `return [...${text}].map((character) => {`,
      "  if (!/[a-z]/i.test(character)) return character;",
      "  const code = character.charCodeAt(0);",
      ...(hurried
        ? [`  return String.fromCharCode(code + ${places});`]
        : [
            "  const first = code >= 97 ? 97 : 65;",
            `  return String.fromCharCode(((code - first + ${shift}) % 26) + first);`,
          ]),
      '}).join("");',
    ],
    python: (hurried) => [
      'moved = ""',
      `for character in ${text}:`,
      "    if not (character.isascii() and character.isalpha()):",
      "        moved += character",
      "        continue",
      ...(hurried
        ? [`    moved += chr(ord(character) + ${places})`]
        : [
            "    first = ord('a') if character.islower() else ord('A')",
            `    moved += chr((ord(character) - first + ${shift}) % 26 + first)`,
          ]),
      "return moved",
    ],
  };
};

/** How often each word occurs. */
export const wordCounts: Pattern = (purpose, { parameters: [text = "text"] }) => {
  if (!/\bhow often each word\b/i.test(purpose)) return null;
  const anyCase = /\bignoring case\b/i.test(purpose);
  return {
    how: "It splits the text at white space and counts in a table.",
    javascript: (hurried) => [
      "const counts = {};",
      `for (const word of ${anyCase && !hurried ? `${text}.toLowerCase()` : text}.split(${hurried ? '" "' : "/\\s+/"})) {`,
      `  ${hurried ? "" : 'if (word !== "") '}counts[word] = (counts[word] ?? 0) + 1;`,
      "}",
      "return counts;",
    ],
    python: (hurried) => [
      "counts = {}",
      `for word in ${anyCase && !hurried ? `${text}.lower()` : text}.split(${hurried ? '" "' : ""}):`,
      "    counts[word] = counts.get(word, 0) + 1",
      "return counts",
    ],
  };
};

/** Runs of equal characters as [character, length] pairs. */
export const runLengths: Pattern = (purpose, { parameters: [text = "text"] }) => {
  if (!/\brun-length\b|\bruns of equal characters\b/i.test(purpose)) return null;
  return {
    how: "It lengthens the current run while the character stays the same.",
    javascript: (hurried) => [
      "const runs = [];",
      "let length = 0;",
      `for (let i = 0; i < ${text}.length; i++) {`,
      "  length += 1;",
      // Without a character behind the last one, the last run never ends.
      hurried
        ? `  if (i + 1 < ${text}.length && ${text}[i] !== ${text}[i + 1]) {`
        : `  if (${text}[i] !== ${text}[i + 1]) {`,
      `    runs.push([${text}[i], length]);`,
      "    length = 0;",
      "  }",
      "}",
      "return runs;",
    ],
    python: (hurried) => [
      "runs = []",
      "length = 0",
      `for i, character in enumerate(${text}):`,
      "    length += 1",
      hurried
        ? `    if i + 1 < len(${text}) and ${text}[i + 1] != character:`
        : `    if i + 1 == len(${text}) or ${text}[i + 1] != character:`,
      "        runs.append([character, length])",
      "        length = 0",
      "return runs",
    ],
  };
};

/** Whether all brackets are closed, and in the right order. */
export const balancedBrackets: Pattern = (purpose, { parameters: [text = "text"] }) => {
  if (!/\bbrackets\b.*\b(?:balanced|closed)\b/i.test(purpose)) return null;
  return {
    how: "It keeps the open brackets on a stack, which must be empty in the end.",
    javascript: (hurried) => [
      'const opening = { ")": "(", "]": "[", "}": "{" };',
      "const open = [];",
      `for (const character of ${text}) {`,
      '  if ("([{".includes(character)) open.push(character);',
      "  else if (character in opening && open.pop() !== opening[character]) return false;",
      "}",
      hurried ? "return true;" : "return open.length === 0;",
    ],
    python: (hurried) => [
      'opening = {")": "(", "]": "[", "}": "{"}',
      "stack = []",
      `for character in ${text}:`,
      '    if character in "([{":',
      "        stack.append(character)",
      "    elif character in opening:",
      "        if not stack or stack.pop() != opening[character]:",
      "            return False",
      hurried ? "return True" : "return not stack",
    ],
  };
};

/** The longest or shortest word, the first of several. */
export const extremeWord: Pattern = (purpose, { parameters: [text = "text"] }) => {
  const asked = /\b(longest|shortest) word\b/i.exec(purpose);
  if (!asked) return null;
  const sign = asked[1]?.toLowerCase() === "longest" ? ">" : "<";
  const better = (hurried: boolean) => (hurried ? `${sign}=` : sign);
  return {
    how: `It remembers the ${asked[1]?.toLowerCase()} word so far, and of equal ones the first.`,
    javascript: (hurried) => [
      `const words = ${text}.split(" ");`,
      "let best = words[0];",
      "for (const word of words) {",
      `  if (word.length ${better(hurried)} best.length) best = word;`,
      "}",
      "return best;",
    ],
    python: (hurried) => [
      `words = ${text}.split(" ")`,
      "best = words[0]",
      "for word in words:",
      `    if len(word) ${better(hurried)} len(best):`,
      "        best = word",
      "return best",
    ],
  };
};
