import { memoryStore } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { createAccessToken } from "../access-tokens.js";
import { createApp } from "../app.js";
import { attackedServer } from "../testing/attacked-server.js";
import { API, tokens } from "../testing/server-fixture.js";
import { problemCode } from "./problem-answer.js";

interface Route {
  readonly method: string;
  readonly path: string;
  readonly scope: string | undefined;
}

/** Every route that there is, from the document. */
async function routes(): Promise<readonly Route[]> {
  const document = (await (
    await createApp({ store: memoryStore(), tokens: tokens.all }).request("/openapi.json")
  ).json()) as {
    paths: Record<string, Record<string, { security: { bearer?: string[] }[] }>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path: path.replace("{interaction_id}", "test-1"),
      scope: security[0]?.bearer?.[0],
    })),
  );
}

describe("tokens", () => {
  it("are needed on every route, whole and with the right scope", async () => {
    const { send, cost, printed } = await attackedServer();
    const all = (await routes()).filter(({ scope }) => scope !== undefined);
    expect(all.length).toBeGreaterThanOrEqual(10);
    let asked = 0;
    for (const { method, path, scope } of all) {
      const what = `${method} ${path}`;
      expect(problemCode(await send(method, path, { token: null }), 401, what)).toBe("TOKEN_MISSING");
      for (const [name, token] of Object.entries(tokens)) {
        const answer = await send(method, path, { token });
        asked += 1;
        if (name === scope || name === "all") expect([401, 403]).not.toContain(answer.status);
        else expect(problemCode(answer, 403, `${what} as ${name}`)).toBe("SCOPE_MISSING");
        if (name !== scope && name !== "all") expect(answer.headers["www-authenticate"]).toContain(`scope="${scope}"`);
      }
    }
    for (const path of [
      "/",
      "/api",
      "/api/v1/training",
      "/metrics",
      "/.env",
      "/../../etc/passwd",
      `${API}/dataset/xxx`,
    ]) {
      problemCode(await send("GET", path, { token: null }), 401, path);
      problemCode(await send("GET", path), 404, path);
    }
    console.info(`${all.length} routes: ${asked} requests with a token of each scope`);
    expect(printed()).toBe("");
    await cost("tokens on every route");
  });

  it("that are wrong give 401", async () => {
    const { send } = await attackedServer();
    const wrong = {
      "another one": `Bearer ${createAccessToken()}`,
      "a longer one": `Bearer ${tokens.all}x`,
      "a shorter one": `Bearer ${tokens.all.slice(0, -1)}`,
      "one in other letters": `Bearer ${tokens.all.toUpperCase()}`,
      "two of them": `Bearer ${tokens.all} ${tokens.all}`,
      "an empty one": "Bearer ",
      "another scheme": `Basic ${Buffer.from(`user:${tokens.all}`).toString("base64")}`,
      "no scheme": tokens.all,
      "a very long one": `Bearer ${"x".repeat(8_000)}`,
    };
    for (const [what, authorization] of Object.entries(wrong)) {
      const answer = await send("GET", `${API}/stats`, { token: null, headers: { authorization } });
      expect(problemCode(answer, 401, what)).toBe("TOKEN_INVALID");
      expect(answer.headers["www-authenticate"]).toBe('Bearer realm="whetstone"');
    }
  });

  it("are not taken from the address, a cookie or another header", async () => {
    const { send } = await attackedServer();
    problemCode(await send("GET", `${API}/stats?token=${tokens.all}&access_token=${tokens.all}`, { token: null }), 401);
    const headers = {
      cookie: `token=${tokens.all}`,
      "x-api-key": tokens.all,
      "proxy-authorization": `Bearer ${tokens.all}`,
    };
    problemCode(await send("GET", `${API}/stats`, { token: null, headers }), 401);
  });

  it("that are guessed in a flood are held up, and the right one passes all the same", async () => {
    const { send, cost, printed } = await attackedServer();
    const statuses = new Map<number, number>();
    for (let round = 0; round < 20; round += 1) {
      const guesses = Array.from({ length: 50 }, () => send("GET", `${API}/stats`, { token: createAccessToken() }));
      for (const { status, headers } of await Promise.all(guesses)) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 429) expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      }
      expect((await send("GET", `${API}/stats`, { token: tokens.read })).status).toBe(200);
    }
    console.info("1000 guesses:", Object.fromEntries(statuses));
    expect(Object.fromEntries(statuses)).toEqual({ 401: 10, 429: 990 });
    expect(problemCode(await send("GET", `${API}/stats`, { token: "x" }), 429)).toBe("TOO_MANY_GUESSES");
    expect(printed()).toBe("");
    expect((await cost("1000 guesses")).grownMb).toBeLessThan(150);
  });
});

