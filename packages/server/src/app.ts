import { type InteractionStore, WhetstoneError } from "@whetstone/core";
import { Hono } from "hono";
import { hostAllowList, LOOPBACK_HOSTS } from "./host-allow-list.js";
import { type Problem, problemResponse } from "./problem.js";
import { trainingStatsBody } from "./training-stats.js";

export interface AppOptions {
  /** The caller opened it and closes it. */
  readonly store: InteractionStore;
  /** Host names that requests may name. Default: the loopback names. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Told of every error behind a 5xx answer; the answer itself gives no inner detail away. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * The REST API over a store, as a Hono app: its `fetch` runs in Node, Bun, Deno, Next and wherever a fetch handler does.
 *
 * @example
 * const app = createApp({ store });
 * const response = await app.request("http://localhost/api/v1/training/stats");
 */
export function createApp({ store, allowedHosts = LOOPBACK_HOSTS, onError }: AppOptions): Hono {
  const isAllowed = hostAllowList(allowedHosts);
  const app = new Hono();

  app.use(async (context, next) => {
    if (!isAllowed(context.req.raw)) return problemResponse(FORBIDDEN_HOST);
    await next();
    context.res.headers.set("cache-control", "no-store");
    context.res.headers.set("x-content-type-options", "nosniff");
  });

  app.get("/health", async (context) => {
    const { status, reasons } = await store.health();
    return context.json({ status, reasons }, status === "down" ? 503 : 200);
  });

  app.get("/api/v1/training/stats", async (context) => context.json(trainingStatsBody(await store.stats())));

  for (const path of ["/health", "/api/v1/training/stats"]) {
    app.all(path, () => problemResponse(WRONG_METHOD, { allow: "GET, HEAD" }));
  }
  app.notFound(() => problemResponse(NO_ROUTE));
  app.onError((error) => {
    onError?.(error);
    return problemResponse(problemOf(error));
  });
  return app;
}

const FORBIDDEN_HOST: Problem = {
  status: 403,
  code: "HOST_FORBIDDEN",
  detail: "The Host header names a host this server does not answer for. Use localhost, or set allowedHosts.",
};

const NO_ROUTE: Problem = {
  status: 404,
  code: "NO_ROUTE",
  detail: "There is nothing under this path. GET /health and GET /api/v1/training/stats exist.",
};

const WRONG_METHOD: Problem = {
  status: 405,
  code: "METHOD_NOT_ALLOWED",
  detail: "This path exists, but not for this method. The Allow header names the methods it answers.",
};

/** An error's own message may name paths and hosts, so the answer carries its code and a fixed sentence only. */
function problemOf(error: unknown): Problem {
  if (WhetstoneError.isInstance(error)) {
    if (error.code.startsWith("STORE_")) {
      return { status: 503, code: error.code, detail: "The store did not answer. Look at GET /health and try again." };
    }
    if (error.code === "CONFIG_INVALID") {
      return { status: 400, code: error.code, detail: "A value in the request is not one that this path takes." };
    }
  }
  return { status: 500, code: "INTERNAL", detail: "Something went wrong inside. The server's log has the details." };
}
