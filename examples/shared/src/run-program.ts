import { parseArgs } from "node:util";

type OptionTypes = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

type Values<Options extends OptionTypes> = {
  readonly [Name in keyof Options]?: Options[Name]["type"] extends "boolean" ? boolean : string;
};

/** Reads the command line and works. What is thrown is told in one line, and the process ends with code 1. */
export async function runProgram<const Options extends OptionTypes>(
  usage: string,
  options: Options,
  work: (values: Values<Options>, words: readonly string[]) => Promise<void>,
): Promise<void> {
  try {
    const { values, positionals } = parseArgs({
      options: { ...options, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
    if ("help" in values) process.stdout.write(usage);
    else await work(values as Values<Options>, positionals);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
