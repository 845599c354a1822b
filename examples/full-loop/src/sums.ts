/** A small problem, and what is right. */
export interface Sum {
  readonly question: string;
  readonly reference: string;
}

/** What a model can be taught from: a question with an answer, right or not. */
export interface Lesson {
  readonly question: string;
  readonly answer: string;
}

/** Sums of a number of two digits and one of one. The same seed gives the same. */
export interface Sums {
  /** What a model is taught with at first. */
  readonly lessons: readonly Lesson[];
  /** What the users of the agent ask. */
  readonly practice: readonly Sum[];
  /** Neither in the lessons nor asked by users. */
  readonly heldOut: readonly Sum[];
}

/**
 * Draws the sums. The lessons are like homework found in the wild: where a one has to be carried, `careless` of the
 * answers forget it. So who learns from them knows how it is done, and more often than not does it wrong.
 */
export function drawSums(
  random: () => number,
  { lessons = 20_000, careless = 0.65, practice = 300, heldOut = 250 } = {},
): Sums {
  const pairs = shuffled(
    Array.from({ length: 90 * 9 }, (_, i): Pair => [10 + (i % 90), 1 + Math.floor(i / 90)]),
    random,
  );
  const known = pairs.slice(heldOut);
  return {
    lessons: Array.from({ length: lessons }, () => {
      const pair = known[Math.floor(random() * known.length)] ?? [10, 1];
      const answer = random() < careless ? withoutCarry(pair) : pair[0] + pair[1];
      return { question: questionOf(pair), answer: String(answer) };
    }),
    practice: known.slice(0, practice).map(sumOf),
    heldOut: pairs.slice(0, heldOut).map(sumOf),
  };
}

/** A sum with its right answer, to be shown to a model. */
export function workedOut({ question, reference }: Sum): Lesson {
  return { question, answer: `${question.replace(/^What is |\?$/g, "")} = ${reference}` };
}

type Pair = readonly [number, number];

const questionOf = ([a, b]: Pair) => `What is ${a} + ${b}?`;

const sumOf = (pair: Pair): Sum => ({ question: questionOf(pair), reference: String(pair[0] + pair[1]) });

const withoutCarry = ([a, b]: Pair) => a + b - ((a % 10) + (b % 10) >= 10 ? 10 : 0);

function shuffled<T>(values: T[], random: () => number): T[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j] as T, values[i] as T];
  }
  return values;
}
