import { onTestFinished } from "vitest";
import {
  type FakeOpenAiReply,
  type FakeOpenAiRequest,
  type FakeOpenAiServer,
  fakeOpenAiServer,
} from "../testing/openai-server.js";
import type { JudgeOptions } from "./judge-options.js";
import type { Rubric } from "./rubrics.js";

/** The smallest rubric there can be. */
export const TINY: Rubric = {
  id: "tiny",
  task: "The agent answered.",
  criteria: [{ id: "quality", description: "1: good" }],
};

/** A real server on loopback that plays the judge, and the options that lead to it. It ends with the test. */
export async function fakeJudge(
  reply: (nonce: string, request: FakeOpenAiRequest, index: number) => FakeOpenAiReply | Promise<FakeOpenAiReply>,
): Promise<{ readonly server: FakeOpenAiServer; readonly options: JudgeOptions }> {
  const server = await fakeOpenAiServer((request, index) => reply(nonceIn(request), request, index));
  onTestFinished(() => server.close());
  return { server, options: { model: "m", baseURL: server.baseURL, apiKey: "k", maxRetries: 0 } };
}

/** What a model reads in its instructions. */
export function nonceIn(request: FakeOpenAiRequest): string {
  return /"nonce": "(\w+)"/.exec(messagesOf(request).at(0)?.content ?? "")?.[1] ?? "";
}

/** The text between the fences of a name. */
export function partIn(request: FakeOpenAiRequest, name: string): string {
  const material = messagesOf(request).at(1)?.content ?? "";
  return new RegExp(`BEGIN (\\w{24}) ${name}\\n([^]*?)\\nEND \\1 ${name}`).exec(material)?.[2] ?? "";
}

/** The whole text of a request. */
export function textOf(request: FakeOpenAiRequest): string {
  return messagesOf(request)
    .map(({ content }) => content)
    .join("\n");
}

/** A verdict by the `TINY` rubric. */
export function verdict(nonce: string, quality: unknown = 0.25): string {
  return JSON.stringify({ nonce, rationale: "because", quality });
}

function messagesOf({ body }: FakeOpenAiRequest): readonly { readonly content: string }[] {
  return (body.messages ?? []) as readonly { readonly content: string }[];
}
