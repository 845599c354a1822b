import type { MiddlewareHandler } from "hono";
import { RequestProblem } from "./problem.js";
import { parseStrictJson } from "./strict-json.js";

/** The largest body, in bytes. */
export const MAX_BODY = 1_048_576;
const BODY_DEADLINE_MS = 10_000;

/**
 * Reads the body under limits before anybody else does: JSON in UTF-8 only, not compressed, at most 1 MiB, complete
 * within `deadlineMs`. What follows sees the text that was checked.
 */
export function jsonBody({ deadlineMs = BODY_DEADLINE_MS }: { readonly deadlineMs?: number } = {}): MiddlewareHandler {
  return async (context, next) => {
    const { raw } = context.req;
    checkHeaders(raw.headers);
    const bytes = raw.body ? await readAll(raw.body, deadlineMs) : new Uint8Array();
    if (bytes.length > 0) {
      if (!JSON_TYPE.test(raw.headers.get("content-type") ?? "")) throw wrongType();
      const text = utf8(bytes);
      parseStrictJson(text);
      const { url, method, headers, signal } = raw;
      context.req.raw = new Request(url, { method, headers, signal, body: text });
    } else {
      const { url, method, headers, signal } = raw;
      context.req.raw = new Request(url, { method, headers, signal });
    }
    await next();
  };
}

const JSON_TYPE = /^application\/json(?: *; *charset="?utf-8"?)?$/i;

/** Refuses by what is announced, so that nothing of a hopeless body is read. */
function checkHeaders(headers: Headers): void {
  const type = headers.get("content-type");
  if (type !== null && !JSON_TYPE.test(type)) throw wrongType();
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new RequestProblem(
      { status: 415, code: "BODY_ENCODED", detail: "A compressed body is not taken: send the JSON as it is." },
      { "accept-encoding": "identity", ...CLOSE },
    );
  }
  if (Number(headers.get("content-length") ?? 0) > MAX_BODY) throw tooLarge();
}

async function readAll(body: ReadableStream<Uint8Array>, deadlineMs: number): Promise<Uint8Array> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  const tooSlow = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(reject, deadlineMs, slow(deadlineMs));
  });
  tooSlow.catch(() => {});
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), tooSlow]);
      if (done) return Buffer.concat(chunks, length);
      length += value.length;
      if (length > MAX_BODY) throw tooLarge();
      chunks.push(value);
    }
  } catch (error) {
    // Not awaited: a client that sends nothing more would keep us here.
    reader.cancel().catch(() => {});
    if (error instanceof RequestProblem) throw error;
    throw new RequestProblem({
      status: 400,
      code: "BODY_INCOMPLETE",
      detail: "The body ended before it was complete.",
    });
  } finally {
    clearTimeout(timer);
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RequestProblem({ status: 400, code: "BODY_INVALID_JSON", detail: "The body is not UTF-8." });
  }
}

/** The rest of a refused body is not worth reading for the sake of the connection. */
const CLOSE = { connection: "close" };

function wrongType(): RequestProblem {
  const detail = "Only JSON is taken: send the header Content-Type: application/json.";
  return new RequestProblem({ status: 415, code: "BODY_NOT_JSON", detail }, CLOSE);
}

function tooLarge(): RequestProblem {
  const detail = `The body is larger than ${MAX_BODY} bytes.`;
  return new RequestProblem({ status: 413, code: "BODY_TOO_LARGE", detail }, CLOSE);
}

function slow(deadlineMs: number): RequestProblem {
  const detail = `The body did not arrive within ${deadlineMs} ms.`;
  return new RequestProblem({ status: 408, code: "BODY_TOO_SLOW", detail }, CLOSE);
}
