/** A fenced block of a Markdown page. */
export interface CodeBlock {
  readonly page: string;
  /** The line of the opening fence, counted from 1. */
  readonly line: number;
  readonly language: string;
  /** The words after the language: `run`, `no-run`. */
  readonly flags: readonly string[];
  /** The file that the block stands for, from `file=name`. */
  readonly file: string | undefined;
  readonly code: string;
}

/** The fenced blocks of a page, in order; fences of backticks or tildes, also indented under a list item. */
export function codeBlocks(page: string, markdown: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split(/\r?\n/);
  for (let i = 0; i < lines.length; i += 1) {
    const opening = /^( *)(`{3,}|~{3,})\s*(.*)$/.exec(lines[i] ?? "");
    if (!opening) continue;
    const [, indent = "", fence = "", info = ""] = opening;
    const line = i + 1;
    const body: string[] = [];
    for (i += 1; i < lines.length && !closes(lines[i] ?? "", fence); i += 1) {
      body.push((lines[i] ?? "").replace(new RegExp(`^ {0,${indent.length}}`), ""));
    }
    if (i >= lines.length) throw new Error(`${page}:${line}: this code block is never closed`);
    const [language = "", ...words] = info.trim().split(/\s+/);
    blocks.push({
      page,
      line,
      language,
      flags: words.filter((word) => !word.includes("=")),
      file: words.find((word) => word.startsWith("file="))?.slice("file=".length),
      code: `${body.join("\n")}\n`,
    });
  }
  return blocks;
}

function closes(line: string, fence: string): boolean {
  const closing = /^ *(`{3,}|~{3,})\s*$/.exec(line)?.[1];
  return closing !== undefined && closing[0] === fence[0] && closing.length >= fence.length;
}
