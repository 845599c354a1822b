import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { policies } from "./policies.js";

/** A chat completions request, as far as the reply depends on it. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content?: string | null }[];
  readonly tools?: readonly unknown[];
  readonly authorization: string | undefined;
}

/** An assistant message in the form of the API. */
export interface Reply {
  readonly content: string | null;
  readonly tool_calls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
}

export interface LoopbackModel extends AsyncDisposable {
  readonly baseURL: string;
  readonly requests: readonly ChatRequest[];
}

/** Serves `POST /v1/chat/completions` on a port of this machine; `reply` plays the model, or gives a status to fail with. */
export async function loopbackModel(
  reply: (request: ChatRequest) => Reply | number | Promise<Reply>,
): Promise<LoopbackModel> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (incoming, outgoing) => {
    if (incoming.method !== "POST" || incoming.url !== "/v1/chat/completions") {
      outgoing.writeHead(404).end();
      return;
    }
    const body = JSON.parse(await bodyOf(incoming)) as Omit<ChatRequest, "authorization">;
    const request = { ...body, authorization: incoming.headers.authorization };
    requests.push(request);
    const replied = await reply(request);
    outgoing.setHeader("content-type", "application/json");
    if (typeof replied === "number") {
      outgoing.writeHead(replied).end(JSON.stringify({ error: { message: `refused with ${replied}` } }));
      return;
    }
    const calls = replied.tool_calls?.map(({ id, name, arguments: text }) => ({
      id,
      type: "function",
      function: { name, arguments: text },
    }));
    const completion = {
      id: `chatcmpl-${requests.length}`,
      object: "chat.completion",
      created: 1,
      model: request.model,
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: replied.content, ...(calls && { tool_calls: calls }) },
          finish_reason: calls ? "tool_calls" : "stop",
        },
      ],
      usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
    };
    outgoing.end(JSON.stringify(completion));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A model that now calls the calculator, now answers at once, and every fourth time answers wrong. */
export function mixedModel(): (request: ChatRequest) => Promise<Reply> {
  const asked = new Map<string, number>();
  return async ({ messages }) => {
    const question = messages.find(({ role }) => role === "user")?.content ?? "";
    const results = messages.filter(({ role }) => role === "tool").map(({ content }) => content);
    const { steps, answer } = await policies.planner(question);
    const last = steps.at(-1);
    if (results.length > 0) return { content: `The answer is ${results.at(-1)}.` };
    const attempt = asked.get(question) ?? 0;
    asked.set(question, attempt + 1);
    if (attempt % 4 === 3) return { content: "This looks like 0 to me.\nThe answer is 0." };
    if (attempt % 4 === 2 || !last) return { content: answer };
    const args = JSON.stringify({ expression: last.expression });
    return { content: null, tool_calls: [{ id: "call_a", name: "calculator", arguments: args }] };
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of incoming.setEncoding("utf8")) body += String(chunk);
  return body;
}
