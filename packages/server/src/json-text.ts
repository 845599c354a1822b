import type { TypedResponse } from "hono";

/** An answer whose JSON is written already. The caller vouches that it is what the document says. */
// biome-ignore lint/suspicious/noExplicitAny: the type of a text's content cannot be inferred
export function jsonText(json: string): Response & TypedResponse<any, 200, "json"> {
  return new Response(json, { headers: { "content-type": "application/json" } }) as Response &
    // biome-ignore lint/suspicious/noExplicitAny: as above
    TypedResponse<any, 200, "json">;
}
