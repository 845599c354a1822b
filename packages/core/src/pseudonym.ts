import { createHmac } from "node:crypto";

const PSEUDONYM = /^u:[0-9a-f]{32}$/;
const REMEMBERED = 1_000;

/**
 * Makes what a store keeps instead of user ids: `u:` and 128 bits of HMAC-SHA256 with the store's salt. The same id
 * gives the same pseudonym, a pseudonym stays as it is, and the last thousand are remembered.
 */
export function pseudonymiser(salt: string): (userId: string) => string {
  const remembered = new Map<string, string>();
  return (userId) => {
    if (PSEUDONYM.test(userId)) return userId;
    const known = remembered.get(userId);
    if (known !== undefined) return known;
    const pseudonym = `u:${createHmac("sha256", salt).update(userId).digest("hex").slice(0, 32)}`;
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(userId, pseudonym);
    return pseudonym;
  };
}
