/** Text that is HTML already. Only `html` makes it, so whatever was not written by us has been escaped. */
export interface Markup {
  readonly markup: string;
}

type Content = Markup | string | number | null | undefined | false | readonly Content[];

/** A template for HTML and SVG: what is put into it is escaped, unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return { markup: strings.reduce((text, next, i) => text + render(contents[i - 1]) + next) };
}

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (typeof content === "string") return escaped(content);
  if (typeof content === "number") return String(content);
  return "markup" in content ? content.markup : content.map(render).join("");
}

// Control characters have no place in HTML, and marks of direction could turn the words around them; both are shown.
const UNSHOWN = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\p{Cs}]/gu;

function escaped(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(UNSHOWN, "\ufffd")
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
