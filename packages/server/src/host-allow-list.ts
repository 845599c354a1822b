import { ConfigError } from "@whetstone/core";

/** The names under which a machine reaches itself. */
export const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"] as const;

/**
 * Says whether a request names a host that is meant. Without this check a web page whose name is made to resolve to
 * 127.0.0.1 (DNS rebinding) could read a developer's local API.
 */
export function hostAllowList(hosts: readonly string[]): (request: Request) => boolean {
  const allowed = new Set(hosts.map(checkedHost));
  // Runtimes that build the request themselves (Next, Bun, app.request in a test) give the host in the URL only.
  return (request) => allowed.has(hostName(request.headers.get("host") ?? new URL(request.url).host));
}

function checkedHost(host: unknown): string {
  if (typeof host === "string" && HOST.test(host)) return host.toLowerCase();
  throw new ConfigError(
    `allowedHosts has ${JSON.stringify(host)}: use plain host names without a scheme or port, such as "api.example.com"`,
  );
}

const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)$/i;

function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, "");
}
