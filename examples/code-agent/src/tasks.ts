import type { Language } from "./code-block.js";
import type { CodeTest } from "./program.js";

export interface Task {
  readonly id: string;
  readonly language: Language;
  readonly question: string;
  readonly functionName: string;
  readonly tests: readonly CodeTest[];
}

/** The tests as assertions in the task's own language, one a line: what a verifier can run again later. */
export function referenceOf({ language, functionName, tests }: Task): string {
  return tests
    .map(({ args, expected }) => {
      if (language === "python")
        return `assert ${functionName}(${args.map(pythonOf).join(", ")}) == ${pythonOf(expected)}`;
      const given = args.map((arg) => JSON.stringify(arg)).join(", ");
      return `assert.deepEqual(${functionName}(${given}), ${JSON.stringify(expected)});`;
    })
    .join("\n");
}

/** A JSON value as Python writes it. */
function pythonOf(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(pythonOf).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${pythonOf(item)}`)
    .join(", ")}}`;
}

type Call = readonly [args: readonly unknown[], expected: unknown];

function task(id: string, language: Language, signature: string, purpose: string, calls: readonly Call[]): Task {
  const named = language === "python" ? "Python" : "JavaScript";
  return {
    id,
    language,
    functionName: signature.slice(0, signature.indexOf("(")),
    question: `Write a ${named} function \`${signature}\` that ${purpose}`,
    tests: calls.map(([args, expected]) => ({ args, expected })),
  };
}

