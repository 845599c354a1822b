import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { ConfigError } from "@whetstone/core";

/** What a token may do: read what is stored, build datasets and scripts, delete, log interactions and feedback. */
export const scopes = ["read", "build", "delete", "log"] as const;

export type Scope = (typeof scopes)[number];

export interface AccessToken {
  /** At least 32 characters of A-Z a-z 0-9 and - . _ ~ + / =; `createAccessToken` makes a good one. */
  readonly token: string;
  /** Default: all. */
  readonly scopes?: readonly Scope[] | undefined;
}

/** What `createApp` takes: one token that may do everything, several with scopes, or `false` for no tokens at all. */
export type Access = string | readonly AccessToken[] | false;

/** A new token: 256 random bits. */
export function createAccessToken(): string {
  return `wst_${randomBytes(32).toString("base64url")}`;
}

/**
 * Returns the function that says what a token may do; null for a token that is none. Only hashes are kept, and every
 * one of them is compared in constant time. @throws ConfigError for tokens that could be guessed
 */
export function tokenChecker(access: Exclude<Access, false>): (token: string) => ReadonlySet<Scope> | null {
  const given: readonly AccessToken[] = typeof access === "string" ? [{ token: access }] : access;
  if (!Array.isArray(given) || given.length === 0) {
    throw new ConfigError(
      "no token is given: pass a token of createAccessToken(), or false when something in front checks who asks",
    );
  }
  const known = given.map(checkedToken);
  return (token) => {
    const digest = sha256(token);
    let found: ReadonlySet<Scope> | null = null;
    for (const { hash, granted } of known) if (timingSafeEqual(hash, digest)) found = granted;
    return found;
  };
}

function checkedToken({ token, scopes: granted = scopes }: AccessToken): { hash: Buffer; granted: ReadonlySet<Scope> } {
  // The message never shows it: it might be the real one with a blank too many.
  if (typeof token !== "string" || !TOKEN.test(token) || new Set(token).size < 10) {
    throw new ConfigError(
      "a token is too easy to guess or has odd characters: use at least 32 of A-Z a-z 0-9 - . _ ~ + / =, such as createAccessToken() gives",
    );
  }
  const unknown = granted.find((scope) => !scopes.includes(scope));
  if (unknown !== undefined || granted.length === 0) {
    throw new ConfigError(`a token has the scope ${JSON.stringify(unknown)}: choose from ${scopes.join(", ")}`);
  }
  return { hash: sha256(token), granted: new Set(granted) };
}

const TOKEN = /^[\w.~+/=-]{32,512}$/;

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
