import { isIPv4 } from "node:net";
import { ConfigError } from "../errors.js";

/**
 * Refuses what a judge's address must not be: no http(s) URL, credentials in it, or a link-local or cloud metadata
 * address. Loopback and private networks are allowed, for that is where local models run.
 * @throws ConfigError naming the address without its secrets
 */
export function checkEndpoint(baseURL: string): void {
  let url: URL;
  try {
    url = new URL(baseURL);
  } catch (cause) {
    throw new ConfigError("baseURL is no URL: use a form such as http://127.0.0.1:11434/v1", { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ConfigError(`baseURL starts with ${url.protocol}: use http: or https:`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new ConfigError(`baseURL for ${url.host} carries credentials: pass the key as apiKey`);
  }
  if (isForbidden(url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, ""))) {
    throw new ConfigError(`baseURL ${url.host} is a link-local or metadata address: no judge lives there`);
  }
}

const METADATA = new Set(["metadata.google.internal", "metadata", "instance-data", "fd00:ec2::254", "100.100.100.200"]);

/** The URL parser has made every spelling of an address the canonical one, 2852039166 and 0xa9fea9fe too. */
function isForbidden(host: string): boolean {
  if (METADATA.has(host)) return true;
  if (isIPv4(host)) return host.startsWith("169.254.") || host.startsWith("0.");
  const mapped = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (mapped) {
    const high = Number.parseInt(mapped[1] ?? "", 16);
    return high === 0xa9fe || (high === 0x6464 && mapped[2] === "64c8");
  }
  return /^fe[89ab][0-9a-f]:/.test(host);
}