/** What our agents are asked. The last two are beyond the library. */
export const tasks: readonly Task[] = [
  task("odd-sum", "javascript", "oddSum(numbers)", "returns the sum of all odd numbers of a list of whole numbers.", [
    [[[1, 2, 3]], 4],
    [[[-3, -2, 5]], 2],
    [[[]], 0],
  ]),
  task(
    "square-sum",
    "python",
    "square_sum(values)",
    "returns the sum of the squares of the positive numbers in a list.",
    [
      [[[3, -1, 2]], 13],
      [[[4]], 16],
      [[[]], 0],
    ],
  ),
  task(
    "distance",
    "javascript",
    "distance(steps)",
    "returns the sum of the absolute values of all numbers in a list.",
    [
      [[[-2, 3, -4]], 9],
      [[[7]], 7],
    ],
  ),
  task(
    "product",
    "python",
    "product(numbers)",
    "returns the product of all numbers in a list; of an empty one it is 1.",
    [
      [[[2, 3, 7]], 42],
      [[[]], 1],
    ],
  ),
  task(
    "multiples-below",
    "javascript",
    "multiplesBelow(limit)",
    "returns the sum of all multiples of 3 or 5 below a limit.",
    [
      [[10], 23],
      [[16], 60],
      [[3], 0],
    ],
  ),
  task(
    "count-multiples",
    "python",
    "count_multiples(limit)",
    "returns the count of all multiples of 7 up to and including a limit.",
    [
      [[6], 0],
      [[7], 1],
      [[50], 7],
    ],
  ),
  task("factorial", "javascript", "factorial(n)", "returns the factorial of a whole number n of at least 0.", [
    [[0], 1],
    [[1], 1],
    [[6], 720],
  ]),
  task(
    "lucas",
    "python",
    "lucas(n)",
    "returns the n-th term, counting from 1, of the sequence that starts with 2 and 1 and in which each further term is the sum of the two before it.",
    [
      [[1], 2],
      [[2], 1],
      [[7], 18],
    ],
  ),
  task(
    "fibonacci",
    "javascript",
    "fibonacci(n)",
    "returns the n-th term, counting from 0, of the sequence that starts with 0 and 1 and in which each further term is the sum of the two before it.",
    [
      [[0], 0],
      [[1], 1],
      [[10], 55],
    ],
  ),
  task(
    "primes",
    "javascript",
    "primesUpTo(limit)",
    "returns the list of all prime numbers up to and including a limit.",
    [
      [[1], []],
      [[13], [2, 3, 5, 7, 11, 13]],
      [[26], [2, 3, 5, 7, 11, 13, 17, 19, 23]],
    ],
  ),
  task("primes-below", "python", "primes_below(limit)", "returns the list of all prime numbers below a limit.", [
    [[2], []],
    [[12], [2, 3, 5, 7, 11]],
    [[30], [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]],
  ]),
  task("gcd", "javascript", "divisor(a, b)", "returns the greatest common divisor of two positive whole numbers.", [
    [[12, 18], 6],
    [[5, 7], 1],
    [[9, 3], 3],
  ]),
  task("lcm", "python", "common_multiple(a, b)", "returns the least common multiple of two positive whole numbers.", [
    [[4, 6], 12],
    [[5, 7], 35],
    [[9, 3], 9],
  ]),
  task("binary", "javascript", "toBinary(n)", "returns a whole number of at least 0 as a text, written in base 2.", [
    [[0], "0"],
    [[1], "1"],
    [[10], "1010"],
  ]),
  task(
    "hexadecimal",
    "python",
    "to_hex(n)",
    "returns a whole number of at least 0 as a hexadecimal text with small letters.",
    [
      [[0], "0"],
      [[255], "ff"],
      [[4096], "1000"],
    ],
  ),
  task(
    "vowels",
    "javascript",
    "countVowels(text)",
    "returns how many vowels (a, e, i, o, u, small or capital) a text has.",
    [
      [["Apple"], 2],
      [["rhythm"], 0],
      [["AEIOU aeiou"], 10],
    ],
  ),
  task("digits", "python", "count_digits(text)", "returns how many digits a text has.", [
    [["call 0800 12"], 6],
    [["none"], 0],
  ]),
  task(
    "palindrome",
    "javascript",
    "isPalindrome(text)",
    "tells whether a text is a palindrome, ignoring case, spaces and punctuation.",
    [
      [["Never odd or even"], true],
      [["noon"], true],
      [["No lemon, no melon!"], true],
      [["almost"], false],
    ],
  ),
  task(
    "caesar",
    "python",
    "shift(text)",
    "returns a text with each letter moved 3 places forwards in the alphabet, going on at a after z. Capitals stay capitals, and all other characters stay as they are.",
    [
      [["abc"], "def"],
      [["Xyz!"], "Abc!"],
    ],
  ),
  task(
    "uncaesar",
    "javascript",
    "unshift(text)",
    "returns a text with each letter moved 5 places backwards in the alphabet, going on at z before a. Capitals stay capitals, and all other characters stay as they are.",
    [
      [["fgh"], "abc"],
      [["Ab c"], "Vw x"],
    ],
  ),
  task(
    "words",
    "javascript",
    "countWords(text)",
    "returns an object that says how often each word of a text occurs, ignoring case. Words are separated by white space.",
    [
      [["a b a"], { a: 2, b: 1 }],
      [["The the\nend"], { the: 2, end: 1 }],
      [[""], {}],
    ],
  ),
  task(
    "runs",
    "python",
    "runs(text)",
    "returns the runs of equal characters of a text as a list of [character, length] pairs.",
    [
      [
        ["aab"],
        [
          ["a", 2],
          ["b", 1],
        ],
      ],
      [[""], []],
      [["zzz"], [["z", 3]]],
    ],
  ),
  task(
    "brackets",
    "javascript",
    "isBalanced(text)",
    "tells whether all brackets ()[]{} of a text are closed in the right order.",
    [
      [["(a[b]{c})"], true],
      [["(]"], false],
      [["(("], false],
      [[""], true],
    ],
  ),
  task(
    "longest-word",
    "python",
    "longest(text)",
    "returns the longest word of a text whose words are separated by one space, and the first of several.",
    [
      [["one three seven"], "three"],
      [["be"], "be"],
    ],
  ),
  task(
    "rotate-left",
    "javascript",
    "rotate(items, k)",
    "returns a list rotated by `k` places to the left; `k` may be larger than the list is long.",
    [
      [
        [[1, 2, 3], 1],
        [2, 3, 1],
      ],
      [
        [[1, 2, 3], 7],
        [2, 3, 1],
      ],
      [[[], 2], []],
    ],
  ),
  task(
    "rotate-right",
    "python",
    "rotate(items, k)",
    "returns a list rotated by `k` places to the right; `k` may be larger than the list is long.",
    [
      [
        [[1, 2, 3], 1],
        [3, 1, 2],
      ],
      [
        [[1, 2, 3], 5],
        [2, 3, 1],
      ],
      [[[], 2], []],
    ],
  ),
  task(
    "kth-largest",
    "javascript",
    "kthLargest(numbers, k)",
    "returns the k-th largest number of a list, where k is 1 for the largest.",
    [
      [[[3, 1, 2], 1], 3],
      [[[10, 9, 100], 2], 10],
      [[[5, 5, 4], 2], 5],
    ],
  ),
  task(
    "kth-distinct",
    "python",
    "kth_smallest(numbers, k)",
    "returns the k-th smallest distinct number of a list, where k is 1 for the smallest.",
    [
      [[[3, 1, 2], 1], 1],
      [[[2, 2, 9, 5], 2], 5],
    ],
  ),
  task(
    "pieces",
    "javascript",
    "pieces(items, size)",
    "cuts a list into pieces of length `size` and returns the list of them; the last piece may be shorter.",
    [
      [
        [[1, 2, 3, 4], 2],
        [
          [1, 2],
          [3, 4],
        ],
      ],
      [
        [[1, 2, 3], 2],
        [[1, 2], [3]],
      ],
      [[[], 3], []],
    ],
  ),
  task(
    "without-repeats",
    "python",
    "unique(items)",
    "returns a list without its repeats: of equal items the first stays, in the old order.",
    [
      [[[1, 1, 2]], [1, 2]],
      [[[1, 2, 1, 3, 2]], [1, 2, 3]],
    ],
  ),
  task(
    "keep-last",
    "javascript",
    "keepLast(items)",
    "returns a list without its repeats, of which the last occurrence stays, in the old order.",
    [
      [[[1, 1, 2]], [1, 2]],
      [[[1, 2, 1, 3, 2]], [1, 3, 2]],
    ],
  ),
  task(
    "search",
    "javascript",
    "search(numbers, wanted)",
    "returns the index of a number in a sorted list of different numbers, or -1 when it is not there.",
    [
      [[[1, 3, 5, 7], 5], 2],
      [[[1, 3, 5, 7], 7], 3],
      [[[4], 4], 0],
      [[[], 4], -1],
    ],
  ),
  task(
    "intervals",
    "python",
    "merge(intervals)",
    "merges overlapping intervals, given as [start, end] lists, and returns what comes out by ascending start. Intervals that touch overlap.",
    [
      [
        [
          [
            [1, 3],
            [2, 4],
          ],
        ],
        [[1, 4]],
      ],
      [
        [
          [
            [6, 7],
            [1, 5],
            [2, 3],
          ],
        ],
        [
          [1, 5],
          [6, 7],
        ],
      ],
      [
        [
          [
            [1, 2],
            [2, 3],
          ],
        ],
        [[1, 3]],
      ],
    ],
  ),
  task(
    "transpose",
    "javascript",
    "transpose(matrix)",
    "returns the transpose of a matrix that is given as a list of at least one row.",
    [
      [
        [
          [
            [1, 2],
            [3, 4],
          ],
        ],
        [
          [1, 3],
          [2, 4],
        ],
      ],
      [[[[1, 2, 3]]], [[1], [2], [3]]],
    ],
  ),
  task(
    "window",
    "python",
    "best_window(numbers, k)",
    "returns the largest sum of `k` neighbouring numbers of a list that has at least `k`.",
    [
      [[[1, 9, 2, 8], 2], 11],
      [[[-5, -2, -3], 2], -5],
    ],
  ),
  task(
    "levenshtein",
    "python",
    "edits(a, b)",
    "returns how many letters must be changed, added or taken away to turn one text into the other.",
    [
      [["kitten", "sitting"], 3],
      [["", "ab"], 2],
    ],
  ),
  task("roman", "javascript", "toRoman(n)", "returns a whole number from 1 to 3999 in Roman numerals.", [
    [[4], "IV"],
    [[1994], "MCMXCIV"],
  ]),
];
