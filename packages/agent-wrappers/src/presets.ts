import type { InteractionInput } from "@whetstone/core";
import { answerText } from "./call-text.js";
import { type CallEnd, type Describe, defined, finalValue, toolName, toolNames, toSources } from "./describe-call.js";
import { readArray, readField, readText } from "./read-field.js";

/** What math, code and rag agents usually give, as `describe` functions. The one named like the agent type is the default. */
export const presets = {
  /** Reads `steps`, `verified` or `verification`, and the tools that the steps used. */
  math: describeMath,
  /** Reads `code`, `language`, `codeLength` and `executionResult`, and from it whether the code passed. */
  code: describeCode,
  /** Reads `sources` (or `documents`, `citations`), `retrievalMethod` and `citationQuality`. */
  rag: describeRag,
} satisfies Record<string, Describe>;

/** The preset for an agent type; undefined when there is none. */
export function presetFor(agentType: string): Describe | undefined {
  return Object.hasOwn(presets, agentType) ? presets[agentType as keyof typeof presets] : undefined;
}

function describeMath(_args: unknown, result: unknown, end: CallEnd): Partial<InteractionInput> {
  const value = finalValue(result, end);
  const steps = readArray(value, "steps");
  const verification = readField(value, "verification");
  const used = steps?.map(toolName).filter((name) => name !== undefined) ?? [];
  const tools = [...(toolNames(readArray(value, "toolsUsed")) ?? []), ...used];
  return {
    toolsUsed: [...new Set(tools)],
    ...noted({ steps, verified: verdict(readField(value, "verified") ?? verification), verification }),
  };
}

function describeCode(_args: unknown, result: unknown, end: CallEnd): Partial<InteractionInput> {
  const value = finalValue(result, end);
  const code = readText(value, "code");
  const answered = readField(value, "answer") !== undefined;
  const executionResult = readField(value, "executionResult");
  return {
    ...(code !== undefined && !answered && !end.text && { answer: code }),
    ...noted({
      language: readText(value, "language") ?? fenceLanguage(end.text || answerText(value)),
      codeLength: readField(value, "codeLength") ?? code?.length,
      executionResult,
      executionPassed: verdict(executionResult),
    }),
  };
}

function describeRag(_args: unknown, result: unknown, end: CallEnd): Partial<InteractionInput> {
  const value = finalValue(result, end);
  const found = readArray(value, "sources") ?? readArray(value, "documents") ?? readArray(value, "citations");
  return {
    sources: toSources(found),
    retrievalMethod: readText(value, "retrievalMethod"),
    ...noted({ citationQuality: readField(value, "citationQuality") }),
  };
}

/** Metadata, where there is anything to note. */
function noted(fields: Record<string, unknown>): Pick<InteractionInput, "metadata"> {
  const metadata = defined(fields);
  return Object.keys(metadata).length > 0 ? { metadata } : {};
}

/** Whether a check or a run passed, said plainly or inside a report. */
function verdict(report: unknown): boolean | undefined {
  if (typeof report === "boolean") return report;
  for (const name of ["verified", "passed", "success", "correct", "isCorrect", "valid", "ok"]) {
    const said = readField(report, name);
    if (typeof said === "boolean") return said;
  }
  const exitCode = readField(report, "exitCode");
  return typeof exitCode === "number" ? exitCode === 0 : undefined;
}

/** The language of the first fenced block of an answer in Markdown. */
function fenceLanguage(answer: unknown): string | undefined {
  if (typeof answer !== "string") return undefined;
  const start = answer.indexOf("```");
  return start < 0 ? undefined : (/^[\w+#.-]{1,32}/.exec(answer.slice(start + 3, start + 40))?.[0] ?? undefined);
}
