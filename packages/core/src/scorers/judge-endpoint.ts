import { BlockList, isIP } from "node:net";
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
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (METADATA_NAMES.has(host) || isForbiddenAddress(host)) {
    throw new ConfigError(`baseURL ${url.host} is a link-local or metadata address: no judge lives there`);
  }
}

/**
 * True for link-local addresses and those where clouds serve metadata, in whatever IPv6 form an IPv4 one may hide. The
 * URL parser has made every other spelling the canonical one, 2852039166 and 0xa9fea9fe too.
 */
export function isForbiddenAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return FORBIDDEN.check(address, "ipv4");
  if (family !== 6) return false;
  const bare = address.replace(/%.*$/, ""); // a zone, as in fe80::1%eth0
  if (FORBIDDEN.check(bare, "ipv6")) return true;
  const embedded = embeddedIpv4(bare);
  return embedded !== null && FORBIDDEN.check(embedded, "ipv4");
}

const METADATA_NAMES = new Set(["metadata.google.internal", "metadata.goog", "metadata", "instance-data"]);

const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet("169.254.0.0", 16, "ipv4"); // link-local: AWS, GCP, Azure, Oracle, DigitalOcean and others
FORBIDDEN.addSubnet("0.0.0.0", 8, "ipv4");
FORBIDDEN.addAddress("100.100.100.200", "ipv4"); // Alibaba
FORBIDDEN.addAddress("168.63.129.16", "ipv4"); // Azure's host
FORBIDDEN.addAddress("192.0.0.192", "ipv4"); // Oracle
FORBIDDEN.addSubnet("fe80::", 10, "ipv6");
FORBIDDEN.addAddress("fd00:ec2::254", "ipv6"); // AWS
FORBIDDEN.addAddress("fd20:ce::254", "ipv6"); // GCP

/** The IPv4 address inside a compatible (::a.b.c.d), NAT64 (64:ff9b::a.b.c.d) or 6to4 (2002:ab:cd::) address. */
function embeddedIpv4(address: string): string | null {
  const groups = ipv6Groups(address);
  const [first = 0, second = 0, third = 0] = groups;
  if (first === 0x2002) return dotted(second, third);
  const rest = groups.slice(2, 6).every((group) => group === 0);
  const isPrefixed = (first === 0x64 && second === 0xff9b) || (first === 0 && second === 0);
  // ::1 and :: are IPv6 addresses of their own.
  return rest && isPrefixed && groups[6] !== 0 ? dotted(groups[6] ?? 0, groups[7] ?? 0) : null;
}

function ipv6Groups(address: string): number[] {
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const numbers = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [left, right] = [numbers(head), numbers(tail ?? "")];
  return [...left, ...new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right];
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
