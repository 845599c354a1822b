import { join } from "node:path";
import { type Annotation, annotationKey, annotationSchema } from "../annotation.js";
import { hash64 } from "../hash.js";
import { listAnnotationFiles, readRange } from "./journal-files.js";

/** The annotations of one day's records, the newest of each source and kind. Grows with the files it reads. */
export interface DayAnnotations {
  /** Reads what was appended since the last call. */
  refresh(): void;
  readonly size: number;
  /** All that was said of a record, or undefined. */
  of(interactionId: string): readonly Annotation[] | undefined;
  /** The same by the hash of the id, for those who have only the index. */
  ofHash(high: number, low: number): readonly Annotation[] | undefined;
}

export function dayAnnotations(folder: string, day: string): DayAnnotations {
  const byId = new Map<number, Annotation[]>();
  const offsets = new Map<string, number>();
  const words = new Uint32Array(2);

  function keyOf(interactionId: string): number {
    hash64(interactionId, words, 0);
    return key53(words[0] as number, words[1] as number);
  }

  function add(annotation: Annotation): void {
    const key = keyOf(annotation.interactionId);
    const known = byId.get(key);
    if (!known) {
      byId.set(key, [annotation]);
      return;
    }
    const slot = annotationKey(annotation);
    const older = known.findIndex(
      (other) => other.interactionId === annotation.interactionId && annotationKey(other) === slot,
    );
    if (older < 0) known.push(annotation);
    else if ((known[older] as Annotation).at <= annotation.at) known[older] = annotation;
  }

  return {
    refresh() {
      for (const { name, bytes } of listAnnotationFiles(folder, day)) {
        const from = offsets.get(name) ?? 0;
        if (bytes <= from) continue;
        let offset = from;
        // In pieces: the file may be larger than a string can be.
        for (let size = PIECE; offset < bytes; ) {
          const piece = readRange(join(folder, day, name), offset, Math.min(bytes, offset + size));
          const whole = piece.subarray(0, piece.lastIndexOf(LINE_FEED) + 1);
          if (whole.length === 0) {
            if (offset + size >= bytes) break; // the last line is still being written
            size *= 4;
            continue;
          }
          for (const line of whole.toString().split("\n")) {
            const annotation = parseAnnotation(line);
            if (annotation) add(annotation);
          }
          offset += whole.length;
          size = PIECE;
        }
        offsets.set(name, offset);
      }
    },
    get size() {
      return byId.size;
    },
    of: (interactionId) => byId.get(keyOf(interactionId))?.filter((other) => other.interactionId === interactionId),
    ofHash: (high, low) => byId.get(key53(high, low)),
  };
}

const PIECE = 8 * 1024 * 1024;
const LINE_FEED = 10;

/** A hash of 53 bits, which a double holds exactly. */
const key53 = (high: number, low: number): number => high * 2 ** 21 + (low >>> 11);

function parseAnnotation(line: string): Annotation | null {
  if (line === "") return null;
  try {
    return annotationSchema.parse(JSON.parse(line));
  } catch {
    return null; // a torn or damaged line
  }
}
