/** The two hex digits of each byte. */
export const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The eight hex digits of 32 bits, byte by byte: numbers beyond 31 bits take V8 several times as long to write. */
export const hex = (bits: number): string =>
  `${HEX[bits >>> 24]}${HEX[(bits >>> 16) & 255]}${HEX[(bits >>> 8) & 255]}${HEX[bits & 255]}`;

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
