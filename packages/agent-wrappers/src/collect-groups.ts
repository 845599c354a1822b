import { setMaxListeners } from "node:events";
import {
  ConfigError,
  createInteractionLogger,
  type InteractionInput,
  type InteractionLogger,
  type InteractionStore,
  type Scorer,
  scoreOne,
} from "@whetstone/core";
import type { Describe } from "./describe-call.js";
import { keyOfPrompt, type LoggedPrompt } from "./logged-prompts.js";
import { presetFor } from "./presets.js";
import { recorded } from "./wrap-agent.js";
import { show } from "./wrap-options.js";

/** What answers a prompt: the agent itself, not wrapped, or whatever calls it. */
export type GroupAgent = (prompt: LoggedPrompt, context: { readonly signal: AbortSignal }) => unknown;

export interface CollectGroupsOptions {
  /** Where the answers go, and what tells which are there already. */
  readonly store: InteractionStore;
  /** Writes to the store. Default: a logger of its own, closed at the end. */
  readonly logger?: InteractionLogger | undefined;
  /** Answers a prompt shall have. Default 4, as `buildGrpoDataset` takes. */
  readonly groupSize?: number | undefined;
  /** How many answers are under way at once. Default 8. */
  readonly concurrency?: number | undefined;
  /** Scores each answer as it comes. Without one, score them later. */
  readonly scorer?: Scorer | undefined;
  /**
   * Names the collection: answers of the same name make one group. Take another name for another model, or to collect
   * once more. Default "groups".
   */
  readonly name?: string | undefined;
  /** Which policy answers, as for `wrapAgent`. */
  readonly variant?: string | undefined;
  readonly model?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Maps a call to fields of its record, in place of the agent type's preset. */
  readonly describe?: Describe<GroupAgent> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after every answer; throttle it where it draws something. */
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined;
}

export interface CollectProgress {
  /** Distinct prompts that were looked at. */
  readonly prompts: number;
  /** Prompts that have all their answers by now, errors not counted. */
  readonly complete: number;
  /** Answers that were there already, and were not asked for again. */
  readonly skipped: number;
  /** Calls of the agent that gave an answer. */
  readonly answered: number;
  /** Calls that ended in an error. They are logged, and asked again by the next run. */
  readonly failed: number;
  readonly scored: number;
  /** Answers that the scorer could not judge, or failed on. */
  readonly unscored: number;
}

export interface CollectReport extends CollectProgress {
  /** The first few errors. */
  readonly failures: readonly string[];
  /** Why it ended early, such as an agent that does nothing but fail; null when it did not. */
  readonly stoppedBy: string | null;
}

/**
 * Asks every prompt `groupSize` times and logs the answers as one group: production prompts rarely repeat, and groups
 * and pairs need several answers to one prompt. Another run goes on where this one ended. An agent that fails on twenty
 * calls in a row ends the run.
 * @throws ConfigError for a wrong option, and the signal's reason once what was answered is stored
 *
 * @example await collectGroups(({ query }) => ask(query), loggedPrompts(store), { store, scorer: mathVerifier() });
 */
