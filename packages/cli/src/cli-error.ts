import { WhetstoneError } from "@whetstone/core";
import { CommanderError } from "commander";
import { ExitCode } from "./exit-code.js";

/** What a command can fail with besides the codes of `WhetstoneError`. */
export type CliErrorCode =
  | "USAGE"
  | "INPUT_UNREADABLE"
  | "INPUT_EMPTY"
  | "INPUT_INVALID"
  | "OUTPUT_EXISTS"
  | "OUTPUT_UNWRITABLE"
  | "STORE_MISSING"
  | "PORT_UNUSABLE"
  | "INTERACTION_MISSING"
  | "TRAINING_FAILED"
  | "INTERRUPTED"
  | "INTERNAL";

/** A command's failure, told in one sentence. */
export class CliError extends Error {
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "CliError";
    this.code = code;
  }
}

/** What is told of an error, and the exit code it leads to. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** Turns whatever was thrown into one sentence, a stable code and an exit code. */
export function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) return interruption(error, signal);
  if (error instanceof CommanderError) {
    // Commander has printed the help of a command that needs another word behind it.
    if (error.code === "commander.help") return usage("a command is missing");
    const message = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
    return usage(`${message}. See --help`.replace("..", "."));
  }
  if (error instanceof CliError) {
    const exitCode = error.code === "USAGE" ? ExitCode.usage : ExitCode.failed;
    return { code: error.code, message: error.message, exitCode };
  }
  if (WhetstoneError.isInstance(error)) {
    // A wrong option that the operating system found (a path that cannot be written) is no wrong usage.
    const isUsage = error.code === "CONFIG_INVALID" && !(error.cause instanceof Error && "errno" in error.cause);
    const exitCode = isUsage ? ExitCode.usage : ExitCode.failed;
    return { code: error.code, message: error.message, exitCode };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "INTERNAL", message: `something unexpected went wrong: ${message}`, exitCode: ExitCode.failed };
}

function usage(message: string): Failure {
  return { code: "USAGE", message, exitCode: ExitCode.usage };
}

/** Says of a failed call to the operating system what a reader needs: which file, and what is wrong with it. */
export function systemReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code !== undefined && Object.hasOwn(REASONS, code)) return REASONS[code] as string;
  return error instanceof Error ? error.message : String(error);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the disk is read-only",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is a file, not a folder",
  ENOSPC: "the disk is full",
  EEXIST: "it exists already",
  EMFILE: "too many files are open",
};

function interruption(error: unknown, signal: AbortSignal): Failure {
  const exitCode = signal.reason === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted;
  const message = error instanceof CliError && error.code === "INTERRUPTED" ? error.message : "interrupted";
  return { code: "INTERRUPTED", message, exitCode };
}
