import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStore } from "@whetstone/core";
import { afterEach } from "vitest";
import { createAccessToken } from "../access-tokens.js";
import { type ListenOptions, listen } from "../listen.js";

/** A token for each scope, and one for all. */
export const tokens = {
  all: createAccessToken(),
  read: createAccessToken(),
  build: createAccessToken(),
  delete: createAccessToken(),
  log: createAccessToken(),
} as const;

const open: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Does something at the end of the running test. */
export function atTheEnd(close: () => Promise<unknown> | unknown): void {
  open.push(close);
}

/** A folder that is removed at the end of the test. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "whetstone-server-")));
  atTheEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A server that listens on a free port of this machine until the end of the test. */
export async function startServer(options: Partial<ListenOptions> = {}) {
  const store = options.store ?? memoryStore();
  const errors: unknown[] = [];
  const server = await listen({
    tokens: [
      { token: tokens.all },
      ...(["read", "build", "delete", "log"] as const).map((scope) => ({ token: tokens[scope], scopes: [scope] })),
    ],
    port: 0,
    onError: (error) => errors.push(error),
    ...options,
    store,
  });
  atTheEnd(() => server.close());
  const ask = (path: string, init: RequestInit & { readonly token?: string | null } = {}) => {
    const { token = tokens.all, headers, ...rest } = init;
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    return fetch(`${server.url}${path}`, { ...rest, headers: { ...authorization, ...headers } });
  };
  const post = (path: string, body: unknown, init: Parameters<typeof ask>[1] = {}) =>
    ask(path, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
      headers: { "content-type": "application/json", ...init.headers },
    });
  return { ...server, store, errors, ask, post };
}

export const API = "/api/v1/training";
