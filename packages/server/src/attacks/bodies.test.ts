import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { memoryStore } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { createApp } from "../app.js";
import { type Answer, attackedServer } from "../testing/attacked-server.js";
import { API, tokens } from "../testing/server-fixture.js";
import { problemCode } from "./problem-answer.js";

const QUERY = `${API}/interactions/query`;

describe("hostile bodies", () => {
  it("of another type are refused, whatever they hold", async () => {
    const { send, cost } = await attackedServer();
    const body = JSON.stringify({ limit: 1 });
    const types = ["text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];
    types.push(
      "application/jsonp",
      "application/ld+json",
      "application/json; charset=utf-16",
      "application/json, text/plain",
    );
    types.push("text/plain;application/json", "application/json;x=y", "application/ json", "*/*", "json", "");
    types.push("application/json; charset=utf-8; charset=utf-7", `application/json;${"x".repeat(4_000)}`);
    for (const type of types) {
      const answer = await send("POST", QUERY, { body, headers: { "content-type": type } });
      expect(problemCode(answer, 415, type)).toBe("BODY_NOT_JSON");
    }
    for (const type of [
      "application/json",
      "APPLICATION/JSON",
      "application/json; charset=utf-8",
      "application/json;charset=UTF-8",
    ]) {
      expect((await send("POST", QUERY, { body, headers: { "content-type": type } })).status).toBe(200);
    }
    await cost("content types");
  });

  it("that are compressed are refused before one byte of them is unpacked", async () => {
    const { send, cost } = await attackedServer();
    const bomb = Buffer.alloc(100_000_000, " ");
    const packed = {
      gzip: gzipSync(bomb),
      deflate: deflateSync(bomb),
      br: brotliCompressSync(Buffer.alloc(1_000_000, " ")),
    };
    for (const [encoding, body] of Object.entries(packed)) {
      for (let i = 0; i < 20; i += 1) {
        const answer = await send("POST", QUERY, { body, headers: { "content-encoding": encoding } });
        expect(problemCode(answer, 415, encoding)).toBe("BODY_ENCODED");
      }
    }
    for (const encoding of ["gzip, gzip", "GZIP", "x-gzip", "zstd", "identity, gzip", "aws-chunked"]) {
      problemCode(await send("POST", QUERY, { body: "{}", headers: { "content-encoding": encoding } }), 415, encoding);
    }
    // Unnamed, it is not JSON.
    problemCode(await send("POST", QUERY, { body: packed.gzip }), 400);
    expect((await cost("gzip bombs of 100 MB")).grownMb).toBeLessThan(150);
  });

  it("of 100 MB are refused at 1 MiB, announced or not", async () => {
    const { url, send, raw, cost } = await attackedServer();
    const head = (more: string) => request(`Content-Type: application/json\r\n${more}`);
    expect(problemCode(await raw(head("Content-Length: 104857600\r\n\r\n{")), 413)).toBe("BODY_TOO_LARGE");
    const chunked = await flood(url, head("Transfer-Encoding: chunked\r\n\r\n"), 100);
    console.info(`sent of 100 MB before it was refused: ${Math.round(chunked.sent / 1e6)} MB`);
    expect(problemCode(chunked.answer, 413)).toBe("BODY_TOO_LARGE");
    const lied = await flood(url, head("Content-Length: 1000000\r\n\r\n"), 0.5);
    expect(lied.answer.status).toBeLessThan(500);
    problemCode(await send("POST", QUERY, { body: `"${"x".repeat(1_048_575)}"` }), 413);
    // Just within the limit, it is read, and found wrong.
    problemCode(await send("POST", QUERY, { body: `"${"x".repeat(1_048_570)}"` }), 400);
    const many = await Promise.all(
      Array.from({ length: 20 }, () => flood(url, head("Transfer-Encoding: chunked\r\n\r\n"), 20)),
    );
    // Whoever goes on sending half a second after the answer is cut off, and may lose it: RFC 9112, section 9.6.
    const statuses = many.map(({ answer }) => answer.status);
    expect(statuses.filter((status) => status !== 413 && status !== 0)).toEqual([]);
    expect(statuses.filter((status) => status === 413).length).toBeGreaterThan(10);
    expect((await cost("bodies of 100 MB")).grownMb).toBeLessThan(150);
  });

  it("100,000 levels deep are refused, also where a field may hold anything", async () => {
    const { send, cost, printed } = await attackedServer();
    const deep = { "[": 100_000, '{"a":': 100_000, '[{"a":': 50_000, "[[[],": 100_000 };
    for (const [level, count] of Object.entries(deep)) {
      const body = level.repeat(count);
      expect(problemCode(await send("POST", QUERY, { body }), 400, level)).toBe("BODY_TOO_DEEP");
      const metadata = `{"query":"q","answer":"a","agent_type":"x","metadata":{"m":${body}`;
      expect(problemCode(await send("POST", `${API}/interactions`, { body: metadata }), 400, level)).toBe(
        "BODY_TOO_DEEP",
      );
    }
    const level32 = `{"query":"q","answer":"a","agent_type":"x","metadata":${'{"a":'.repeat(31)}1${"}".repeat(31)}}`;
    expect((await send("POST", `${API}/interactions`, { body: level32 })).status).toBe(201);
    expect(printed()).toBe("");
    expect((await cost("100,000 levels")).grownMb).toBeLessThan(150);
  });

  it("that readers would understand differently are refused", async () => {
    const { send, cost } = await attackedServer();
    const bodies = [
      '{"limit":1,"limit":2}',
      '{"limit":1,"\\u006cimit":2}',
      '{"a":{"b":1,"b":1}}',
      '{"__proto__":{"polluted":1}}',
      '{"\\u005f_proto__":{"polluted":1}}',
      '{"metadata":{"__proto__":{"polluted":1}}}',
      '{"limit":1}{"limit":2}',
      '{"limit":1,}',
      "{'limit':1}",
      "{limit:1}",
      '{"limit":01}',
      '{"limit":+1}',
      '{"limit":.5}',
      '{"limit":NaN}',
      '{"limit":Infinity}',
      '{"limit":0x10}',
      '// c\n{"limit":1}',
      '{"limit":1}\0',
      "[1",
      '{"a":"\n"}',
      '{"\\ud83d',
      '"',
      "\\",
      ")]}'",
    ];
    for (const body of bodies) problemCode(await send("POST", QUERY, { body }), 400, body);
    problemCode(await send("POST", QUERY, { body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) }), 400, "no UTF-8");
    problemCode(await send("POST", QUERY, { body: Buffer.from('{"limit":1}', "utf16le") }), 400, "UTF-16");
    const names = { constructor: { prototype: { polluted: 1 } }, prototype: 1, toString: 1, hasOwnProperty: 1 };
    for (const [name, value] of Object.entries(names)) {
      problemCode(await send("POST", QUERY, { body: JSON.stringify({ [name]: value }) }), 400, name);
    }
    for (const agent of ["__proto__", "constructor", "prototype"]) {
      const body = JSON.stringify({ query: "q", answer: "a", agent_type: agent, metadata: names });
      expect((await send("POST", `${API}/interactions`, { body })).status).toBe(201);
    }
    const stats = JSON.parse((await send("GET", `${API}/stats`)).text) as { agent_stats: object };
    expect(Object.keys(stats.agent_stats)).toEqual(expect.arrayContaining(["__proto__", "constructor", "prototype"]));
    expect((await cost("JSON of two minds")).polluted).toBe(false);
  });

  it("that never come to an end are given up", async () => {
    const { url, cost, send } = await attackedServer();
    const slow = Array.from({ length: 30 }, () =>
      trickle(url, request("Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{")),
    );
    // Others are answered meanwhile.
    expect((await send("GET", `${API}/stats`)).status).toBe(200);
    const answers = await Promise.all(slow);
    for (const answer of answers) expect(problemCode(answer, 408)).toBe("BODY_TOO_SLOW");
    await cost("30 slow bodies");
  });

  it("that are no HTTP get a problem too", async () => {
    const { raw } = await attackedServer();
    expect(problemCode(await raw("hello\r\n\r\n"), 400)).toBe("REQUEST_UNREADABLE");
    problemCode(await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(100_000)}\r\n\r\n`), 431);
    problemCode(
      await raw(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ),
      400,
    );
    problemCode(await raw("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"), 400);
  });
});

describe("absurd values", () => {
  it("in every field of every body are refused or harmless", async () => {
    const { send, cost, printed, dataRoot } = await attackedServer();
    const { paths, components } = JSON.parse(
      await (await createApp({ store: memoryStore(), tokens: tokens.all }).request("/openapi.json")).text(),
    ) as Document;
    const tally = new Map<number, number>();
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { requestBody }] of Object.entries(methods)) {
        const schema = resolved(requestBody?.content["application/json"].schema, components);
        for (const variant of schema?.oneOf ?? (schema ? [schema] : [])) {
          for (const [name, field] of Object.entries(variant.properties ?? {})) {
            for (const literal of ABSURD) {
              const body = bodyWith(path, name, literal);
              const answer = await send(method.toUpperCase(), path.replace("{interaction_id}", "test-1"), { body });
              tally.set(answer.status, (tally.get(answer.status) ?? 0) + 1);
              const what = `${path} ${body.slice(0, 100)}`;
              if (answer.status >= 300) problemCode(answer, answer.status, what);
              expect(answer.status, what).toBeLessThan(500);
              if (isNumeric(field)) expect(`${what} ${answer.status}`).toBe(`${what} 400`);
            }
          }
        }
      }
    }
    for (const text of ["1e308", "-1", "NaN", "Infinity", "0x10", "1,5", " 7", "7 ", "", "[]", "9".repeat(400), "٣"]) {
      problemCode(await send("GET", `${API}/dataset/stats?days_back=${encodeURIComponent(text)}`), 400, text);
      problemCode(
        await send("DELETE", `${API}/interactions/cleanup?days_to_keep=${encodeURIComponent(text)}`),
        400,
        text,
      );
    }
    console.info("absurd values in every field:", Object.fromEntries(tally));
    expect(printed()).toBe("");
    expect(readdirSync(dataRoot)).toEqual(["5"]); // a good name for a folder
    const { grownMb, polluted } = await cost("absurd values");
    expect([grownMb < 150, polluted]).toEqual([true, false]);
  });

  it("in every setting of a script are refused or harmless", async () => {
    const { send, printed } = await attackedServer();
    const { components } = JSON.parse(
      await (await createApp({ store: memoryStore(), tokens: tokens.all }).request("/openapi.json")).text(),
    ) as Document;
    const settings = Object.keys(components.schemas.TrainingConfig?.properties ?? {});
    expect(settings.length).toBeGreaterThan(30);
    const hostile = [...ABSURD, JSON.stringify('x"\nimport os\nos.system("id")'), '"{{constructor}}"', '"\\u2028"'];
    for (const name of settings) {
      for (const literal of hostile) {
        const body = `{"script_type":"sft","dataset_path":"d","config":{"${name}":${literal}}}`;
        const answer = await send("POST", `${API}/script/generate`, { body });
        if (answer.status !== 200) problemCode(answer, 400, body);
        else expect(JSON.parse(answer.text).script).not.toMatch(/^os\.system/m);
      }
    }
    expect(printed()).toBe("");
  });
});

const ABSURD = [
  "1e999",
  "-1e308",
  "-1",
  "-0.5",
  "1e308",
  "[]",
  "{}",
  "true",
  '"5"',
  '"\\u0000"',
  '"\\ud800"',
  `"${"x".repeat(1_000)}"`,
];

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly oneOf?: readonly Schema[];
}

interface Document {
  readonly paths: Record<
    string,
    Record<string, { requestBody?: { content: { "application/json": { schema: Schema } } } }>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

function resolved(schema: Schema | undefined, components: Document["components"]): Schema | undefined {
  const name = schema?.$ref?.split("/").at(-1);
  return name === undefined ? schema : components.schemas[name];
}

function isNumeric({ type }: Schema): boolean {
  return [type].flat().some((name) => name === "number" || name === "integer");
}

/** A body in which only one field is absurd. */
function bodyWith(path: string, name: string, literal: string): string {
  const needed: Record<string, Record<string, unknown>> = {
    "/api/v1/training/interactions": { query: "q", answer: "a", agent_type: "math" },
    "/api/v1/training/interactions/{interaction_id}/feedback": { type: "rating", value: 0.5 },
    "/api/v1/training/script/generate": { script_type: "sft", dataset_path: "d" },
  };
  const { [name]: _, ...others } = needed[path] ?? {};
  return JSON.stringify({ ...others, [name]: "HERE" }).replace('"HERE"', () => literal);
}

function request(headers: string): string {
  return `POST ${QUERY} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokens.all}\r\n${headers}`;
}

/** Sends up to so many MB in chunks, and stops where the server does. */
async function flood(
  url: string,
  head: string,
  megabytes: number,
): Promise<{ readonly answer: Answer; readonly sent: number }> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let [text, sent, isOpen] = ["", 0, true];
  socket.on("data", (chunk) => (text += chunk.toString()));
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      isOpen = false;
      resolve();
    });
  });
  socket.write(head);
  const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
  while (isOpen && text === "" && sent < megabytes * 1e6) {
    sent += 65_536;
    if (!socket.write(chunk))
      await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed, sleep(200)]);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.race([closed, sleep(12_000)]);
  socket.destroy();
  return { answer: answerOf(text), sent };
}

/** Sends a byte twice a second until it is answered. */
async function trickle(url: string, head: string): Promise<Answer> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(head));
  let text = "";
  const timer = setInterval(() => socket.write(" "), 500);
  socket.on("data", (chunk) => (text += chunk.toString()));
  socket.on("error", () => {});
  await new Promise((resolve) => socket.on("close", resolve));
  clearInterval(timer);
  return answerOf(text);
}

function answerOf(text: string): Answer {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0),
    headers: { "content-type": /content-type: (\S+)/i.exec(head)?.[1] },
    text: body,
  };
}
