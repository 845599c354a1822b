import type { Pattern } from "./pattern.js";

/** The sum or product of the numbers of a list, of one kind, perhaps squared. */
export const aggregate: Pattern = (purpose, { parameters: [list = "numbers"] }) => {
  const asked =
    /\b(sum|product) of (?:the )?(?:(squares|cubes|absolute values) of )?(?:the |all )*(?:(even|odd|positive|negative) )?numbers\b/i.exec(
      purpose,
    );
  if (!asked) return null;
  const [, whole = "", change = "", kind = ""] = asked.map((part) => part?.toLowerCase());
  const start = (hurried: boolean) => (whole === "product" && !hurried ? 1 : 0);
  const sign = whole === "product" ? "*=" : "+=";
  const value = { squares: "n * n", cubes: "n * n * n" }[change] ?? "n";
  const isOdd = (hurried: boolean) => (hurried ? "n % 2 === 1" : "n % 2 !== 0"); // in JavaScript -3 % 2 is -1
  const holds = { even: "n % 2 == 0", odd: "n % 2 == 1", positive: "n > 0", negative: "n < 0" }[kind];
  // Where nothing else invites a slip, counting from one does.
  const skipsFirst = (hurried: boolean) => hurried && whole === "sum" && kind !== "odd";
  return {
    how: `It goes through \`${list}\` once and keeps the ${whole} so far.`,
    javascript: (hurried) => {
      const added = change === "absolute values" ? "Math.abs(n)" : value;
      const condition = kind === "odd" ? isOdd(hurried) : holds?.replace("==", "===");
      const step = `  ${condition ? `if (${condition}) ` : ""}total ${sign} ${added};`;
      const head = skipsFirst(hurried)
        ? [`for (let i = 1; i < ${list}.length; i++) {`, `  const n = ${list}[i];`]
        : [`for (const n of ${list}) {`];
      return [`let total = ${start(hurried)};`, ...head, step, "}", "return total;"];
    },
    python: (hurried) => {
      const added = change === "absolute values" ? "abs(n)" : value;
      const head = skipsFirst(hurried)
        ? [`for i in range(1, len(${list})):`, `    n = ${list}[i]`]
        : [`for n in ${list}:`];
      const steps = holds ? [`    if ${holds}:`, `        total ${sign} ${added}`] : [`    total ${sign} ${added}`];
      return [`total = ${start(hurried)}`, ...head, ...steps, "return total"];
    },
  };
};

/** The sum or the count of the multiples of one or two numbers below, or up to, a limit. */
export const multiples: Pattern = (purpose, { parameters: [limit = "limit"] }) => {
  const asked = /\b(sum|count|number) of (?:the |all )*multiples of (\d+)(?: or (\d+))? (below|up to)\b/i.exec(purpose);
  if (!asked) return null;
  const [, whole = "", one = "", other, bound = ""] = asked.map((part) => part?.toLowerCase());
  const divisors = other === undefined ? [one] : [one, other];
  const included = (hurried: boolean) => (bound === "up to") !== hurried;
  const holds = (equals: string, or: string) => divisors.map((divisor) => `n % ${divisor} ${equals} 0`).join(` ${or} `);
  const step = whole === "sum" ? "n" : "1";
  return {
    how: `It tries every whole number ${bound} \`${limit}\`.`,
    javascript: (hurried) => [
      "let total = 0;",
      `for (let n = 1; n ${included(hurried) ? "<=" : "<"} ${limit}; n++) {`,
      `  if (${holds("===", "||")}) total += ${step};`,
      "}",
      "return total;",
    ],
    python: (hurried) => [
      "total = 0",
      `for n in range(1, ${included(hurried) ? `${limit} + 1` : limit}):`,
      `    if ${holds("==", "or")}:`,
      `        total += ${step}`,
      "return total",
    ],
  };
};

/** n! */
export const factorial: Pattern = (purpose, { parameters: [n = "n"] }) => {
  if (!/\bfactorial\b|\bproduct of (?:the |all )*whole numbers from 1 to\b/i.test(purpose)) return null;
  return {
    how: "It multiplies step by step, and 0! is the empty product 1.",
    javascript: (hurried) => [
      "let result = 1;",
      `for (let i = 2; i ${hurried ? "<" : "<="} ${n}; i++) result *= i;`,
      "return result;",
    ],
    python: (hurried) => [
      "result = 1",
      `for i in range(2, ${hurried ? n : `${n} + 1`}):`,
      "    result *= i",
      "return result",
    ],
  };
};

