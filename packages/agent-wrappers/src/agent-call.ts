import { type InteractionInput, newInteractionId, type Source } from "@whetstone/core";
import { type CallEnd, defined, describeCall, readAsked } from "./describe-call.js";
import { currentSession, type InteractionHandle, runAs } from "./interaction-context.js";
import { presetFor } from "./presets.js";
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
export interface CallEnding {
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
  const session = currentSession();
  const tools: string[] = [];
  const sources: Source[] = [];
  let fields: Partial<InteractionInput> = {};
  let ended = false;

  const report = (error: unknown) => reportTo(options, error);
  const attempt = <R>(step: () => R, otherwise: R): R => {
    try {
      return step();
    } catch (error) {
      report(error);
      return otherwise;
    }
  };
  const asked = attempt(() => readAsked(args), { query: "", turns: undefined });

  const interaction: InteractionHandle = {
    get id() {
      if (fields.interactionId === undefined) {
        // The id tells the day of the record, so both must come from one reading of the clock.
        const timestamp = fields.timestamp ?? Date.now();
        fields = { ...fields, timestamp, interactionId: newInteractionId(timestamp) };
      }
      return fields.interactionId;
    },
    addTool: (name) => {
      if (!ended) tools.push(name);
    },
    addSource: (source) => {
      if (!ended) sources.push(source);
    },
    set: (later) => {
      if (!ended) fields = attempt(() => merge(fields, later), fields);
    },
  };

  const describe = (result: unknown, end: CallEnd): Partial<InteractionInput> => {
    const described = attempt(() => describeCall(asked, result, end), { query: asked.query as string, answer: "" });
    const own = options.describe ?? presetFor(options.agentType);
    return own ? attempt(() => merge(described, own(args as never, result, end)), described) : described;
  };

  const record = ({ result, failed = false, error, cancelled = false, text, returned }: CallEnding) => {
    const latencyMs = performance.now() - startedAt;
    const { agentType, variant, model, metadata } = options;
    const end: CallEnd = { error, latencyMs, cancelled, text, returned };
    const ending: Partial<InteractionInput> = {
      latencyMs,
      ...(failed && { errorOccurred: true, errorMessage: attempt(() => messageOf(error), "unknown error") }),
      ...(cancelled && { metadata: { cancelled: true } }),
    };
    let input = merge({ agentType, variant, model, metadata, ...session }, describe(result, end));
    input = merge(merge(input, ending), fields);
    if (tools.length > 0) input = { ...input, toolsUsed: [...(input.toolsUsed ?? []), ...tools] };
    if (sources.length > 0) input = { ...input, sources: [...(input.sources ?? []), ...sources] };
    loggerFor(options, self).log(input as InteractionInput);
  };

  return {
    run: (step, agent, given) => runAs(interaction, session, step, agent, given),
    end(ending) {
      if (ended) return;
      ended = true;
      attempt(() => record(ending), undefined);
    },
    report,
  };
}

/** Fields laid over each other; undefined never wins, metadata is joined. */
function merge(under: Partial<InteractionInput>, over: Partial<InteractionInput>): Partial<InteractionInput> {
  const merged = { ...under, ...defined(over) };
  if (!under.metadata || !over.metadata) return merged;
  return { ...merged, metadata: { ...under.metadata, ...over.metadata } };
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return typeof error === "string" ? error : String(error);
}
