import { createHash } from "node:crypto";

/** Keeps what a judge said of what it was shown, as text. Bring your own to share it between processes. */
export interface JudgeCache {
  get(key: string): Promise<string | null | undefined> | string | null | undefined;
  set(key: string, value: string): Promise<void> | void;
}

/** A cache in this process: the verdicts used last, at most so many. */
export function judgeCache(maxEntries = 10_000): JudgeCache {
  const entries = new Map<string, string>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
    },
  };
}

/** A hash of everything that a verdict depends on. */
export function contentKey(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
