import { createHmac } from "node:crypto";

const PSEUDONYM = /^u:[0-9a-f]{32}$/;

/** What a store keeps instead of a user id: `u:` and 128 bits of HMAC-SHA256 with the store's salt. A pseudonym stays as it is. */
export function pseudonym(userId: string, salt: string): string {
  if (PSEUDONYM.test(userId)) return userId;
  return `u:${createHmac("sha256", salt).update(userId).digest("hex").slice(0, 32)}`;
}
