import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** What an endpoint was asked. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly authorization: string | undefined;
}

/**
 * Starts a server that speaks OpenAI's chat completions: it answers with what `reply` makes of a request, a text or a
 * status. Returns its base URL and the requests it got.
 */
export async function judgeEndpoint(
  reply: (request: ChatRequest) => string | number,
): Promise<{ readonly baseUrl: string; readonly requests: readonly ChatRequest[] }> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const { model, messages } = JSON.parse(await textOf(incoming));
    const request = { model, messages, authorization: incoming.headers.authorization };
    requests.push(request);
    const content = reply(request);
    response.setHeader("content-type", "application/json");
    if (typeof content === "number") {
      response.statusCode = content;
      response.end(JSON.stringify({ error: { message: `status ${content}`, type: "error" } }));
      return;
    }
    const choice = { index: 0, finish_reason: "stop", message: { role: "assistant", content } };
    response.end(JSON.stringify({ id: "c", object: "chat.completion", created: 0, model, choices: [choice] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming) text += chunk;
  return text;
}
