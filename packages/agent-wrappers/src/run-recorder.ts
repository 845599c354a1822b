import type { InteractionLogger } from "@whetstone/core";
import type { Session } from "./interaction-context.js";
import { type Fields, layFields } from "./record-fields.js";
import { checkOptions, loggerFor, reportTo, type WrapOptions } from "./wrap-options.js";

/** How the runs of an agent library are recorded. */
export interface RunOptions {
  /** `math`, `code`, `rag` or your own word. Default `general`. */
  readonly agentType?: string | undefined;
  /** Default: the process's `defaultLogger()`. */
  readonly logger?: InteractionLogger | undefined;
  /** Which policy answers: a prompt version, an agent variant, a checkpoint. */
  readonly variant?: string | undefined;
  /** Goes into every record's metadata. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Hears of what went wrong in recording, which the library never does. Default: one process warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** Records the runs that a library tells of. Nothing here throws. */
export interface RunRecorder {
  /** Does a step on the library's path; what it throws goes to `onError`. */
  guard(step: () => void): void;
  /** Tells `onError`. */
  report(error: unknown): void;
  /** Records one run. What has neither question nor answer is no row: it is left out. */
  record(run: Fields, session: Session): void;
  flush(): Promise<void>;
}

/** Checks the options at once, and gives what records by them. `where` names the function that took them. */
export function recordRuns({ agentType = "general", ...rest }: RunOptions, where: string): RunRecorder {
  const options: WrapOptions = { ...rest, agentType };
  checkOptions(options, where);
  const report = (error: unknown) => reportTo(options, error);

  return {
    guard(step) {
      try {
        step();
      } catch (error) {
        report(error);
      }
    },
    report,
    record(run, { sessionId, userId }) {
      if (!run.query && !run.answer) return;
      const { variant, metadata } = options;
      const input: Fields = { query: "", answer: "", agentType };
      layFields(input, { variant, metadata, sessionId, userId });
      layFields(input, run);
      loggerFor(options, undefined).log(input as Parameters<InteractionLogger["log"]>[0]);
    },
    async flush() {
      try {
        await loggerFor(options, undefined).flush();
      } catch (error) {
        report(error);
      }
    },
  };
}
