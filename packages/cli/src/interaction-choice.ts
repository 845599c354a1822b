import type { InteractionFilter } from "@whetstone/core";
import { type Command, Option } from "commander";
import type { CliIo } from "./cli-io.js";
import { list, pointInTime } from "./option-values.js";

/** Which interactions a command is about: what the options of `withInteractionChoice` say. */
export interface InteractionChoice {
  readonly since?: number;
  readonly until?: number;
  readonly agentType?: readonly string[];
}

/** The command with --since, --until and --agent-type. */
export function withInteractionChoice(command: Command, io: CliIo): Command {
  return command
    .option("--since <time>", "from this time on: ISO 8601, or an age such as 7d", pointInTime(io.now))
    .option("--until <time>", "before this time", pointInTime(io.now))
    .option("--agent-type <name>", "only this agent type; repeatable", list);
}

/** The same as a filter for a store. */
export function chosenInteractions({ since, until, agentType }: InteractionChoice): InteractionFilter {
  return { startTime: since, endTime: until, agentTypes: agentType };
}

/** --errors, which alone means `only`. */
export function errorsOption(): Option {
  return new Option("--errors [which]", "interactions that ended in an error")
    .choices(["only", "include", "exclude"])
    .preset("only");
}
