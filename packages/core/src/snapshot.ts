import { types } from "node:util";
import { LAST_TIME } from "./day.js";
import { INTERACTION_ID } from "./interaction.js";
import { newInteractionId } from "./interaction-id.js";
import type { Json } from "./json.js";

/** Longest text that is kept of one field, in UTF-16 units. */
export const MAX_TEXT = 262_144;
/** Values that are copied of one structure, and units of text in all of them together. */
const MAX_NODES = 10_000;
const MAX_STRUCTURE_TEXT = 1_048_576;
const MAX_DEPTH = 32;

/** A caller's interaction as it was at the time of the call. Nothing in it is the caller's own object. */
export interface Snapshot {
  readonly interactionId: string;
  /** The id was made just now, not handed in. */
  readonly newId: boolean;
  readonly timestamp: number;
  /** Copies of the caller's fields under their own names; texts by reference, for they cannot change. */
  readonly fields: Readonly<Record<string, Json>>;
  /** What the copy left out or cut, such as `answer:truncated`. */
  readonly flags: readonly string[];
  /** What it weighs in memory, about. */
  readonly bytes: number;
}

/**
 * Copies what may change later, within a budget: at most 10,000 values, 32 levels and 256 Ki units a text. Never calls
 * a getter, a proxy or `toJSON`. Returns null when `input` is no plain object.
 */
export function snapshot(input: unknown, now: number): Snapshot | null {
  if (typeof input !== "object" || input === null || types.isProxy(input)) return null;
  const fields: Record<string, Json> = {};
  const flags: string[] = [];
  let bytes = 256;
  const present = isPlain(input) ? fieldsIn(input) : ALL_FIELDS;
  for (let i = 0; i < FIELDS.length; i++) {
    if ((present & (1 << i)) === 0) continue;
    const name = FIELDS[i] as string;
    const value = ownValue(input, name);
    if (value === undefined || value === null) continue;
    if (typeof value === "string") {
      fields[name] = value.length <= MAX_TEXT ? value : cutText(value, MAX_TEXT);
      bytes += Math.min(value.length, MAX_TEXT);
      if (value.length > MAX_TEXT) flags.push(`${name}:truncated`);
      continue;
    }
    if (typeof value === "number" || typeof value === "boolean") {
      fields[name] = typeof value === "number" ? value + 0 : value;
      continue;
    }
    const budget = newBudget();
    const copy = copyValue(value, budget, []);
    bytes += 48 * (MAX_NODES - budget.nodes) + (MAX_STRUCTURE_TEXT - budget.text);
    if (copy !== undefined) fields[name] = copy;
    if (budget.changed || copy === undefined) flags.push(`${name}:changed`);
    if (budget.truncated) flags.push(`${name}:truncated`);
  }
  const timestamp = timestampOf(fields.timestamp, now, flags);
  const given = idOf(fields.interactionId, flags);
  const interactionId = given ?? newInteractionId(timestamp);
  return { interactionId, newId: given === null, timestamp, fields, flags, bytes };
}

/** A copy of one value within the same budget as a snapshot's structures. */
export function boundedCopy(value: unknown): Json {
  return copyValue(value, newBudget(), []) ?? null;
}

/** The fields of a record, in the order in which it has them. */
export const FIELDS = [
  "query",
  "answer",
  "agentType",
  "interactionId",
  "timestamp",
  "messages",
  "tools",
  "qualityScores",
  "sessionId",
  "userId",
  "latencyMs",
  "toolsUsed",
  "sources",
  "retrievalMethod",
  "errorOccurred",
  "errorMessage",
  "model",
  "variant",
  "usage",
  "reference",
  "groupId",
  "metadata",
] as const;

/**
 * Which of the fields an object has, a bit for each. Most objects have few: where all names stand in the code of one
 * function V8 answers `in` at once, while every look at a property costs as much as finding one.
 */
function fieldsIn(input: object): number {
  return (
    ("query" in input ? 1 : 0) |
    ("answer" in input ? 2 : 0) |
    ("agentType" in input ? 4 : 0) |
    ("interactionId" in input ? 8 : 0) |
    ("timestamp" in input ? 16 : 0) |
    ("messages" in input ? 32 : 0) |
    ("tools" in input ? 64 : 0) |
    ("qualityScores" in input ? 128 : 0) |
    ("sessionId" in input ? 256 : 0) |
    ("userId" in input ? 512 : 0) |
    ("latencyMs" in input ? 1024 : 0) |
    ("toolsUsed" in input ? 2048 : 0) |
    ("sources" in input ? 4096 : 0) |
    ("retrievalMethod" in input ? 8192 : 0) |
    ("errorOccurred" in input ? 16384 : 0) |
    ("errorMessage" in input ? 32768 : 0) |
    ("model" in input ? 65536 : 0) |
    ("variant" in input ? 131072 : 0) |
    ("usage" in input ? 262144 : 0) |
    ("reference" in input ? 524288 : 0) |
    ("groupId" in input ? 1048576 : 0) |
    ("metadata" in input ? 2097152 : 0)
  );
}
const ALL_FIELDS = -1;

interface Budget {
  nodes: number;
  text: number;
  changed: boolean;
  truncated: boolean;
}

