import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { ConfigError } from "@whetstone/core";
import { type AppOptions, appWithBuilds, MAX_BUILDS } from "./app.js";
import { buildSlots } from "./build-slots.js";

export interface ListenOptions extends AppOptions {
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string | undefined;
  /** Default 8000; 0 takes a free one. */
  readonly port?: number | undefined;
}

export interface RunningServer {
  /** Where it answers, such as http://127.0.0.1:8000. */
  readonly url: string;
  /** Stops builds, lets answers that are under way go out for at most a second, and resolves when all is over. */
  close(): Promise<void>;
}

/** Longest time for the headers of a request, and for a request as a whole. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const CLOSE_MS = 1_000;
/** Connections at once: enough for a team, and a bound for what hangs on. */
const MAX_CONNECTIONS = 512;

/**
 * Runs the REST API on Node's HTTP server. Who opened the store closes it, after `close`.
 * @throws ConfigError for wrong options; rejects when the port is taken
 */
export async function listen({ host = "127.0.0.1", port = 8000, ...options }: ListenOptions): Promise<RunningServer> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigError(`port is ${port}: use a whole number from 0 to 65535; 0 takes a free one`);
  }
  const builds = buildSlots(MAX_BUILDS);
  const { fetch } = appWithBuilds(options, builds);
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 2_000 },
    getRequestListener(fetch, { overrideGlobalObjects: false }),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { address, port: actual, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${actual}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await builds.stop();
      const late = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
      await closed;
      clearTimeout(late);
    },
  };
}
