import { randomFillSync } from "node:crypto";

/**
 * A new id: UUIDv7 (RFC 9562, section 5.7) whose time part is the record's timestamp, so that the id alone tells on
 * which day the record lies. 74 random bits follow.
 */
export function newInteractionId(timestamp: number): string {
  if (timestamp !== prefixTime) {
    const hex = timestamp.toString(16).padStart(12, "0");
    prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7`;
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
    (hexOf(at) + hexOf(at + 1)).slice(1) +
    "-" +
    VARIANT[byte(at + 2) & 3] +
    (hexOf(at + 3) + hexOf(at + 2)).slice(1) +
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
  // The version's place is looked at first: that spares nearly all other ids the pattern.
  if (interactionId.length !== 36 || interactionId.charCodeAt(14) !== 0x37 || !UUID_V7.test(interactionId)) return null;
  return Number.parseInt(interactionId.slice(0, 8), 16) * 65_536 + Number.parseInt(interactionId.slice(9, 13), 16);
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));
const VARIANT = ["8", "9", "a", "b"];
const POOL = 2560;
const pool = new Uint8Array(POOL);
let next = POOL;
let prefix = "";
let prefixTime = -1;

const byte = (at: number): number => pool[at] as number;
const hexOf = (at: number): string => HEX[byte(at)] as string;