describe("other hosts and pages", () => {
  const own = (url: string) => new URL(url).host;

  it("are refused by Host", async () => {
    const { url, send, raw } = await attackedServer();
    const port = new URL(url).port;
    for (const host of ["127.0.0.1", `localhost:${port}`, "LOCALHOST", "[::1]:8000"]) {
      expect((await send("GET", `${API}/stats`, { headers: { host } })).status).toBe(200);
    }
    const foreign = ["evil.example", `evil.example:${port}`, "localhost.evil.example", "127.0.0.1.evil.example"];
    foreign.push(
      "127.0.0.2",
      "0.0.0.0",
      "2130706433",
      "0x7f.1",
      "[::ffff:127.0.0.1]",
      "localhost.",
      "127.0.0.1:",
      "user@localhost",
    );
    for (const host of foreign) {
      for (const path of ["/health", "/docs", "/openapi.json", `${API}/stats`, "/nothing"]) {
        const answer = await send("GET", path, { headers: { host } });
        // Some are no host at all, and are refused before the list is asked.
        expect([403, 400]).toContain(answer.status);
        expect(["HOST_FORBIDDEN", "REQUEST_UNREADABLE"]).toContain(problemCode(answer, answer.status, host));
      }
    }
    // The absolute form names a host of its own; the header decides.
    const absolute = await raw(
      `GET http://localhost${API}/stats HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    );
    expect(absolute.status).toBe(403);
    expect((await raw(`GET /health HTTP/1.1\r\nConnection: close\r\n\r\n`)).status).toBe(400);
  });

  it("are refused by Origin and by what a browser says of its page", async () => {
    const { url, send } = await attackedServer();
    const pages = [
      "https://evil.example",
      "http://evil.example",
      "null",
      "http://localhost.evil.example",
      "file://",
      "",
    ];
    pages.push(
      `http://localhost:1`,
      `https://evil.example@${own(url)}`,
      `${url}.evil.example`,
      "chrome-extension://abc",
      `${url}/`,
    );
    for (const origin of pages) {
      for (const method of ["GET", "POST", "DELETE", "OPTIONS", "HEAD"]) {
        const answer = await send(method, `${API}/stats`, { headers: { origin } });
        expect(answer.status, `${method} from ${origin}`).toBe(403);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
    }
    expect((await send("GET", `${API}/stats`, { headers: { origin: url } })).status).toBe(200);
    for (const site of ["cross-site", "same-site"]) {
      const headers = { "sec-fetch-site": site, "sec-fetch-mode": "no-cors" };
      expect(problemCode(await send("GET", `${API}/stats`, { headers }), 403)).toBe("ORIGIN_FORBIDDEN");
      problemCode(
        await send("POST", `${API}/dataset/sft`, { headers: { ...headers, "sec-fetch-mode": "navigate" } }),
        403,
      );
    }
    expect(
      (
        await send("GET", "/docs", {
          token: null,
          headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
        })
      ).status,
    ).toBe(200);
  });

  it("get no leave from a preflight", async () => {
    const { url, send } = await attackedServer();
    const asks = {
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type",
    };
    for (const { path } of await routes()) {
      const foreign = await send("OPTIONS", path, {
        token: null,
        headers: { origin: "https://evil.example", ...asks },
      });
      expect(problemCode(foreign, 403, path)).toBe("ORIGIN_FORBIDDEN");
      const same = await send("OPTIONS", path, { token: null, headers: { origin: url, ...asks } });
      expect([401, 405]).toContain(same.status);
      for (const { headers } of [foreign, same]) {
        expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
      }
    }
  });
});
