import { parseArgs } from "node:util";

export interface DemoOptions {
  /** Asks a model instead of running the planner. */
  readonly live: boolean;
  readonly model: string;
  /** How many tasks, spread over all topics. */
  readonly tasks: number;
  /** How often the model answers each task. */
  readonly attempts: number;
}

export const USAGE = `Usage: npm run demo -- [options]

Answers our maths tasks with five agent variants, records and checks the answers, and writes datasets and training
scripts to ./whetstone-demo. Needs no keys and no network.

  --live            ask a model: needs OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own
  --model NAME      which model (default: OPENAI_MODEL, else gpt-4o-mini)
  --tasks N         how many tasks (default: all; with --live 24)
  --attempts N      with --live: answers per task (default 4)
  --help            show this
`;

/** A wrong use of the command line; the message is for whoever typed it. */
export class UsageError extends Error {}

/** Reads the command line; null asks for help. @throws UsageError */
export function readOptions(args: readonly string[], allTasks: number): DemoOptions | null {
  const values = parsed(args);
  if (values.help) return null;
  const { live = false } = values;
  if (live && !process.env.OPENAI_API_KEY && !process.env.OPENAI_BASE_URL) {
    throw new UsageError("--live needs a model: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own");
  }
  return {
    live,
    model: values.model ?? (process.env.OPENAI_MODEL || "gpt-4o-mini"),
    tasks: count("--tasks", values.tasks, live ? Math.min(24, allTasks) : allTasks, allTasks),
    attempts: count("--attempts", values.attempts, 4, 64),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        live: { type: "boolean" },
        model: { type: "string" },
        tasks: { type: "string" },
        attempts: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function count(name: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new UsageError(`${name} is "${text}": use a whole number from 1 to ${most}`);
}
