import type { OpenAPIHono } from "@hono/zod-openapi";
import type { InteractionStore, RecordRedactor } from "@whetstone/core";
import type { MiddlewareHandler } from "hono";
import type { Scope } from "./access-tokens.js";
import type { BuildSlots } from "./build-slots.js";
import type { DataFolder } from "./data-folder.js";
import { RequestProblem } from "./problem.js";
import { jsonBody } from "./request-body.js";

/** What the routes share. */
export interface ServerParts {
  readonly store: InteractionStore;
  /** Null: nothing may be saved. */
  readonly data: DataFolder | null;
  readonly builds: BuildSlots;
  /** For scans of the whole index, which cost time but leave nothing behind. */
  readonly scans: BuildSlots;
  readonly redact: RecordRedactor | null;
  readonly onError: (error: unknown) => void;
}

export interface ServerEnv {
  Variables: {
    /** What the request's token may do. */
    granted: ReadonlySet<Scope>;
  };
}

export type ServerApp = OpenAPIHono<ServerEnv>;

/** What a route needs besides its own: the scope, in the document and in the way of a request. */
export function needs(scope: Scope, { body = false } = {}) {
  const middleware: MiddlewareHandler<ServerEnv>[] = [checkScope(scope), ...(body ? [jsonBody()] : [])];
  return { security: [{ bearer: [scope] }], middleware };
}

function checkScope(scope: Scope): MiddlewareHandler<ServerEnv> {
  return async (context, next) => {
    if (!context.get("granted").has(scope)) {
      throw new RequestProblem(
        { status: 403, code: "SCOPE_MISSING", detail: `This token may not do that: it needs the scope ${scope}.` },
        { "www-authenticate": `Bearer realm="whetstone", error="insufficient_scope", scope="${scope}"` },
      );
    }
    await next();
  };
}
