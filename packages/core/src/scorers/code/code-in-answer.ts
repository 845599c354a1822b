/** The languages that answers can be run in. */
export type CodeLanguage = "python" | "javascript";

/** The language that a word means, as it stands behind a fence; null for one that cannot be run. */
export function codeLanguage(word: string): CodeLanguage | null {
  return LANGUAGES.get(word.trim().toLowerCase()) ?? null;
}

const LANGUAGES = new Map<string, CodeLanguage>([
  ...["python", "py", "python3"].map((word) => [word, "python"] as const),
  ...["javascript", "js", "mjs", "cjs", "node"].map((word) => [word, "javascript"] as const),
]);

/** The language of the first fenced block that names one. Undefined: none does. Null: it cannot be run. */
export function languageOfAnswer(answer: string): CodeLanguage | null | undefined {
  const named = fencedBlocks(answer).find(({ language }) => language !== "");
  return named && codeLanguage(named.language);
}

/**
 * The code of an answer in Markdown: its fenced blocks of the language, or else those that name none, one after the
 * other; a text without any fence as a whole. What follows the last block that defines the entry point is how to call
 * it, and is left out. Null: there are blocks, but none of this language.
 */
export function codeInAnswer(answer: string, language: CodeLanguage, entryPoint?: string): string | null {
  const text = afterThinking(answer);
  const blocks = fencedBlocks(text);
  if (blocks.length === 0) return text;
  const named = blocks.filter((block) => codeLanguage(block.language) === language);
  const chosen = named.length > 0 ? named : blocks.filter((block) => block.language === "");
  if (chosen.length === 0) return null;
  const codes = chosen.map(({ code }) => code);
  const last = entryPoint === undefined ? -1 : codes.findLastIndex((code) => defines(code, entryPoint));
  return codes.slice(0, last < 0 ? undefined : last + 1).join("\n");
}

function defines(code: string, name: string): boolean {
  const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(
    String.raw`(?:\b(?:def|class|function\*?)\s+${escaped}(?![\w$])|(?<![\w$.])${escaped}\s*=(?!=))`,
  ).test(code);
}

/** What a reasoning model thinks aloud is not its answer. */
function afterThinking(answer: string): string {
  const end = answer.lastIndexOf("</think>");
  return end < 0 ? answer : answer.slice(end + "</think>".length);
}

interface Block {
  readonly language: string;
  readonly code: string;
}

/** Fences of backticks or tildes. One that is never closed goes on to the end. */
function fencedBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; indent: number; language: string; lines: string[] } | null = null;
  const close = () => {
    if (open) blocks.push({ language: open.language, code: open.lines.join("\n") });
    open = null;
  };
  for (const line of text.split("\n")) {
    const [, indent = "", fence = "", info = ""] = /^([ \t]*)(`{3,}|~{3,})[ \t]*([^\r]*)\r?$/.exec(line) ?? [];
    if (open === null) {
      if (fence === "" || (fence.startsWith("`") && info.includes("`"))) continue;
      open = { fence, indent: indent.length, language: /^[\w+#.-]*/.exec(info)?.[0] ?? "", lines: [] };
    } else if (fence.startsWith(open.fence) && info.trim() === "") close();
    else open.lines.push(withoutIndent(line, open.indent));
  }
  close();
  return blocks;
}

/** A fence within a list item is indented, and so is each of its lines. */
function withoutIndent(line: string, indent: number): string {
  const own = line.length - line.trimStart().length;
  return line.slice(Math.min(own, indent));
}
