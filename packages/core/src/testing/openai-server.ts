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
 * A server on loopback that speaks the OpenAI APIs of chat completions and of responses, streamed or not, and answers
 * what `reply` says. For tests of everything that calls a model: the client, the wire and its failures are real, only
 * the model is not.
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

function send(response: ServerResponse, { path, body: request }: FakeOpenAiRequest, reply: FakeOpenAiReply): void {
  const details = typeof reply === "string" ? { content: reply } : reply;
  const { status = 200, headers, body, misbehave } = details;
  if (misbehave === "silent") return;
  const whole = path.endsWith("/responses") ? responseObject(request, details) : chatCompletion(request, details);

  if (request.stream === true && body === undefined && status === 200 && !misbehave) {
    response.writeHead(200, { "content-type": "text/event-stream", ...headers });
    const events = whole.object === "response" ? responseEvents(whole) : chatChunks(request, details);
    for (const event of events) {
      const name = typeof event.type === "string" ? `event: ${event.type}\n` : "";
      response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
    }
    response.end(whole.object === "response" ? "" : "data: [DONE]\n\n");
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
  const failed = { error: { message: `status ${status}`, type: "fake_error" } };
  response.end(body ?? JSON.stringify(status === 200 ? whole : failed));
}

type Body = FakeOpenAiRequest["body"];
type ReplyDetails = Exclude<FakeOpenAiReply, string>;

function modelOf(request: Body): string {
  return typeof request.model === "string" ? request.model : "fake-model";
}

const CHAT_USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function chatCompletion(request: Body, { content = null, message, finishReason = "stop" }: ReplyDetails): Body {
  return {
    id: "chatcmpl-fake",
    created: 1_700_000_000,
    model: modelOf(request),
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content, ...message }, finish_reason: finishReason }],
    usage: CHAT_USAGE,
  };
}

/** The pieces of a streamed completion: text by eight characters, the arguments of tool calls by halves. */
function* chatChunks(request: Body, { content, message, finishReason = "stop" }: ReplyDetails): Generator<Body> {
  const common = {
    id: "chatcmpl-fake",
    created: 1_700_000_000,
    model: modelOf(request),
    object: "chat.completion.chunk",
  };
  const chunk = (delta: object, reason: string | null = null) => ({
    ...common,
    choices: [{ index: 0, delta, finish_reason: reason }],
  });
  const { tool_calls, ...rest } = message ?? {};
  yield chunk({ role: "assistant", content: "", ...rest });
  for (const piece of pieces(content ?? "")) yield chunk({ content: piece });
  for (const [index, { id, type, name, given }] of toolCalls(tool_calls).entries()) {
    const half = Math.ceil(given.length / 2);
    yield chunk({ tool_calls: [{ index, id, type, function: { name, arguments: given.slice(0, half) } }] });
    yield chunk({ tool_calls: [{ index, function: { arguments: given.slice(half) } }] });
  }
  yield chunk({}, finishReason);
  const { include_usage } = (request.stream_options ?? {}) as { include_usage?: boolean };
  if (include_usage) yield { ...common, choices: [], usage: CHAT_USAGE };
}

let responses = 0;

function responseObject(request: Body, { content, message, finishReason = "stop" }: ReplyDetails): Body {
  const id = `resp_fake${++responses}`;
  const text = { type: "output_text", text: content, annotations: [] };
  const refusal = { type: "refusal", refusal: message?.refusal };
  const parts = [...(typeof content === "string" ? [text] : []), ...(message?.refusal ? [refusal] : [])];
  const said = { type: "message", id: `msg_${id}`, role: "assistant", status: "completed", content: parts };
  const calls = toolCalls(message?.tool_calls).map(({ id: call_id, name, given }, i) => ({
    type: "function_call",
    id: `fc_${id}_${i}`,
    call_id,
    name,
    arguments: given,
    status: "completed",
  }));
  return {
    id,
    object: "response",
    created_at: 1_700_000_000,
    model: modelOf(request),
    status: finishReason === "length" ? "incomplete" : "completed",
    incomplete_details: finishReason === "length" ? { reason: "max_output_tokens" } : null,
    error: null,
    output: [...(parts.length > 0 ? [said] : []), ...calls],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  };
}

/** The events of a streamed response: each output item is added, filled and done. */
function* responseEvents(whole: Body): Generator<Body> {
  let sequence_number = 0;
  const event = (type: string, fields: object) => ({ type, sequence_number: sequence_number++, ...fields });
  yield event("response.created", { response: { ...whole, status: "in_progress", output: [], usage: null } });
  const output = whole.output as readonly { id: string; arguments?: string; content?: readonly { text?: string }[] }[];
  for (const [output_index, item] of output.entries()) {
    const where = { item_id: item.id, output_index };
    if (item.content) {
      yield event("response.output_item.added", {
        output_index,
        item: { ...item, status: "in_progress", content: [] },
      });
      for (const [content_index, part] of item.content.entries()) {
        const at = { ...where, content_index };
        if (part.text === undefined) continue;
        yield event("response.content_part.added", { ...at, part: { ...part, text: "" } });
        for (const delta of pieces(part.text))
          yield event("response.output_text.delta", { ...at, delta, logprobs: [] });
        yield event("response.output_text.done", { ...at, text: part.text, logprobs: [] });
        yield event("response.content_part.done", { ...at, part });
      }
    } else {
      yield event("response.output_item.added", {
        output_index,
        item: { ...item, status: "in_progress", arguments: "" },
      });
      yield event("response.function_call_arguments.delta", { ...where, delta: item.arguments });
      yield event("response.function_call_arguments.done", { ...where, arguments: item.arguments });
    }
    yield event("response.output_item.done", { output_index, item });
  }
  yield event(`response.${whole.status}`, { response: whole });
}

function pieces(text: string): readonly string[] {
  return text.match(/[\s\S]{1,8}/g) ?? [];
}

function toolCalls(given: unknown) {
  const calls = (given ?? []) as readonly {
    readonly id?: string;
    readonly type?: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
  return calls.map(({ id, type = "function", function: { name, arguments: given } }) => ({ id, type, name, given }));
}
