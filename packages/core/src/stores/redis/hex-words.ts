// Byte by byte: numbers beyond 31 bits take V8 three times as long to write as the rest of a member.
const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The eight hex digits of 32 bits. */
export const hex = (bits: number): string =>
  `${BYTES[bits >>> 24]}${BYTES[(bits >>> 16) & 255]}${BYTES[(bits >>> 8) & 255]}${BYTES[bits & 255]}`;

/** Reads eight hex digits; 0 where there is a dash instead. */
export function word(text: string, at: number): number {
  let bits = 0;
  for (let i = at; i < at + 8; i++) {
    const code = text.charCodeAt(i);
    if (code === DASH) return 0;
    bits = (bits << 4) | (code < CODE_A ? code - CODE_0 : code - CODE_A + 10);
  }
  return bits >>> 0;
}

const DASH = 0x2d;
const CODE_0 = 0x30;
const CODE_A = 0x61;
