import { lookup as systemLookup } from "node:dns";
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { Readable } from "node:stream";
import { ConfigError } from "../errors.js";
import { checkEndpoint, isForbiddenAddress } from "./judge-endpoint.js";

/**
 * A `fetch` for judges. The address is checked where the connection is made, so a name that resolves to a link-local or
 * metadata address is refused, however often it changes its mind; redirects are refused, too.
 */
export function judgeFetch(lookup: typeof systemLookup = systemLookup): typeof fetch {
  // Agents of our own: a connection that somebody else opened was not checked.
  const agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };
  const checked = checkedLookup(lookup);

  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const url = new URL(input instanceof Request ? input.url : input);
      checkEndpoint(url.href);
      const isSecure = url.protocol === "https:";
      const headers = Object.fromEntries(new Headers(init?.headers));
      const request: ClientRequest = (isSecure ? httpsRequest : httpRequest)(url, {
        method: init?.method ?? "GET",
        headers: { ...headers, "accept-encoding": "identity" },
        agent: agents[isSecure ? "https:" : "http:"],
        lookup: checked,
      });
      const signal = init?.signal;
      const onAbort = () => request.destroy(abortError(signal));
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
      request.on("close", () => signal?.removeEventListener("abort", onAbort));
      request.on("error", reject);
      request.on("response", (incoming) => {
        const status = incoming.statusCode ?? 0;
        if (status >= 300 && status < 400) {
          request.destroy();
          reject(new Error("redirect refused"));
          return;
        }
        signal?.addEventListener("abort", () => incoming.destroy(abortError(signal)), { once: true });
        resolve(responseOf(incoming, status));
      });
      // The client sends JSON, as text.
      request.end(typeof init?.body === "string" ? init.body : undefined);
    });
}

/** Resolves as the system does, and refuses the name when one of its addresses is forbidden. */
export function checkedLookup(lookup: typeof systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "", 0);
      const forbidden = addresses.find(({ address }) => isForbiddenAddress(address));
      if (forbidden) {
        const why = `${hostname} resolves to ${forbidden.address}, a link-local or metadata address: no judge lives there`;
        return callback(new ConfigError(why) as NodeJS.ErrnoException, "", 0);
      }
      const [first] = addresses;
      if (options.all || !first) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

function responseOf(incoming: IncomingMessage, status: number): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""]) headers.append(name, one);
  }
  const isEmpty = status === 204 || status === 205;
  const body = isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText: incoming.statusMessage ?? "", headers });
}

function abortError(signal: AbortSignal | null | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error("aborted");
}
