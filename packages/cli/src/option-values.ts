import { InvalidArgumentError } from "commander";
import { count } from "./counted.js";

/** Reads a whole number from `least` on, up to `most` where that is given. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} on` : `${least} to ${count(most)}`;
    throw new InvalidArgumentError(`Give a whole number from ${range}.`);
  };
}

/** Reads a share or a score, from 0 to 1. */
export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Give a number from 0 to 1.");
}

/** Reads how many at most, from 1 on; `none` is no limit. */
export function limit(text: string): number {
  if (text === "none") return Infinity;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 on, or "none".');
}

/** Reads weights by name, such as `math=3,code=1`. */
export function weights(text: string): ReadonlyMap<string, number> {
  const parts = text.split(",").map((part) => /^\s*([^=]+?)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part));
  const pairs = parts.map((part) => [part?.[1] ?? "", Number(part?.[2])] as const);
  const read = new Map(pairs);
  if (read.size > 1 && read.size === pairs.length && pairs.every(([name, weight]) => name !== "" && weight > 0))
    return read;
  throw new InvalidArgumentError("Give two agent types or more with a weight above 0 each, such as math=3,code=1.");
}

/** Collects a repeatable option; commas separate too. */
export function list(text: string, earlier: readonly string[] = []): readonly string[] {
  const values = text
    .split(",")
    .map((value) => value.trim())
    .filter((value) => value !== "");
  if (values.length === 0) throw new InvalidArgumentError("Give at least one value.");
  return [...earlier, ...values];
}

/** Reads a point in time: ISO 8601, or how long ago (`90m`, `36h`, `7d`, `2w`). */
export function pointInTime(now: () => number): (text: string) => number {
  return (text) => {
    const ago = /^(\d{1,6})(m|h|d|w)$/.exec(text);
    if (ago) return now() - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0);
    const iso = ISO.exec(text);
    // A time without a zone is UTC, as everything we print, and not whatever zone this machine is in.
    const time = iso ? Date.parse(iso[1] && !iso[4] ? `${text}Z` : text) : Number.NaN;
    if (!Number.isNaN(time)) return time;
    throw new InvalidArgumentError('Give a date such as "2026-01-31" or "2026-01-31T08:00Z", or an age such as "7d".');
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
