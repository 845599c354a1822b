import { ConfigError } from "@whetstone/core";
import { type RunOptions, recordRuns } from "../run-recorder.js";
import { isThenable } from "../watch-promise.js";
import { show } from "../wrap-options.js";
import { chatDialect } from "./chat-dialect.js";
import type { Dialect } from "./dialect.js";
import { type FollowOptions, followRequest } from "./follow-request.js";
import { responsesDialect } from "./responses-dialect.js";
import { watchApiPromise } from "./watch-api-promise.js";

export interface WrapOpenAIOptions extends RunOptions {
  /**
   * Whether an answer that only calls tools is a record of its own, marked by `metadata.finishReason: "tool_calls"`.
   * Default true: such an answer may be all there is. With false, only the record of the next request holds it.
   */
  readonly recordToolSteps?: boolean | undefined;
}

/**
 * The same client, recorded: every `chat.completions.create` and `responses.create`, streamed or not, also where
 * `parse`, `stream` and `runTools` make them. Inside a wrapped agent the requests belong to the agent's record. The
 * client that was handed in stays as it is.
 *
 * @example const openai = wrapOpenAI(new OpenAI(), { logger, agentType: "support" });
 */
export function wrapOpenAI<Client extends object>(client: Client, options: WrapOpenAIOptions = {}): Client {
  const { recordToolSteps = true, ...runOptions } = options;
  const follow = { recorder: recordRuns(runOptions, "wrapOpenAI"), recordToolSteps };
  const original = originals.get(client) ?? client;
  if (!isOpenAI(original)) {
    throw new ConfigError(
      `wrapOpenAI: the client is ${show(client)} without chat.completions.create or responses.create: give new OpenAI(…)`,
    );
  }
  return wrapClient(original, { chat: chatDialect, responses: responsesDialect() }, follow) as Client;
}

/** Wrapped clients, so that wrapping one again records its requests once, by the newer options. */
const originals = new WeakMap<object, object>();

interface Dialects {
  readonly chat: Dialect;
  readonly responses: Dialect;
}

function isOpenAI(client: unknown): client is object {
  const { chat, responses } = (client ?? {}) as {
    chat?: { completions?: { create?: unknown } };
    responses?: { create?: unknown };
  };
  return typeof chat?.completions?.create === "function" || typeof responses?.create === "function";
}

function wrapClient(client: object, dialects: Dialects, options: FollowOptions): object {
  const { chat, responses } = dialects;
  const recorded = (dialect: Dialect) => (endpoint: object) =>
    viewOf(endpoint, { _client: () => wrapped, create: (create) => followed(create, endpoint, dialect, options) });
  const wrapped: object = viewOf(
    client,
    {
      chat: (resource) => viewOf(resource, { _client: () => wrapped, completions: recorded(chat) }),
      responses: recorded(responses),
      withOptions: (method) => calling(method, client, (made) => wrapClient(made as object, dialects, options)),
    },
    // The client's methods read private fields, which only the client itself has.
    (method) => calling(method, client),
  );
  originals.set(wrapped, client);
  return wrapped;
}

type Replace = (value: object) => unknown;

/** An object seen with some members replaced; whatever else is done to it is done to the object itself. */
function viewOf(target: object, replaced: Readonly<Record<string, Replace>>, onMethod?: Replace): object {
  const views = new Map<PropertyKey, { readonly value: object; readonly view: unknown }>();
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if ((typeof value !== "object" && typeof value !== "function") || value === null || name === "constructor") {
        return value;
      }
      const replace =
        typeof name === "string" && Object.hasOwn(replaced, name)
          ? replaced[name]
          : typeof value === "function"
            ? onMethod
            : undefined;
      if (!replace) return value;
      const known = views.get(name);
      if (known?.value === value) return known.view;
      const view = replace(value);
      views.set(name, { value, view });
      return view;
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  });
}

/** A method that runs on the object itself when it is called on the view of it. */
function calling(method: object, owner: object, result: (value: unknown) => unknown = (value) => value): object {
  return new Proxy(method, {
    apply: (call, self, args) =>
      result(Reflect.apply(call as () => unknown, originals.get(self as object) === owner ? owner : self, args)),
  });
}

function followed(create: object, endpoint: object, dialect: Dialect, options: FollowOptions): object {
  return new Proxy(create, {
    apply(create, _view, args: readonly unknown[]) {
      const request = followRequest(dialect, args[0], options);
      let answer: unknown;
      try {
        // On the endpoint itself, so that what `create` calls inside is not recorded again.
        answer = Reflect.apply(create as () => unknown, endpoint, args as []);
      } catch (error) {
        request.failed(error);
        throw error;
      }
      options.recorder.guard(() => {
        if (typeof answer === "object" && answer !== null && isThenable(answer)) {
          watchApiPromise(answer, request.answered, request.failed);
        } else request.answered(answer);
      });
      return answer;
    },
  });
}