export async function collectGroups(
  agent: GroupAgent,
  prompts: AsyncIterable<LoggedPrompt> | Iterable<LoggedPrompt>,
  options: CollectGroupsOptions,
): Promise<CollectReport> {
  const { store, scorer, signal, onProgress } = options;
  const { groupSize = 4, concurrency = 8, name = "groups" } = options;
  checkOptions(agent, { store, groupSize, concurrency, name });
  signal?.throwIfAborted();
  const logger = options.logger ?? createInteractionLogger({ store });
  const counts = { prompts: 0, complete: 0, skipped: 0, answered: 0, failed: 0, scored: 0, unscored: 0 };
  const failures: string[] = [];
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one a call under way, and each takes its own off again
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  let failedInARow = 0;
  let stoppedBy: string | null = null;
  const waiting = missingAnswers();

  try {
    await Promise.all(Array.from({ length: concurrency }, work));
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await waiting.return();
    if (options.logger) await logger.flush();
    else await logger.close();
  }
  signal?.throwIfAborted();
  onProgress?.({ ...counts });
  return { ...counts, failures, stoppedBy };

  async function work(): Promise<void> {
    try {
      for (;;) {
        const next = await waiting.next();
        if (next.done || stop.signal.aborted || stoppedBy !== null) return;
        await answer(next.value);
        onProgress?.({ ...counts });
      }
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  }

  /** What is still to be asked, prompt by prompt. */
  async function* missingAnswers(): AsyncGenerator<MissingAnswer, void, void> {
    const seen = new Set<string>();
    for await (const prompt of prompts) {
      checkPrompt(prompt);
      const groupId = `${name}:${keyOfPrompt(prompt)}`;
      if (seen.has(groupId)) continue;
      seen.add(groupId);
      counts.prompts += 1;
      const group = { prompt, groupId, missing: groupSize };
      const open: string[] = [];
      for (let place = 0; place < groupSize; place++) {
        const interactionId = await freeId(store, `${groupId}:${place}`);
        if (interactionId !== null) open.push(interactionId);
        else counts.skipped += 1;
      }
      group.missing = open.length;
      if (open.length === 0) counts.complete += 1;
      for (const interactionId of open) yield { group, interactionId };
    }
  }

  async function answer({ group, interactionId }: MissingAnswer): Promise<void> {
    const { prompt, groupId } = group;
    const { query, reference } = prompt;
    const describe = (options.describe ?? presetFor(prompt.agentType)) as Describe<GroupAgent> | undefined;
    const ask = recorded(agent, {
      agentType: prompt.agentType,
      logger,
      variant: options.variant,
      model: options.model,
      metadata: options.metadata,
      describe: (args, result, end): Partial<InteractionInput> => ({
        ...describe?.(args as Parameters<GroupAgent>, result, end),
        ...{ query, interactionId, groupId },
        ...(reference !== undefined && { reference }),
      }),
    });
    try {
      await consumed(ask(prompt, { signal: stop.signal }));
      counts.answered += 1;
      failedInARow = 0;
    } catch (error) {
      if (stop.signal.aborted) return;
      counts.failed += 1;
      failedInARow += 1;
      const reason = error instanceof Error ? error.message : String(error);
      if (failures.length < MAX_FAILURES) failures.push(reason);
      if (failedInARow >= Math.max(HOPELESS, concurrency)) {
        stoppedBy = `the agent failed on ${failedInARow} calls in a row, the last time with: ${reason}`;
      }
      return;
    }
    group.missing -= 1;
    if (group.missing === 0) counts.complete += 1;
    if (scorer) await score(scorer, interactionId);
  }

  async function score(by: Scorer, interactionId: string): Promise<void> {
    await logger.flush();
    const interaction = await store.get(interactionId);
    const outcome = interaction && (await scoreOne(by, interaction, stop.signal));
    if (outcome?.fact) await store.annotate([outcome.fact]);
    counts[outcome?.result === "scored" ? "scored" : "unscored"] += 1;
  }
}

interface MissingAnswer {
  readonly group: { readonly prompt: LoggedPrompt; readonly groupId: string; missing: number };
  readonly interactionId: string;
}

const MAX_FAILURES = 5;
const HOPELESS = 20;

/** The id of an answer that is not there; null when it is. An answer that failed leaves its id and is tried under the next. */
async function freeId(store: InteractionStore, place: string): Promise<string | null> {
  for (let attempt = 0; ; attempt++) {
    const interactionId = attempt === 0 ? place : `${place}.${attempt}`;
    const logged = await store.get(interactionId);
    if (!logged) return interactionId;
    if (!logged.errorOccurred) return null;
  }
}

/** Waits for the end of what an agent gave, a stream's too: only then is the call recorded. */
async function consumed(result: unknown): Promise<void> {
  const value = await result;
  if (typeof value !== "object" || value === null || !(Symbol.asyncIterator in value)) return;
  for await (const _ of value as AsyncIterable<unknown>) {
    // The recorder has seen it.
  }
}

interface CheckedOptions {
  readonly store: InteractionStore;
  readonly groupSize: number;
  readonly concurrency: number;
  readonly name: string;
}

function checkOptions(agent: GroupAgent, { store, groupSize, concurrency, name }: CheckedOptions): void {
  if (typeof agent !== "function") throw new ConfigError(`collectGroups: the agent is ${show(agent)}: give a function`);
  if (!store) throw new ConfigError(`collectGroups: the store is ${show(store)}: give the store that holds the groups`);
  if (!Number.isInteger(groupSize) || groupSize < 2 || groupSize > 1000) {
    throw new ConfigError(`groupSize is ${groupSize}: use a whole number from 2 to 1000`);
  }
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
    throw new ConfigError(`concurrency is ${concurrency}: use a whole number from 1 to 1000`);
  }
  if (!/^[\w.-]{1,64}$/.test(name)) {
    throw new ConfigError(`name is ${show(name)}: use 1 to 64 letters, digits, "_", "." or "-"`);
  }
}

function checkPrompt(prompt: LoggedPrompt): void {
  const { query, agentType } = (prompt ?? {}) as Partial<LoggedPrompt>;
  if (typeof query === "string" && typeof agentType === "string") return;
  const remedy = 'give what loggedPrompts gives, or objects such as { query: "2 + 2?", agentType: "math" }';
  throw new ConfigError(`collectGroups: a prompt is ${show(prompt)}: ${remedy}`);
}
