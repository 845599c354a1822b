import { isAlphanumeric } from "./character-set.js";
import type { NumberDetector } from "./long-number.js";

/** US social security numbers with their hyphens, out of the ranges that are given out. */
export const socialSecurityNumber: NumberDetector = (text, { groups }, found) => {
  groups.forEach(({ start, digits: area }, i) => {
    const [group, serial] = [groups[i + 1]?.digits ?? "", groups[i + 2]?.digits ?? ""];
    const end = start + 11;
    if (area.length !== 3 || group.length !== 2 || serial.length !== 4) return;
    if (text[start + 3] !== "-" || text[start + 6] !== "-") return;
    if (area === "000" || area === "666" || area >= "900" || group === "00" || serial === "0000") return;
    if (isGlued(text, start - 1) || isGlued(text, end)) return;
    found.push({ start, end, kind: "ssn" });
  });
};

function isGlued(text: string, at: number): boolean {
  return at >= 0 && at < text.length && (isAlphanumeric(text.charCodeAt(at)) || text[at] === "-");
}
