import { ConfigError, type InteractionInput } from "@whetstone/core";
import { type CallRemarks, openRemarks } from "./call-remarks.js";
import { type Asked, type CallEnd, describeCall, readAsked } from "./describe-call.js";
import { currentSession, runInScope, type Scope } from "./interaction-context.js";
import { type ModelCalls, openModelCalls } from "./model-calls.js";
import { presetFor } from "./presets.js";
import { type Fields, layFields } from "./record-fields.js";
import { isThenable } from "./watch-promise.js";
import { loggerFor, reportTo, type WrapOptions } from "./wrap-options.js";

/** One running call of a wrapped agent. Nothing here throws. */
export interface AgentCall {
  /** Runs a step of the agent with this call as the current interaction; what the step throws passes through. */
  run(step: (...args: never) => unknown, self: unknown, args: readonly unknown[]): unknown;
  /** Records the call. Only the first ending counts. */
  end(ending: CallEnding): void;
  /** Tells `onError` of a failure that the caller must not see. */
  report(error: unknown): void;
}

/** How a call came to its end. */
interface CallEnding {
  readonly result?: unknown;
  readonly failed?: boolean;
  readonly error?: unknown;
  readonly cancelled?: boolean;
  readonly text?: string;
  readonly returned?: unknown;
}

/** Begins a call: takes the time, reads the question and remembers whose session it is. */
export function startCall(options: WrapOptions, self: unknown, args: readonly unknown[]): AgentCall {
  const startedAt = performance.now();
  const report = (error: unknown) => reportTo(options, error);
  const asked = readAskedSafely(args, report);
  let remarks: CallRemarks | undefined;
  let modelCalls: ModelCalls | undefined;
  let recordedId: string | undefined;
  let ended = false;

  const scope: Scope = {
    session: currentSession(),
    // Most calls say nothing of themselves.
    interaction() {
      if (!remarks) {
        remarks = openRemarks(report);
        if (recordedId !== undefined) remarks.close(recordedId);
      }
      return remarks.handle;
    },
    modelCalls() {
      modelCalls ??= openModelCalls();
      if (ended) modelCalls.close();
      return modelCalls;
    },
  };

  const record = ({ result, failed, error, cancelled = false, text, returned }: CallEnding) => {
    const end: CallEnd = { error, latencyMs: performance.now() - startedAt, cancelled, text, returned };
    const input = fieldsOf(options, scope, asked);
    const lay = (describe: () => Partial<InteractionInput>) => {
      try {
        layFields(input, describe());
      } catch (error) {
        report(error);
      }
    };
    describeCall(input, asked.turns, result, end, report);
    if (failed) input.errorOccurred = true;
    if (modelCalls) lay(() => modelCalls?.fields(input) ?? {});
    const describe = options.describe ?? presetFor(options.agentType);
    if (describe) lay(() => atOnce(describe(args as never, result, end), report));
    input.latencyMs = end.latencyMs;
    if (failed) {
      input.errorOccurred = true;
      input.errorMessage = messageOf(error);
    }
    if (cancelled) layFields(input, { metadata: { cancelled } });
    remarks?.addTo(input);
    if (modelCalls && !input.toolsUsed?.length) input.toolsUsed = modelCalls.toolsUsed;
    modelCalls?.close();
    recordedId = loggerFor(options, self).log(input as InteractionInput);
    remarks?.close(recordedId);
  };

  return {
    run: (step, agent, given) => runInScope(scope, step, agent, given),
    end(ending) {
      if (ended) return;
      ended = true;
      try {
        record(ending);
      } catch (error) {
        report(error);
      }
    },
    report,
  };
}

/**
 * What `describe` gave, unless it is a promise: a record that waited for one would be out of `flush()`'s sight, and lost
 * when the process ends. Its rejection goes to `report`, or it would end the process.
 */
function atOnce(fields: Partial<InteractionInput>, report: (error: unknown) => void): Partial<InteractionInput> {
  if (typeof fields !== "object" || fields === null || !isThenable(fields)) return fields;
  Promise.resolve(fields).catch(report);
  throw new ConfigError(
    "describe returned a promise, and the call is recorded without it: let it return the fields themselves, and give " +
      "what takes time to currentInteraction().set(…) inside the agent or to logger.feedback(…) later",
  );
}

function readAskedSafely(args: readonly unknown[], report: (error: unknown) => void): Asked {
  try {
    return readAsked(args);
  } catch (error) {
    report(error);
    return { query: "", turns: undefined };
  }
}

function fieldsOf({ agentType, variant, model, metadata }: WrapOptions, { session }: Scope, { query }: Asked): Fields {
  // The logger makes JSON of a structure, off the caller's path.
  const input: Fields = { query: query as string, answer: "", agentType };
  if (variant !== undefined) input.variant = variant;
  if (model !== undefined) input.model = model;
  if (metadata !== undefined) input.metadata = metadata;
  if (session.sessionId !== undefined) input.sessionId = session.sessionId;
  if (session.userId !== undefined) input.userId = session.userId;
  return input;
}

/** Never throws, whatever was thrown. */
function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return error.message || error.name;
    return String(error);
  } catch {
    return "unknown error";
  }
}
