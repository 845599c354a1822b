import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { ConfigError } from "@whetstone/core";
import { type AppOptions, appWithBuilds, MAX_BUILDS } from "./app.js";
import { buildSlots } from "./build-slots.js";
import { type Problem, problemBody, problemResponse } from "./problem.js";

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
    getRequestListener(fetch, { overrideGlobalObjects: false, errorHandler: () => problemResponse(unreadable(400)) }),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", refuseUnreadable);
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

/** What is no HTTP never becomes a request, and is told in the same form all the same. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const status = UNREADABLE[error.code ?? ""] ?? 400;
  const body = JSON.stringify(problemBody(unreadable(status)));
  const head = `HTTP/1.1 ${status} Refused\r\nContent-Type: application/problem+json\r\nConnection: close`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const unreadable = (status: 400 | 408 | 431): Problem => ({
  status,
  code: "REQUEST_UNREADABLE",
  detail: "This is no request that can be read as HTTP.",
});

const UNREADABLE: Readonly<Record<string, 408 | 431>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
