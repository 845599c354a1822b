import type { lookup as systemLookup } from "node:dns";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConfigError } from "../errors.js";
import { interaction } from "../testing/interaction.js";
import { fakeOpenAiServer } from "../testing/openai-server.js";
import { fakeJudge, TINY } from "./fake-judge.fixture.js";
import { checkEndpoint, isForbiddenAddress } from "./judge-endpoint.js";
import { judgeFetch } from "./judge-fetch.js";
import { llmJudge } from "./llm-judge.js";

/** A resolver that gives these addresses, one list a question. */
function resolver(...answers: readonly (readonly string[])[]): typeof systemLookup {
  let asked = 0;
  const lookup = (_name: string, _options: unknown, callback: (...result: unknown[]) => void) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    setImmediate(() => callback(null, found));
  };
  return lookup as unknown as typeof systemLookup;
}

async function server() {
  const started = await fakeOpenAiServer(() => "hello");
  onTestFinished(() => started.close());
  return { started, port: new URL(started.baseURL).port };
}

describe("a judge's address", () => {
  it.each([
    "http://169.254.169.254/v1",
    "http://169.254.0.1/v1",
    "http://2852039166/v1",
    "http://0xa9fea9fe/v1",
    "http://0251.0376.0251.0376/v1",
    "http://169.254.43518/v1",
    "http://[::ffff:169.254.169.254]/v1",
    "http://[::ffff:a9fe:a9fe]/v1",
    "http://[::169.254.169.254]/v1",
    "http://[64:ff9b::169.254.169.254]/v1",
    "http://[2002:a9fe:a9fe::1]/v1",
    "http://[fe80::1]/v1",
    "http://[febf::1]/v1",
    "http://[fd00:ec2::254]/v1",
    "http://[fd20:ce::254]/v1",
    "http://100.100.100.200/v1",
    "http://168.63.129.16/v1",
    "http://0.0.0.0/v1",
    "http://metadata.google.internal./v1",
    "http://METADATA.google.internal/v1",
    "http://instance-data/latest",
    "http://１６９.254.169.254/v1",
    "gopher://127.0.0.1/v1",
    "file:///etc/passwd",
  ])("is refused: %s", (url) => {
    expect(() => checkEndpoint(url)).toThrow(ConfigError);
  });

  it.each([
    "http://127.0.0.1:11434/v1",
    "http://localhost:8000/v1",
    "http://[::1]:8000/v1",
    "http://10.0.0.5/v1",
    "http://192.168.1.20:1234/v1",
    "https://api.openai.com/v1",
    "http://[fd12:3456::1]/v1",
  ])("is allowed: %s", (url) => {
    expect(() => checkEndpoint(url)).not.toThrow();
  });

  it("is told apart with a zone, too", () => {
    expect(isForbiddenAddress("fe80::1%eth0")).toBe(true);
    expect(isForbiddenAddress("2001:db8::a9fe:a9fe")).toBe(false);
  });
});

describe("the connection", () => {
  it.each([
    ["169.254.169.254", ["169.254.169.254"]],
    ["one among others", ["127.0.0.1", "169.254.169.254"]],
    ["an IPv6 form of it", ["::ffff:169.254.169.254"]],
    ["fe80::1", ["fe80::1"]],
  ])("is not made when the name resolves to %s", async (_, addresses) => {
    const { started, port } = await server();
    const fetch = judgeFetch(resolver(addresses));
    await expect(fetch(`http://judge.example:${port}/v1/x`)).rejects.toThrow("link-local or metadata address");
    expect(started.requests).toHaveLength(0);
  });

  it("is checked each time, so a name that changes its mind gains nothing", async () => {
    const { started, port } = await server();
    const fetch = judgeFetch(resolver(["127.0.0.1"], ["169.254.169.254"]));
    const url = `http://judge.example:${port}/v1/chat/completions`;
    const close = { method: "POST", body: "{}", headers: { connection: "close" } };
    expect((await fetch(url, close)).status).toBe(200);
    await expect(fetch(url, close)).rejects.toThrow("link-local or metadata address");
    expect(started.requests).toHaveLength(1);
  });

  it("carries request and reply unchanged", async () => {
    const { options, server: judge } = await fakeJudge(() => ({ status: 418, headers: { "x-tea": "yes" }, body: "ü" }));
    const response = await judgeFetch()(`${options.baseURL}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ text: "größer" }),
      headers: { "x-asked": "yes" },
    });
    expect([response.status, response.headers.get("x-tea"), await response.text()]).toEqual([418, "yes", "ü"]);
    expect(judge.requests[0]).toMatchObject({ body: { text: "größer" }, headers: { "x-asked": "yes" } });
  });

  it.each([301, 302, 303, 307, 308])("does not follow a redirect (%i)", async (status) => {
    const { started } = await server();
    const { options } = await fakeJudge(() => ({ status, headers: { location: started.baseURL }, body: "" }));
    await expect(judgeFetch()(`${options.baseURL}/chat/completions`)).rejects.toThrow("redirect");
    expect(started.requests).toHaveLength(0);
  });

  it("ends with the signal, before, during and after the headers", async () => {
    const { options } = await fakeJudge((_nonce, _request, index) => ({ misbehave: index === 0 ? "silent" : "stall" }));
    const url = `${options.baseURL}/chat/completions`;
    await expect(judgeFetch()(url, { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow("early");
    const during = AbortSignal.timeout(50);
    await expect(judgeFetch()(url, { signal: during })).rejects.toThrow();
    const after = new AbortController();
    const response = await judgeFetch()(url, { signal: after.signal });
    setTimeout(() => after.abort(new Error("late")), 20);
    await expect(response.text()).rejects.toThrow();
  });
});

it("nothing in an interaction changes where the judge is asked", async () => {
  const { started } = await server();
  const { options, server: judge } = await fakeJudge(() => "no");
  const asked = llmJudge({ ...options, rubric: TINY });
  const hostile = interaction({
    answer: `use ${started.baseURL}`,
    agentType: started.baseURL,
    model: started.baseURL,
    metadata: { baseURL: started.baseURL, base_url: started.baseURL, endpoint: started.baseURL },
    sources: [{ id: "1", url: started.baseURL, text: "x" }],
  });
  await expect(asked(hostile, {})).rejects.toThrow();
  expect([judge.requests.length, started.requests.length]).toEqual([1, 0]);
});
