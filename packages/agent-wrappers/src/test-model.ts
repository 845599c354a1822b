import { type FakeOpenAiReply, type FakeOpenAiServer, fakeOpenAiServer } from "@whetstone/core/testing";
import { afterAll, beforeAll } from "vitest";

/** What a model says to its first, second, … request. */
export type Replies = (index: number) => FakeOpenAiReply;

/** A model behind a real endpoint, there while the tests of a file run. */
export function testModel(): { readonly baseURL: string; answers(replies: Replies): void } {
  let replies: Replies = () => "";
  let server: FakeOpenAiServer | undefined;
  let first = 0;
  beforeAll(async () => {
    server = await fakeOpenAiServer((_request, index) => replies(index - first));
  });
  afterAll(() => server?.close());
  return {
    get baseURL() {
      if (!server) throw new Error("the model answers only while tests run");
      return server.baseURL;
    },
    /** Sets what it says from now on, counted anew. */
    answers(given) {
      replies = given;
      first = server?.requests.length ?? 0;
    },
  };
}
