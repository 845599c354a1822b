/** Longest line that is read; a longer one is passed over without being kept. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

/** A line of a byte stream. Lines count from 1. */
export interface Line {
  readonly number: number;
  /** Null when it is longer than we read. */
  readonly bytes: Buffer | null;
  /** Whether a newline ends it. */
  readonly ended: boolean;
  /** The compressed data ends or breaks here. */
  readonly damaged?: boolean;
}

/** Splits a byte stream at newlines, in constant memory. Not readline, which splits at U+2028 too. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let held = 0;
  let number = 1;
  const take = (part: Buffer) => {
    held += part.length;
    if (held <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  };
  const line = (ended: boolean): Line => {
    const bytes = held > MAX_LINE_BYTES ? null : parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = [];
    held = 0;
    return { number: number++, bytes, ended };
  };
  try {
    for await (const chunk of chunks) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        take(chunk.subarray(start, end));
        yield line(true);
        start = end + 1;
      }
      if (start < chunk.length) take(chunk.subarray(start));
    }
  } catch (error) {
    // A gzip file that was cut short or damaged: what was read before counts, and the rest is one bad row.
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!code.startsWith("Z_")) throw error;
    yield { ...line(false), damaged: true };
    return;
  }
  if (held > 0) yield line(false);
}
