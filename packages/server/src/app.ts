import { $, OpenAPIHono } from "@hono/zod-openapi";
import { type InteractionStore, type RedactOption, recordRedactor } from "@whetstone/core";
import type { Context, Hono } from "hono";
import { accessGuard } from "./access-guard.js";
import { type Access, tokenChecker } from "./access-tokens.js";
import { isForeignPage } from "./browser-guard.js";
import { type BuildSlots, buildSlots } from "./build-slots.js";
import { dataFolder } from "./data-folder.js";
import { docsRoutes } from "./docs-routes.js";
import { hostAllowList, LOOPBACK_HOSTS } from "./host-allow-list.js";
import { type Problem, problemResponse, RequestProblem } from "./problem.js";
import { problemOf } from "./problem-of.js";
import { buildDatasetRoutes } from "./routes/build-dataset.js";
import { cleanUpRoute } from "./routes/clean-up.js";
import { datasetStatsRoute } from "./routes/dataset-stats.js";
import { generateScriptRoute } from "./routes/generate-script.js";
import { giveFeedbackRoute } from "./routes/give-feedback.js";
import { healthRoute } from "./routes/health.js";
import { logInteractionRoute } from "./routes/log-interaction.js";
import { queryInteractionsRoute } from "./routes/query-interactions.js";
import { trainingStatsRoute } from "./routes/training-stats.js";
import type { ServerApp, ServerEnv, ServerParts } from "./server-parts.js";

export interface AppOptions {
  /** The caller opened it and closes it. */
  readonly store: InteractionStore;
  /**
   * Who may ask: a token that may do everything, tokens with scopes, or `false` when something in front of the app
   * checks that.
   */
  readonly tokens: Access;
  /** The folder that `save_to_file` may write into; without it nothing can be saved. */
  readonly dataRoot?: string | undefined;
  /** Host names that requests may name. Default: the loopback names. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** For interactions that are logged over HTTP, as for `createInteractionLogger`. On by default. */
  readonly redact?: RedactOption | undefined;
  /** Told of every error behind a 5xx answer; the answer itself gives no inner detail away. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * The REST API over a store, as a Hono app: its `fetch` runs in Node, Bun, Deno, Next and wherever a fetch handler does.
 * @throws ConfigError for wrong options
 * @example
 * const app = createApp({ store, tokens: process.env.WHETSTONE_TOKEN ?? createAccessToken() });
 */
export function createApp(options: AppOptions): Hono<ServerEnv> {
  return appWithBuilds(options, buildSlots(MAX_BUILDS));
}

/** Builds that may run at once. */
export const MAX_BUILDS = 2;

/** `createApp` for who wants to stop the builds. */
export function appWithBuilds(
  { store, tokens, dataRoot, allowedHosts = LOOPBACK_HOSTS, redact = true, onError = () => {} }: AppOptions,
  builds: BuildSlots,
): Hono<ServerEnv> {
  const isAllowedHost = hostAllowList(allowedHosts);
  const parts: ServerParts = {
    store,
    data: dataRoot === undefined ? null : dataFolder(dataRoot),
    builds,
    scans: buildSlots(MAX_BUILDS),
    redact: recordRedactor(redact),
    onError,
  };
  const app: ServerApp = new OpenAPIHono<ServerEnv>({ defaultHook });

  app.use(async (context, next) => {
    if (!isAllowedHost(context.req.raw)) return problemResponse(FORBIDDEN_HOST);
    if (isForeignPage(context.req.raw)) return problemResponse(FORBIDDEN_ORIGIN);
    await next();
    context.res.headers.set("cache-control", "no-store");
    context.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(accessGuard(tokens === false ? null : tokenChecker(tokens)));

  healthRoute(app, parts);
  trainingStatsRoute(app, parts);
  queryInteractionsRoute(app, parts);
  logInteractionRoute(app, parts);
  giveFeedbackRoute(app, parts);
  cleanUpRoute(app, parts);
  datasetStatsRoute(app, parts);
  buildDatasetRoutes(app, parts);
  generateScriptRoute(app, parts);
  docsRoutes(app);

  refuseOtherMethods(app);
  app.notFound(() => problemResponse(NO_ROUTE));
  app.onError((error) => {
    const headers = error instanceof RequestProblem ? error.headers : {};
    return problemResponse(problemOf(error, onError), headers);
  });
  return $(app);
}

/** Says of each wrong field where it is and what it has to be; never shows the value. */
function defaultHook(
  result: { success: true } | { success: false; target: string; error: { issues: readonly Issue[] } },
  _context: Context,
): Response | undefined {
  if (result.success) return undefined;
  const errors = result.error.issues.slice(0, 20).map(({ path, message }) => ({
    path: [result.target === "json" ? "body" : result.target, ...path.map(String)].join(".").slice(0, 200),
    message: message.slice(0, 200),
  }));
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return problemResponse({ status: 400, code: "REQUEST_INVALID", detail: detail.slice(0, 1000), errors });
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** A path that exists answers 405 for the methods it does not have. */
function refuseOtherMethods(app: ServerApp): void {
  const methods = new Map<string, string[]>();
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { path, method } = definition.route;
    const names = method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()];
    methods.set(path, [...(methods.get(path) ?? []), ...names]);
  }
  for (const [path, names] of methods) {
    app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), () => problemResponse(WRONG_METHOD, { allow: names.join(", ") }));
  }
}

const FORBIDDEN_HOST: Problem = {
  status: 403,
  code: "HOST_FORBIDDEN",
  detail: "The Host header names a host this server does not answer for. Use localhost, or set allowedHosts.",
};

const FORBIDDEN_ORIGIN: Problem = {
  status: 403,
  code: "ORIGIN_FORBIDDEN",
  detail: "Pages of other sites may not use this server.",
};

const NO_ROUTE: Problem = {
  status: 404,
  code: "NO_ROUTE",
  detail: "There is nothing under this path. GET /openapi.json lists what there is.",
};

const WRONG_METHOD: Problem = {
  status: 405,
  code: "METHOD_NOT_ALLOWED",
  detail: "This path exists, but not for this method. The Allow header names the methods it answers.",
};
