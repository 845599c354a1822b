import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What stands under one heading of a page. */
export interface Passage {
  /** `stores.md#the-folder`. */
  readonly id: string;
  readonly page: string;
  /** The page's title and the heading. */
  readonly title: string;
  readonly text: string;
  /** The prose of the text, sentence by sentence; list items and rows of tables count as sentences. */
  readonly sentences: readonly string[];
}

/** The documentation of this repository. */
export const DOCS_FOLDER = fileURLToPath(new URL("../../../docs", import.meta.url));

/** Reads the Markdown pages of a folder, cut at their headings. */
export async function readPassages(folder: string): Promise<readonly Passage[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".md")).sort();
  const pages = await Promise.all(
    names.map(async (name) => cutAtHeadings(name.replaceAll("\\", "/"), await readFile(join(folder, name), "utf8"))),
  );
  return pages.flat();
}

/** One page as passages. A `#` inside a block of code is no heading. */
export function cutAtHeadings(page: string, markdown: string): readonly Passage[] {
  const passages: Passage[] = [];
  let pageTitle = page;
  let heading = "";
  let lines: string[] = [];
  let inCode = false;
  const finish = () => {
    const text = lines.join("\n").trim();
    lines = [];
    if (text === "") return;
    const title = heading === "" || heading === pageTitle ? pageTitle : `${pageTitle}: ${heading}`;
    passages.push({ id: `${page}#${anchorOf(heading || pageTitle)}`, page, title, text, sentences: sentencesOf(text) });
  };
  for (const line of markdown.split("\n")) {
    if (line.startsWith("```")) inCode = !inCode;
    const [, level, words] = inCode ? [] : (/^(#{1,4}) (.+)$/.exec(line) ?? []);
    if (words === undefined) {
      lines.push(line);
      continue;
    }
    finish();
    heading = words;
    if (level === "#") pageTitle = words;
  }
  finish();
  return passages;
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

function sentencesOf(text: string): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```.*$/gm, "\n").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  // A list item or a row of a table ends what stood before it; other lines go on with the paragraph.
  const blocks = prose.split(/\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.)\s)/);
  return blocks.flatMap((block) => {
    const line = block.replace(/\s+/g, " ").trim();
    if (line.startsWith("|")) return tableRow(line);
    return splitSentences(line.replace(/^(?:[-*]|\d+\.) /, "")).filter((sentence) => /\p{L}{2}/u.test(sentence));
  });
}

/** A sentence begins with a capital, code or emphasis: what else follows a full stop belongs to an abbreviation. */
export function splitSentences(text: string): readonly string[] {
  return text.split(/(?<=[.!?])\s+(?=[\p{Lu}`*"“])/u);
}

function tableRow(line: string): readonly string[] {
  const cells = line.split("|").map((cell) => cell.trim());
  const filled = cells.filter((cell) => cell !== "" && !/^:?-+:?$/.test(cell));
  return filled.length < 2 ? [] : [`${filled[0]}: ${filled.slice(1).join("; ")}`];
}