/** A term of a sequence in which each term is the sum of the two before it. */
export const sumSequence: Pattern = (purpose, { parameters: [n = "n"] }) => {
  const starts = /\bstarts with (\d+) and (\d+)\b.*\bsum of the two before\b/is.exec(purpose);
  if (!starts) return null;
  const countsFromOne = !/\bcounting from 0\b/i.test(purpose);
  // Forgetting which number the first term has is the slip here.
  const steps = (hurried: boolean) => (countsFromOne !== hurried ? 1 : 0);
  return {
    how: "It keeps two neighbouring terms and moves on one term at a time.",
    javascript: (hurried) => [
      `let [term, next] = [${starts[1]}, ${starts[2]}];`,
      `for (let i = ${steps(hurried)}; i < ${n}; i++) [term, next] = [next, term + next];`,
      "return term;",
    ],
    python: (hurried) => [
      `term, following = ${starts[1]}, ${starts[2]}`,
      `for _ in range(${steps(hurried)}, ${n}):`,
      "    term, following = following, term + following",
      "return term",
    ],
  };
};

/** The primes below, or up to, a limit. */
export const primes: Pattern = (purpose, { parameters: [limit = "limit"] }) => {
  const asked = /\bprime numbers (below|up to)\b/i.exec(purpose);
  if (!asked) return null;
  const upTo = asked[1]?.toLowerCase() === "up to";
  return {
    how: "It tries to divide each number by all smaller ones up to its root.",
    javascript: (hurried) => [
      "const primes = [];",
      `for (let n = 2; n ${upTo ? "<=" : "<"} ${limit}; n++) {`,
      "  let isPrime = true;",
      `  for (let d = 2; d * d ${hurried ? "<" : "<="} n; d++) {`,
      "    if (n % d === 0) isPrime = false;",
      "  }",
      "  if (isPrime) primes.push(n);",
      "}",
      "return primes;",
    ],
    python: (hurried) => [
      "primes = []",
      `for n in range(2, ${upTo ? `${limit} + 1` : limit}):`,
      `    if all(n % d != 0 for d in range(2, int(n ** 0.5)${hurried ? "" : " + 1"})):`,
      "        primes.append(n)",
      "return primes",
    ],
  };
};

/** The greatest common divisor or the least common multiple of two numbers. */
export const commonDivisor: Pattern = (purpose, { parameters: [a = "a", b = "b"] }) => {
  const asked = /\b(greatest common divisor|least common multiple)\b/i.exec(purpose);
  if (!asked) return null;
  const isMultiple = asked[1]?.toLowerCase() === "least common multiple";
  return {
    how: `It finds the greatest common divisor with Euclid's method${isMultiple ? " and divides the product by it" : ""}.`,
    javascript: (hurried) => [
      `let [x, y] = [${a}, ${b}];`,
      hurried && !isMultiple ? "while (x % y !== 0) [x, y] = [y, x % y];" : "while (y !== 0) [x, y] = [y, x % y];",
      isMultiple ? `return ${hurried ? `${a} * ${b}` : `(${a} / x) * ${b}`};` : `return ${hurried ? "y" : "x"};`,
    ],
    python: (hurried) => [
      `x, y = ${a}, ${b}`,
      hurried && !isMultiple ? "while x % y != 0:" : "while y != 0:",
      "    x, y = y, x % y",
      isMultiple ? `return ${hurried ? `${a} * ${b}` : `${a} // x * ${b}`}` : `return ${hurried ? "y" : "x"}`,
    ],
  };
};

/** A whole number written in another base. */
export const inBase: Pattern = (purpose, { parameters: [n = "n"] }) => {
  const asked = /\b(?:in base (\d+)|(binary|octal|hexadecimal))\b/i.exec(purpose);
  if (!asked) return null;
  const base = asked[1] ?? String({ binary: 2, octal: 8, hexadecimal: 16 }[asked[2]?.toLowerCase() ?? ""]);
  return {
    how: `It takes off one digit after the other by dividing by ${base}; 0 has a digit too.`,
    javascript: (hurried) => [
      ...(hurried ? [] : [`if (${n} === 0) return "0";`]),
      'let digits = "";',
      `for (let rest = ${n}; rest > 0; rest = Math.floor(rest / ${base})) {`,
      `  digits = "0123456789abcdef"[rest % ${base}] + digits;`,
      "}",
      "return digits;",
    ],
    python: (hurried) => [
      ...(hurried ? [] : [`if ${n} == 0:`, '    return "0"']),
      'digits = ""',
      `rest = ${n}`,
      "while rest > 0:",
      `    digits = "0123456789abcdef"[rest % ${base}] + digits`,
      `    rest //= ${base}`,
      "return digits",
    ],
  };
};
