import type { Context, MiddlewareHandler } from "hono";
import { type Scope, scopes, type tokenChecker } from "./access-tokens.js";
import { guessLimit } from "./guess-limit.js";
import { RequestProblem } from "./problem.js";
import type { ServerEnv } from "./server-parts.js";

/** What anybody may read: none of it tells of the data. */
const PUBLIC = new Set(["/health", "/openapi.json", "/docs"]);

/**
 * Lets nobody pass without a token, except to the public paths. It stands in front of all routes, so that one which is
 * added cannot be forgotten. `check` is null when something in front of the app knows who asks.
 */
export function accessGuard(check: ReturnType<typeof tokenChecker> | null): MiddlewareHandler<ServerEnv> {
  const isTooMany = guessLimit();
  const all: ReadonlySet<Scope> = new Set(scopes);
  return async (context, next) => {
    const granted = check ? grantOf(context, check, isTooMany) : all;
    context.set("granted", granted);
    await next();
  };
}

const NOTHING: ReadonlySet<Scope> = new Set();

function grantOf(
  context: Context,
  check: ReturnType<typeof tokenChecker>,
  isTooMany: (address: string) => number,
): ReadonlySet<Scope> {
  const header = context.req.header("authorization");
  const token = header === undefined ? undefined : /^Bearer +([^\s]{1,1024})$/i.exec(header)?.[1];
  const granted = token === undefined ? null : check(token);
  if (granted) return granted;
  if (header !== undefined) {
    const waitSeconds = isTooMany(addressOf(context));
    if (waitSeconds > 0) throw new RequestProblem(TOO_MANY, { "retry-after": String(waitSeconds) });
  } else if (PUBLIC.has(context.req.path)) return NOTHING;
  throw new RequestProblem(header === undefined ? MISSING : WRONG, { "www-authenticate": 'Bearer realm="whetstone"' });
}

/** The address of the connection, where the runtime tells it. A header could be anybody's invention. */
function addressOf({ env }: Context): string {
  const incoming = (env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming;
  return incoming?.socket?.remoteAddress ?? "unknown";
}

const MISSING = {
  status: 401,
  code: "TOKEN_MISSING",
  detail: "This needs a token: send the header Authorization: Bearer <token>.",
} as const;

const WRONG = {
  status: 401,
  code: "TOKEN_INVALID",
  detail: "This token is none of this server's.",
} as const;

const TOO_MANY = {
  status: 429,
  code: "TOO_MANY_GUESSES",
  detail: "Too many wrong tokens came from this address: use the right one, or wait as Retry-After says.",
} as const;
