/** The JSON value that an answer is: the whole of it, or one fenced block with nothing beside it. Null: it is none. */
export function jsonInAnswer(answer: string): { readonly value: unknown } | null {
  const text = answer.slice(answer.lastIndexOf("</think>") < 0 ? 0 : answer.lastIndexOf("</think>") + 8).trim();
  const fenced = /^(`{3,}|~{3,})[ \t]*(?:json[c5]?|)[ \t]*\r?\n([\s\S]*?)\r?\n?\1$/i.exec(text);
  try {
    return { value: JSON.parse(fenced?.[2] ?? text) };
  } catch {
    return null;
  }
}
