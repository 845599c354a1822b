import { characterSet, runReader } from "./character-set.js";
import type { Detector } from "./finding.js";

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const MAX_BLOCK = 32_768;
/** A header alone, as code names it, is no key. */
const MIN_BODY = 16;

/** PEM blocks of private keys, with real or escaped line ends; of a block that was cut off, what there is. */
export const privateKey: Detector = (text, found) => {
  if (!text.includes(BEGIN)) return;
  const endOfBody = runReader(text, characterSet("A-Za-z0-9+/=\\\r\n"));
  let nextEnd = -1;
  for (let at = text.indexOf(BEGIN); at >= 0; at = text.indexOf(BEGIN, at + 1)) {
    const label = at + BEGIN.length;
    const close = text.indexOf("-----", label);
    if (close < 0) return;
    if (close - label > 64 || !text.slice(label, close).includes("PRIVATE KEY")) continue;
    const body = close + 5;
    // Asked once a place: where no END is left, none is looked for again.
    if (nextEnd < body) nextEnd = text.indexOf(END, body);
    if (nextEnd < 0) nextEnd = Infinity;
    const end = nextEnd - body <= MAX_BLOCK ? lineEnd(text, nextEnd) : endOfBody(body);
    if (end - body < MIN_BODY) continue;
    found.push({ start: at, end, kind: "secret" });
    at = end - 1;
  }
};

/** The end of the line `-----END … KEY-----`. */
function lineEnd(text: string, from: number): number {
  const close = text.indexOf("-----", from + END.length);
  return close >= 0 && close - from <= 80 ? close + 5 : from + END.length;
}
