import { hash32, hash64 } from "../hash.js";
import { recordFlags } from "../index-batch.js";
import type { Interaction } from "../interaction.js";
import { PROMPT_KEY_VERSION, promptHash } from "../prompt-key.js";

/**
 * The column index beside a segment: a header of one row, then one row of 80 bytes a record, little-endian.
 * It is a cache of the segment: whatever is wrong with it is computed again from the NDJSON.
 *
 * words (32 bit): 0-1 timestamp f64 · 2-3 own overall f64, NaN unscored · 4-5 offset in the segment f64 · 6 length
 * without the line feed · 7 `IndexFlag`s · 8 agent type hash · 9 CRC-32 of the line · 10-11 promptHash · 12-13 id hash ·
 * 14-15 groupId hash · 16 user hash · 17 session hash · 18 unused · 19 check of words 0 to 18
 *
 * A record that was erased keeps a row, for offsets run on without a gap: its place, its length, `ERASED`, and no more.
 */
export const ROW_BYTES = 80;
export const ROW_WORDS = ROW_BYTES / 4;

const MAGIC = 0x58495357; // "WSIX"
const FORMAT = 1;
/** In the place of the flags. */
const ERASED = 2 ** 31;

/** Rows in memory: two views of the same bytes. */
export interface IndexRows {
  readonly count: number;
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
}

/** The first row of an index file. `erasure` is another number after each erasure of lines. */
export function headerRow(erasure = 0): Uint8Array {
  const words = new Uint32Array(ROW_WORDS);
  words[0] = MAGIC;
  words[1] = FORMAT;
  words[2] = PROMPT_KEY_VERSION;
  words[3] = erasure;
  words[ROW_WORDS - 1] = check(words, 0);
  return new Uint8Array(words.buffer);
}

/** Writes the row of one record into place `row`. */
export function writeRow(
  rows: { readonly words: Uint32Array; readonly doubles: Float64Array },
  row: number,
  interaction: Interaction,
  offset: number,
  length: number,
  crc: number,
): void {
  const { words, doubles } = rows;
  const at = row * ROW_WORDS;
  doubles[at / 2] = interaction.timestamp;
  doubles[at / 2 + 1] = interaction.qualityScores.overall ?? Number.NaN;
  doubles[at / 2 + 2] = offset;
  words[at + 6] = length;
  words[at + 7] = recordFlags(interaction);
  words[at + 8] = hash32(interaction.agentType);
  words[at + 9] = crc;
  promptHash(interaction, words, at + 10);
  hash64(interaction.interactionId, words, at + 12);
  if (interaction.groupId === undefined) words.fill(0, at + 14, at + 16);
  else hash64(interaction.groupId, words, at + 14);
  words[at + 16] = interaction.userId === undefined ? 0 : hash32(interaction.userId);
  words[at + 17] = interaction.sessionId === undefined ? 0 : hash32(interaction.sessionId);
  words[at + 18] = 0;
  words[at + 19] = check(words, at);
}

/** Writes the row of a line that was erased. */
export function writeErasedRow(
  rows: { readonly words: Uint32Array; readonly doubles: Float64Array },
  row: number,
  { offset, length, crc }: { readonly offset: number; readonly length: number; readonly crc: number },
): void {
  const { words, doubles } = rows;
  const at = row * ROW_WORDS;
  words.fill(0, at, at + ROW_WORDS);
  doubles[at / 2 + 2] = offset;
  words[at + 6] = length;
  words[at + 7] = ERASED;
  words[at + 9] = crc;
  words[at + 19] = check(words, at);
}

/** Whether the row that begins at word `at` is of an erased line. */
export function isErasedRow(words: Uint32Array, at: number): boolean {
  return words[at + 7] === ERASED;
}

/** The erasure that the header of an index file names; 0 where there is none. */
export function erasureOf(header: Buffer): number {
  return header.length < ROW_BYTES ? 0 : header.readUInt32LE(12);
}

/**
 * Reads the rows of an index file that can be trusted: in order from the start, without a gap, within the segment.
 * Returns none when the file is of another format or of another `promptKey`.
 */
export function readRows(file: Buffer, segmentBytes: number): IndexRows {
  const header = rowsOf(file.subarray(0, ROW_BYTES)).words;
  const valid = header[0] === MAGIC && header[1] === FORMAT && header[2] === PROMPT_KEY_VERSION;
  if (!valid || header[ROW_WORDS - 1] !== check(header, 0)) return emptyRows();
  return trustedRows(file.subarray(ROW_BYTES), 0, segmentBytes);
}

/** The same of rows without a header, the first of which has to begin at `offset` of the segment. */
export function trustedRows(file: Buffer, offset: number, segmentBytes: number): IndexRows {
  const { words, doubles } = rowsOf(file);
  const rows = words.length / ROW_WORDS;
  let expected = offset;
  let count = 0;
  for (; count < rows; count++) {
    const at = count * ROW_WORDS;
    if (doubles[at / 2 + 2] !== expected || words[at + 19] !== check(words, at)) break;
    expected += (words[at + 6] as number) + 1;
    if (expected > segmentBytes) break;
  }
  return { count, words, doubles };
}

/** Whole rows; copied where they do not begin at a multiple of eight, as a typed array has to. */
function rowsOf(file: Buffer): { readonly words: Uint32Array; readonly doubles: Float64Array } {
  const count = Math.floor(file.length / ROW_BYTES);
  const { buffer, byteOffset } = file.byteOffset % 8 === 0 ? file : Uint8Array.from(file);
  return {
    words: new Uint32Array(buffer, byteOffset, count * ROW_WORDS),
    doubles: new Float64Array(buffer, byteOffset, (count * ROW_WORDS) / 2),
  };
}

export function emptyRows(): IndexRows {
  return { count: 0, words: new Uint32Array(0), doubles: new Float64Array(0) };
}

/** Room for `capacity` rows. */
export function roomForRows(capacity: number): { readonly words: Uint32Array; readonly doubles: Float64Array } {
  const words = new Uint32Array(capacity * ROW_WORDS);
  return { words, doubles: new Float64Array(words.buffer) };
}

/** FNV-1a over whole words: enough to see a torn or flipped row. */
function check(words: Uint32Array, at: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + ROW_WORDS - 1; i++) hash = Math.imul(hash ^ (words[i] as number), 0x01000193);
  return hash >>> 0;
}