const newBudget = (): Budget => ({ nodes: MAX_NODES, text: MAX_STRUCTURE_TEXT, changed: false, truncated: false });

// Taken once: a program that patches the built-ins later cannot reach into the logger.
const { getOwnPropertyDescriptor, getPrototypeOf, keys, defineProperty } = Object;
const { isArray } = Array;

/** `in` runs nobody's code when nothing but the built-in prototype stands behind an object. */
function isPlain(value: object): boolean {
  const prototype = getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function ownValue(owner: object, name: PropertyKey): unknown {
  return getOwnPropertyDescriptor(owner, name)?.value;
}

function copyValue(value: unknown, budget: Budget, ancestors: object[]): Json | undefined {
  switch (typeof value) {
    case "string":
      return copyText(value, budget);
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value + 0; // JSON has no word for minus zero
      budget.changed = true;
      return null;
    case "bigint":
      budget.changed = true;
      return -(2n ** 128n) < value && value < 2n ** 128n ? value.toString() : "[BigInt]";
    case "object":
      return value === null ? null : copyObject(value, budget, ancestors);
    default: // undefined, function, symbol: JSON has no word for them
      if (value !== undefined) budget.changed = true;
      return undefined;
  }
}

function copyObject(value: object, budget: Budget, ancestors: object[]): Json {
  budget.nodes -= 1;
  if (budget.nodes < 0 || ancestors.length >= MAX_DEPTH) {
    budget.truncated = true;
    return "[truncated]";
  }
  const opaque = opaqueName(value, ancestors);
  if (opaque !== null) {
    // A date is well told by its text; everything else lost something.
    if (!types.isDate(value)) budget.changed = true;
    return opaque;
  }
  ancestors.push(value);
  const copy = isArray(value) ? copyArray(value, budget, ancestors) : copyProperties(value, budget, ancestors);
  ancestors.pop();
  return copy;
}

function copyArray(value: readonly unknown[], budget: Budget, ancestors: object[]): Json {
  const copy: Json[] = [];
  for (let i = 0; i < value.length; i++) {
    if (spent(budget)) break;
    copy.push(copyValue(ownValue(value, i), budget, ancestors) ?? null);
  }
  return copy;
}

function copyProperties(value: object, budget: Budget, ancestors: object[]): Json {
  const copy: Record<string, Json> = {};
  // The one step without a bound: V8 lists all keys before it gives the first, also to for…in, and JavaScript has no way
  // to ask for a few. 0.1 µs a key up to 100,000 of them, 0.4 s for a million: half of what it took to make the object.
  for (const key of keys(value)) {
    if (spent(budget)) break;
    const descriptor = getOwnPropertyDescriptor(value, key);
    if (!descriptor || !("value" in descriptor)) {
      budget.changed = true;
      continue;
    }
    const inner = copyValue(descriptor.value, budget, ancestors);
    if (inner === undefined) continue;
    const name = copyText(key, budget);
    if (name === "__proto__") {
      defineProperty(copy, name, { value: inner, enumerable: true, configurable: true, writable: true });
    } else {
      copy[name] = inner;
    }
  }
  return copy;
}

function spent(budget: Budget): boolean {
  budget.nodes -= 1;
  if (budget.nodes >= 0 && budget.text > 0) return false;
  budget.truncated = true;
  return true;
}

function copyText(text: string, budget: Budget): string {
  const room = Math.min(MAX_TEXT, budget.text);
  budget.text -= Math.min(text.length, room);
  if (text.length <= room) return text;
  budget.truncated = true;
  return cutText(text, room);
}

/** What stands for an object that is not copied property by property; null when it is. */
function opaqueName(value: object, ancestors: readonly object[]): string | null {
  if (types.isProxy(value)) return "[Proxy]";
  if (ancestors.includes(value)) return "[Circular]";
  if (isPlain(value) || isArray(value)) return null;
  if (types.isDate(value)) {
    const time = Date.prototype.getTime.call(value);
    return Number.isNaN(time) ? "[Invalid Date]" : Date.prototype.toISOString.call(value);
  }
  if (types.isNativeError(value)) {
    const message = ownValue(value, "message");
    return typeof message === "string" ? message.slice(0, MAX_TEXT) : "[Error]";
  }
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return "[bytes]";
  if (types.isMap(value)) return "[Map]";
  if (types.isSet(value)) return "[Set]";
  if (types.isRegExp(value)) return "[RegExp]";
  if (types.isPromise(value)) return "[Promise]";
  return null;
}

/** A copy of the front of a text that does not keep the whole text alive. */
function cutText(text: string, length: number): string {
  return Buffer.from(text.slice(0, length), "utf16le").toString("utf16le");
}

function timestampOf(given: Json | undefined, now: number, flags: string[]): number {
  if (given === undefined) return now;
  const time = typeof given === "string" ? Date.parse(given) : given;
  if (typeof time === "number" && time >= 0 && time <= LAST_TIME) return Math.trunc(time);
  flags.push("timestamp:replaced");
  return now;
}

function idOf(given: Json | undefined, flags: string[]): string | null {
  if (typeof given === "string" && INTERACTION_ID.test(given)) return given;
  if (given !== undefined) flags.push("interactionId:replaced");
  return null;
}
