import type { ChatMessage } from "@whetstone/core";
import { calculate, calculatorTool } from "./calculator.js";
import { type MathAnswer, type Solve, SYSTEM_PROMPT, type Verification, type WorkedStep } from "./math-answer.js";
import { fillIn, inOneGo, type Plan, type Step } from "./plan.js";
import { planFor } from "./planner.js";
import { numbersIn } from "./reading.js";

/**
 * Five ways to work on the same plans. `planner` calls the calculator for each step and checks itself; `paper` and
 * `terse` do the same exact work by hand, at length and in short. `careless` rounds on the way and forgets how long
 * plans end; `hasty` stops after two steps and takes a percentage for a plain number.
 */
export const policies: Readonly<Record<PolicyName, Solve>> = {
  planner: async (question) => withCalculator(question),
  paper: async (question) => byHand(question, exactly, atLength),
  terse: async (question) => byHand(question, exactly, inShort),
  careless: async (question) => byHand(question, carelessly, inWords),
  hasty: async (question) => byHand(question, hastily, inWords),
};

export type PolicyName = "planner" | "paper" | "terse" | "careless" | "hasty";

function withCalculator(question: string): MathAnswer {
  const plan = planFor(question);
  const messages: ChatMessage[] = opening(question);
  if (!plan) return answered(messages, NO_PLAN, { steps: [], verification: null });
  const steps: WorkedStep[] = [];
  for (const [place, step] of plan.steps.entries()) {
    const expression = fillIn(
      step.expression,
      steps.map(({ result }) => result),
    );
    const result = calculate(expression);
    steps.push({ what: step.what, expression, result });
    messages.push(
      {
        role: "assistant",
        content: `Step ${place + 1} of ${plan.steps.length}: ${step.what}.`,
        tool_calls: [
          { id: `call_${place + 1}`, type: "function", function: { name: "calculator", arguments: { expression } } },
        ],
      },
      { role: "tool", tool_call_id: `call_${place + 1}`, name: "calculator", content: result },
    );
  }
  const verification = verify(plan, steps);
  const text = atLength(steps, plan.unit, verification);
  return { ...answered(messages, text, { steps, verification }), toolsUsed: ["calculator"], tools: [calculatorTool] };
}

/** How a policy works out a plan: null leaves it without an answer. */
type Work = (plan: Plan | null, question: string) => readonly WorkedStep[] | null;

/** How a policy writes down what it worked out. */
type Write = (steps: readonly WorkedStep[], unit: string, verification: Verification | null) => string;

function byHand(question: string, work: Work, write: Write): MathAnswer {
  const plan = planFor(question);
  const steps = work(plan, question);
  const messages = opening(question);
  if (!steps) return answered(messages, NO_PLAN, { steps: [], verification: null });
  const verification = plan && work === exactly ? verify(plan, steps) : null;
  return answered(messages, write(steps, plan?.unit ?? "", verification), { steps, verification });
}

const exactly: Work = (plan) => plan && workedOut(plan.steps, (expression) => calculate(expression));

// Rounds what it carries on with, as one does without a calculator, and forgets the end of a plan of four steps or more.
const carelessly: Work = (plan) => {
  if (!plan) return null;
  const remembered = plan.steps.length > 3 ? plan.steps.slice(0, -1) : plan.steps;
  return workedOut(remembered, (expression, isLast) => rounded(calculate(expression), isLast));
};

// Stops after the second thing to do. Where it sees nothing to do it adds up the numbers.
const hastily: Work = (plan, question) => {
  const numbers = numbersIn(question);
  if (!plan)
    return numbers.length > 1 ? workedOut([{ what: "Add up", expression: numbers.join(" + ") }], calculate) : null;
  return workedOut(plan.steps.slice(0, 2).map(percentAsNumber), calculate);
};

function workedOut(
  steps: readonly Step[],
  compute: (expression: string, isLast: boolean) => string,
): readonly WorkedStep[] {
  const worked: WorkedStep[] = [];
  for (const { what, expression } of steps) {
    const filled = fillIn(
      expression,
      worked.map(({ result }) => result),
    );
    worked.push({ what, expression: filled, result: compute(filled, worked.length === steps.length - 1) });
  }
  return worked;
}

// "15% off 80" is 65 to someone in a hurry.
function percentAsNumber({ what, expression }: Step): Step {
  const share = /^(.+) \* ([\d.]+)%$/.exec(expression);
  return share?.[2] ? { what: `${share[2]}%`, expression: share[2] } : { what, expression };
}

function rounded(value: string, isLast: boolean): string {
  const number = decimal(value);
  if (isLast) return String(Number(number.toFixed(2)));
  return String(Math.abs(number) >= 10 ? Math.round(number) : Number(number.toFixed(1)));
}

function decimal(value: string): number {
  const [over = "", under = "1"] = value.split("/");
  return Number(over) / Number(under);
}

/** Works the plan out again by another way than step by step. */
function verify(plan: Plan, steps: readonly WorkedStep[]): Verification {
  const result = steps.at(-1)?.result ?? "";
  if (plan.check !== undefined) {
    const [left = "", right = ""] = plan.check.replaceAll("x", `(${result})`).split(" = ");
    const [leftValue, rightValue] = [calculate(left), calculate(right)];
    return {
      passed: leftValue === rightValue,
      detail: `with ${result} the left side is ${leftValue} and the right side ${rightValue}`,
    };
  }
  const whole = inOneGo(plan);
  const again = calculate(whole);
  return { passed: again === result, detail: `${whole} = ${again}` };
}

const NO_PLAN = "I found no plan for this problem, so I have no answer to it.";

const atLength: Write = (steps, unit, verification) => {
  const lines = steps.map(({ what, expression, result }, place) => `${place + 1}. ${what}: ${expression} = ${result}`);
  const check = verification
    ? [`Check: ${verification.detail}, ${verification.passed ? "as it should be" : "which is wrong"}.`]
    : [];
  return [...lines, ...check, `The answer is ${withUnit(resultOf(steps), unit)}.`].join("\n");
};

const inShort: Write = (steps, unit) =>
  `${steps.map(({ expression, result }) => `${expression} = ${result}`).join("; ")}\nAnswer: ${withUnit(resultOf(steps), unit)}`;

const inWords: Write = (steps, unit) => {
  const said = steps
    .map(({ what, expression, result }) => `${expression === result ? what : expression} is ${result}`)
    .join(", ");
  return `${said}.\nThe answer is ${withUnit(resultOf(steps), unit)}.`;
};

const resultOf = (steps: readonly WorkedStep[]) => steps.at(-1)?.result ?? "";

function withUnit(value: string, unit: string): string {
  if (unit === "$") return `$${/\.\d$/.test(value) ? `${value}0` : value}`;
  if (unit === "%") return `${value}%`;
  return unit === "" ? value : `${value} ${unit}`;
}

function opening(question: string): ChatMessage[] {
  return [
    { role: "system", content: SYSTEM_PROMPT },
    { role: "user", content: question },
  ];
}

function answered(
  messages: readonly ChatMessage[],
  answer: string,
  work: Pick<MathAnswer, "steps" | "verification">,
): MathAnswer {
  return { ...work, answer, toolsUsed: [], messages: [...messages, { role: "assistant", content: answer }] };
}
