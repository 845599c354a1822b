import { AsyncLocalStorage } from "node:async_hooks";
import type { InteractionInput, Source } from "@whetstone/core";
import type { ModelCalls } from "./model-calls.js";

/** Whose calls these are. */
export interface Session {
  readonly sessionId?: string | undefined;
  readonly userId?: string | undefined;
}

/** What the code inside an agent may say of the call that runs. After the call has ended only `id` still speaks. */
export interface InteractionHandle {
  /** The id under which the call will be stored; undefined outside a wrapped call. */
  readonly id: string | undefined;
  addTool(name: string): void;
  addSource(source: Source): void;
  /** Sets fields of the record. They win over what `describe` says; later ones win over earlier ones. */
  set(fields: Partial<InteractionInput>): void;
}

/** Runs `fn` so that every wrapped call in it, however deep, belongs to this session. A session inside another adds to it. */
export function withSession<R>(session: Session, fn: () => R): R {
  const outer = currentScope();
  const { sessionId = outer.session.sessionId, userId = outer.session.userId } = session;
  return scopes.run({ ...outer, session: { sessionId, userId } }, fn);
}

/** The wrapped call that runs here. Outside one it is a handle whose methods do nothing, so tools need not ask. */
export function currentInteraction(): InteractionHandle {
  return currentScope().interaction();
}

/** The session that a call started here belongs to. */
export function currentSession(): Session {
  return currentScope().session;
}

/** Where the calls of models made here belong: to the wrapped call that runs. Undefined outside one. */
export function currentModelCalls(): ModelCalls | undefined {
  return currentScope().modelCalls?.();
}

/** What belongs to the code that runs now: its session, and the wrapped call it is part of. */
export interface Scope {
  readonly session: Session;
  interaction(): InteractionHandle;
  modelCalls?(): ModelCalls;
}

/** Runs one step of an agent in the scope of its call. */
export function runInScope<R>(scope: Scope, step: (...args: never) => R, self: unknown, args: readonly unknown[]): R {
  return scopes.run(scope, Reflect.apply, step, self, args) as R;
}

const silent: InteractionHandle = { id: undefined, addTool() {}, addSource() {}, set() {} };
const nobody: Scope = { session: {}, interaction: () => silent };

function currentScope(): Scope {
  return scopes.getStore() ?? nobody;
}

// One storage for the whole process: the ESM and the CJS build may both be loaded, and must see each other's calls.
const KEY: unique symbol = Symbol.for("whetstone.scopes.1");
const shared = globalThis as { [KEY]?: AsyncLocalStorage<Scope> };
shared[KEY] ??= new AsyncLocalStorage<Scope>();
const scopes = shared[KEY];
