import type { InteractionStore } from "@whetstone/core";
import type { Command } from "commander";
import type { CliIo } from "./cli-io.js";
import { openCliStore } from "./cli-store.js";
import type { ExitCode } from "./exit-code.js";
import { createOutput, type Output } from "./output.js";

/** The options that every command takes. */
export interface GlobalOptions {
  readonly store?: string;
  readonly json?: boolean;
}

/** What a command works with. */
export interface CommandContext {
  readonly io: CliIo;
  readonly output: Output;
  /** Opens the store that is meant, hands it over, and closes it whatever happens. */
  withStore<T>(work: (store: InteractionStore) => Promise<T>, options?: { readonly mustExist?: boolean }): Promise<T>;
}

/** Makes a commander action of a function that gets the context, the merged options and the arguments. */
export function commandAction<Options>(
  io: CliIo,
  run: (context: CommandContext, options: Options, args: readonly string[]) => Promise<ExitCode>,
): (...parameters: unknown[]) => Promise<void> {
  return async (...parameters) => {
    const command = parameters.at(-1) as Command;
    const options = command.optsWithGlobals<GlobalOptions & Options>();
    const context: CommandContext = {
      io,
      output: createOutput(io, options.json === true),
      async withStore(work, { mustExist = false } = {}) {
        const store = await openCliStore(io, options.store, { mustExist });
        try {
          return await work(store);
        } finally {
          await store.close();
        }
      },
    };
    io.setExitCode(await run(context, options, command.processedArgs as string[]));
  };
}

/** Help text under a command's options: commands to try, each with what it does. */
export function examples(...lines: readonly (readonly [command: string, does: string])[]): string {
  return `\nExamples:\n${lines.map(([command, does]) => `  # ${does}\n  $ ${command}`).join("\n")}\n`;
}
