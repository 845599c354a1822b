/**
 * Makes text safe to show on a terminal, on one line: escape sequences, other control characters and invisible
 * direction marks could move the cursor, set the clipboard or hide words, so they go; white space becomes one space.
 */
export function terminalText(text: string): string {
  return text.replace(/\s+/g, " ").replace(UNSAFE, "").trim();
}

/** The lines of a text, each safe to show on a terminal; indentation stays. */
export function terminalLines(text: string): string[] {
  return text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => line.replaceAll("\t", "  ").replace(UNSAFE, "").trimEnd());
}

/** JSON on one line that a terminal shows as it is: what JSON leaves raw of control characters is escaped too. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, escapeUnit);
}

/** Columns that a text takes on a terminal, about: wide scripts and emoji take two, combining marks none. */
export function textWidth(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Cuts a text to so many columns, with an ellipsis where something is missing. */
export function cutToWidth(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let width = 0;
  let kept = "";
  for (const character of text) {
    width += textWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

// Cc are control characters; Cf are invisible ones, of which the direction marks can reorder what is read.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const NARROW = /^[\x20-\x7e]*$/;
const MARK = /\p{M}/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function escapeUnit(text: string): string {
  let escaped = "";
  for (let i = 0; i < text.length; i++) escaped += `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return escaped;
}
