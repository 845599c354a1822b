import { randomFillSync } from "node:crypto";
import { HEX } from "./hex-words.js";

/**
 * A new id: UUIDv7 (RFC 9562, section 5.7) whose time part is the record's timestamp, so that the id alone tells on
 * which day the record lies. 74 random bits follow. Calls no built-in but the source of randomness, for a program may
 * have replaced them.
 */
export function newInteractionId(timestamp: number): string {
  if (timestamp !== prefixTime) {
    const hex = (bits: number) => HEX[(timestamp / 2 ** bits) & 255];
    prefix = `${hex(40)}${hex(32)}${hex(24)}${hex(16)}-${hex(8)}${hex(0)}-7`;
    prefixTime = timestamp;
  }
  if (next === POOL) {
    randomFillSync(pool);
    next = 0;
  }
  const at = next;
  next += 10;
  return (
    prefix +
    lowDigitOf(at) +
    hexOf(at + 1) +
    "-" +
    VARIANT[byte(at + 2) & 3] +
    lowDigitOf(at + 3) +
    hexOf(at + 2) +
    "-" +
    hexOf(at + 4) +
    hexOf(at + 5) +
    hexOf(at + 6) +
    hexOf(at + 7) +
    hexOf(at + 8) +
    hexOf(at + 9)
  );
}

/** The time inside an id of UUIDv7 form, in epoch milliseconds; null for an id of another form. */
export function idTime(interactionId: string): number | null {
  if (interactionId.length !== 36 || interactionId.charCodeAt(14) !== 0x37) return null;
  let time = 0;
  for (let i = 0; i < 36; i++) {
    const code = interactionId.charCodeAt(i);
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (code !== 0x2d) return null;
      continue;
    }
    const digit = code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
    // The variant of RFC 9562 is 8, 9, a or b.
    if (digit < 0 || (i === 19 && digit >> 2 !== 2)) return null;
    if (i < 13) time = time * 16 + digit;
  }
  return time;
}

const DIGITS = Array.from({ length: 16 }, (_, value) => value.toString(16));
const VARIANT = ["8", "9", "a", "b"];
const POOL = 2560;
const pool = new Uint8Array(POOL);
let next = POOL;
let prefix = "";
let prefixTime = -1;

const byte = (at: number): number => pool[at] as number;
const hexOf = (at: number): string => HEX[byte(at)] as string;
const lowDigitOf = (at: number): string => DIGITS[byte(at) & 15] as string;
