/**
 * A server of its own process that takes whatever the peers send and keeps the bytes. Ends with its parent.
 * Told `down` it closes its port, `up` it listens there again, `count` it says how many calls arrived whole.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { arrivedCalls } from "./capture-payload.js";

const bodies: Buffer[] = [];
const server = createServer(take);
server.keepAliveTimeout = 60_000;
let port = 0;

process.on("disconnect", () => process.exit());
process.on("message", async (told) => {
  if (told === "down") {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
  if (told === "up") await listen();
  process.send?.(told === "count" ? arrivedCalls(bodies.map((body) => body.toString())) : port);
  if (told === "count") bodies.length = 0;
});
await listen();
process.send?.(port);

function listen(): Promise<void> {
  return new Promise((listening) => {
    server.listen(port, "127.0.0.1", () => {
      ({ port } = server.address() as AddressInfo);
      listening();
    });
  });
}

function take(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    bodies.push(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answerTo(request.url ?? "")));
  });
}

/** What the clients want to hear before they send anything. */
function answerTo(url: string): object {
  const here = `http://127.0.0.1:${port}`;
  if (url.includes("/apikey/login")) {
    return { org_info: [{ id: "org", name: "bench", api_url: here, proxy_url: here }] };
  }
  if (url.includes("/project/register")) return { project: { id: "project", name: "bench" }, org_id: "org" };
  if (url.endsWith("/info")) {
    const batch = {
      use_multipart_endpoint: true,
      size_limit: 100,
      size_limit_bytes: 20_971_520,
      scale_up_nthreads_limit: 16,
    };
    return { version: "0.12.0", batch_ingest_config: batch, instance_flags: { gzip_body_enabled: true } };
  }
  return {};
}
