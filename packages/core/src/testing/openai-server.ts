import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request, as the server received it. */
export interface FakeOpenAiRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The parsed JSON body. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the model answers: a text, or a reply that misbehaves on purpose. */
export type FakeOpenAiReply =
  | string
  | {
      /** The assistant's message, in a well-formed completion. */
      readonly content?: string | null | undefined;
      /** Merged into the message, such as `tool_calls` or `refusal`. */
      readonly message?: Readonly<Record<string, unknown>> | undefined;
      readonly finishReason?: string | undefined;
      readonly status?: number | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      /** Sent as it is, in place of a completion. */
      readonly body?: string | undefined;
      /** `silent`: no byte ever comes. `stall`: the body stops half way. `endless`: the body never stops. */
      readonly misbehave?: "silent" | "stall" | "endless" | undefined;
    };

export interface FakeOpenAiServer extends AsyncDisposable {
  /** Ends in `/v1`: what an OpenAI client takes as `baseURL`. */
  readonly baseURL: string;
  /** All requests so far, oldest first. */
  readonly requests: readonly FakeOpenAiRequest[];
  close(): Promise<void>;
}

/**
 * A server on loopback that speaks the OpenAI chat completions API, streamed or not, and answers what `reply` says.
 * For tests of everything that calls a model: the client, the wire and its failures are real, only the model is not.
 */
export async function fakeOpenAiServer(
  reply: (request: FakeOpenAiRequest, index: number) => FakeOpenAiReply | Promise<FakeOpenAiReply>,
): Promise<FakeOpenAiServer> {
  const requests: FakeOpenAiRequest[] = [];
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: `fake server: ${error}` } }));
    });
  });

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    const request = { path: incoming.url ?? "/", headers: incoming.headers, body };
    const index = requests.push(request) - 1;
    send(response, request, await reply(request, index));
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { baseURL: `http://127.0.0.1:${port}/v1`, requests, close, [Symbol.asyncDispose]: close };
}

function send(response: ServerResponse, { body: request }: FakeOpenAiRequest, reply: FakeOpenAiReply): void {
  const details = typeof reply === "string" ? { content: reply } : reply;
  const { content = null, message, finishReason = "stop", status = 200, headers, body, misbehave } = details;
  if (misbehave === "silent") return;
  const model = typeof request.model === "string" ? request.model : "fake-model";
  const common = { id: "chatcmpl-fake", created: 1_700_000_000, model };

  if (request.stream === true && body === undefined && status === 200 && !misbehave) {
    response.writeHead(200, { "content-type": "text/event-stream", ...headers });
    const chunk = (delta: object, reason: string | null) =>
      response.write(
        `data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`,
      );
    chunk({ role: "assistant", content: "", ...message }, null);
    for (const piece of (content ?? "").match(/[\s\S]{1,8}/g) ?? []) chunk({ content: piece }, null);
    chunk({}, finishReason);
    response.end("data: [DONE]\n\n");
    return;
  }

  response.writeHead(status, { "content-type": "application/json", ...headers });
  if (misbehave === "stall") {
    response.write('{"id":"chatcmpl-fake","choices":[');
    return;
  }
  if (misbehave === "endless") {
    const filler = " ".repeat(65_536);
    const more = () => {
      while (!response.destroyed && response.write(filler));
    };
    response.on("drain", more);
    more();
    return;
  }
  const failed = JSON.stringify({ error: { message: `status ${status}`, type: "fake_error" } });
  const completion = JSON.stringify({
    ...common,
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content, ...message }, finish_reason: finishReason }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
  response.end(body ?? (status === 200 ? completion : failed));
}
