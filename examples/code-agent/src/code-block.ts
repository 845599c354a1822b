export type Language = "javascript" | "python";

export interface CodeBlock {
  readonly code: string;
  /** Undefined when the fence names none, or one that cannot be run here. */
  readonly language: Language | undefined;
}

/** The last fenced block of an answer: what stands before it is often a draft. */
export function lastCodeBlock(answer: string): CodeBlock | null {
  const fenced = [...answer.matchAll(/^```([^\n`]*)\n([\s\S]*?)^```/gm)].at(-1);
  if (!fenced) return null;
  const [, label = "", code = ""] = fenced;
  return { code: code.trimEnd(), language: LABELS[label.trim().toLowerCase()] };
}

const LABELS: Readonly<Record<string, Language>> = {
  javascript: "javascript",
  js: "javascript",
  python: "python",
  python3: "python",
  py: "python",
};
