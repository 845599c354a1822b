import type { StoredInteraction } from "../annotation.js";
import type { Source } from "../interaction.js";
import type { Score } from "../scorer.js";
import { isDegenerate } from "./degenerate-answer.js";

/** What `citationVerifier` says of an answer: the lowest of what its citations, quotations and claims deserve. */
export function citationScore({ answer, sources }: StoredInteraction, minOverlap: number): Score | null {
  if (sources === undefined) return null;
  if (isDegenerate(answer.replace(BARE_CITATION, " ")))
    return { scores: { overall: 0 }, rationale: "the answer says nothing" };
  const text = answer.slice(0, MAX_ANSWER).replace(/```[\s\S]*?(?:```|$)/g, " ");
  const shelf = shelfOf(sources);
  const cited = citationsIn(text, shelf);
  const unknown = cited.filter(({ source }) => source === null);
  const quotes = shelf.hasTexts ? quotesIn(text) : [];
  const misquoted = quotes.filter((quote) => !shelf.texts.some((source) => holds(source, quote)));
  const claims = claimsIn(text, shelf);
  // That a citation names a source says nothing good of an answer that claims nothing.
  if (unknown.length + quotes.length + claims.length === 0) return null;
  const covered = claims.filter((claim) => isCovered(claim, shelf, minOverlap));

  const scores = {
    citations: share(cited.length - unknown.length, cited.length),
    quotes: share(quotes.length - misquoted.length, quotes.length),
    coverage: share(covered.length, claims.length),
  };
  const parts = [`${covered.length} of ${claims.length} claims have a source`];
  if (unknown[0]) parts.push(`no source is called ${shown(unknown[0].name)}`);
  if (misquoted[0]) parts.push(`no source says "${shown(misquoted[0])}"`);
  return { scores: { overall: Math.min(...Object.values(scores)), ...scores }, rationale: parts.join("; ") };
}

const MAX_ANSWER = 200_000;
const BARE_CITATION = /[[【][^[\]【】\n]{1,200}[\]】](?!\()/gu;

const share = (part: number, whole: number) => (whole === 0 ? 1 : part / whole);
const shown = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** The sources by all their names, and their texts as they are compared. */
interface Shelf {
  readonly byName: ReadonlyMap<string, number>;
  /** Ids with every number made one sign: what has the form of an id and is none was made up. */
  readonly forms: ReadonlySet<string>;
  readonly texts: readonly string[];
  readonly words: readonly ReadonlySet<string>[];
  readonly hasTexts: boolean;
}

function shelfOf(sources: readonly Source[]): Shelf {
  const byName = new Map<string, number>();
  for (const [i, { id, url, title }] of sources.entries()) {
    for (const name of [id, title, url && urlForm(url)]) {
      if (name !== undefined && name.trim() !== "" && !byName.has(plain(name))) byName.set(plain(name), i);
    }
  }
  const ids = sources.flatMap(({ id }) => (id === undefined ? [] : [plain(id)]));
  // A number is a source's place in the list, unless the ids are numbers themselves.
  if (!ids.some((id) => /^\d+$/.test(id))) for (const i of sources.keys()) byName.set(String(i + 1), i);
  const texts = sources.map(({ text, title }) => plain([title, text].filter(Boolean).join("\n")));
  return {
    byName,
    forms: new Set(ids.filter((id) => /\d/.test(id)).map(formOf)),
    texts,
    words: texts.map((text) => new Set(wordsOf(text))),
    hasTexts: sources.some(({ text }) => text !== undefined && text.trim() !== ""),
  };
}

interface Citation {
  readonly name: string;
  /** Its place among the sources; null when there is none of this name. */
  readonly source: number | null;
}

function citationsIn(text: string, { byName, forms }: Shelf): Citation[] {
  const found: Citation[] = [];
  for (const [, label = "", url] of text.matchAll(
    /[[【]([^[\]【】\n]{1,200})[\]】](?:\((?:<)?(https?:\/\/[^\s)>]{1,2000})>?[^)\n]{0,200}\))?/gu,
  )) {
    if (url !== undefined) {
      found.push({ name: url, source: byName.get(plain(urlForm(url))) ?? null });
      continue;
    }
    const whole = byName.get(plain(label));
    if (whole !== undefined) {
      found.push({ name: label, source: whole });
      continue;
    }
    for (const name of namesIn(label)) {
      const source = byName.get(plain(name)) ?? null;
      const claimsToBeOne = /^\d{1,4}$/.test(name) || forms.has(formOf(plain(name)));
      if (source !== null || claimsToBeOne) found.push({ name, source });
    }
  }
  return found;
}

/** `1`, `1, 3`, `2-4`, `^1`, `source 2`, `1†L4-L9` */
function namesIn(label: string): string[] {
  return label.split(/[,;]/).flatMap((part) => {
    const name = part
      .replace(/†.*$/u, "")
      .replace(/^\s*(?:\^|(?:sources?|refs?|docs?|documents?)[.:]?\s+(?=\d))/i, "")
      .trim();
    const [, from, to] = /^(\d{1,4})\s*[-–]\s*(\d{1,4})$/u.exec(name) ?? [];
    const [first, last] = [Number(from), Number(to)];
    if (from === undefined || last < first || last - first > 50) return name === "" ? [] : [name];
    return Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
  });
}

/** Passages in quotation marks that are long enough to be a quotation, and not a word used as such. */
function quotesIn(text: string): string[] {
  const quotes = [
    ...text.matchAll(/"([^"\n]{12,2000})"|“([^“”\n]{12,2000})”|«([^«»\n]{12,2000})»|„([^„“”\n]{12,2000})[“”]/gu),
  ];
  return quotes
    .map((match) => match.slice(1).find((quote) => quote !== undefined) ?? "")
    .filter((quote) => quote.trim().split(/\s+/).length >= 3);
}

/** Whether a source holds a quotation; one with an ellipsis part by part, in order. */
function holds(source: string, quote: string): boolean {
  let at = 0;
  for (const part of quote.split(/\[?(?:\.\.\.|…)\]?/u)) {
    const wanted = plain(part).replace(/^[\s.,;:!?]+|[\s.,;:!?]+$/g, "");
    if (wanted === "") continue;
    const found = source.indexOf(wanted, at);
    if (found < 0) return false;
    at = found + wanted.length;
  }
  return true;
}

interface Claim {
  readonly words: readonly string[];
  readonly sources: readonly number[];
}

/** Sentences that state something, each with what it cites; a citation behind the full stop belongs to it. */
function claimsIn(text: string, shelf: Shelf): Claim[] {
  const claims: Claim[] = [];
  for (const line of text.split("\n")) {
    if (
      /^\s*(?:#{1,6}\s|\|[\s:|-]*$|[-=*_\s]*$|(?:\*\*)?(?:sources?|references?|bibliography)\b.{0,10}:?(?:\*\*)?\s*$|\[\^?[^\]]{1,60}\]:?\s*\S*\s*$)/i.test(
        line,
      )
    )
      continue;
    for (const sentence of sentencesOf(line)) {
      const words = wordsOf(plain(sentence.replace(/[[【][^[\]【】]{1,200}[\]】](?:\([^)]{0,2000}\))?/gu, " ")));
      if (words.length < MIN_WORDS || /\?["”’)\]\s]*$/u.test(sentence) || /:\s*$/.test(sentence)) continue;
      const sources = citationsIn(sentence, shelf).flatMap(({ source }) => (source === null ? [] : [source]));
      claims.push({ words, sources });
    }
  }
  return claims;
}

/** Fewer content words than this state nothing that could be looked up. */
const MIN_WORDS = 3;

function sentencesOf(line: string): string[] {
  const ends =
    /[.!?。！？]["”’)]*((?:\s*[[【][^[\]【】\n]{1,200}[\]】](?:\([^)\n]{0,2000}\))?)*)(?=\s+[^\p{Ll}\s]|\s*$)/gu;
  const sentences: string[] = [];
  let from = 0;
  for (const { index, 0: end } of line.matchAll(ends)) {
    if (
      ABBREVIATION.test(line.slice(Math.max(from, index - 10), index + 1)) ||
      /^\s*\d+$/.test(line.slice(from, index))
    )
      continue;
    sentences.push(line.slice(from, index + end.length));
    from = index + end.length;
  }
  if (from < line.length) sentences.push(line.slice(from));
  return sentences;
}

/** What has a full stop and ends no sentence. */
const ABBREVIATION = /(?:^|[\s(])(?:\p{L}|e\.g|i\.e|cf|vs|etc|approx|no|dr|mr|mrs|ms|prof|st|fig|al)\.$/iu;

function isCovered({ words, sources }: Claim, shelf: Shelf, minOverlap: number): boolean {
  if (sources.length === 0) return false;
  // A source without a text can be cited, but not looked up.
  if (sources.some((source) => shelf.texts[source] === "")) return true;
  const held = words.filter((word) => sources.some((source) => shelf.words[source]?.has(word)));
  return held.length >= minOverlap * words.length;
}

/** Words of four letters and more by their first six, so that "founded" finds "founding", and numbers. */
function wordsOf(text: string): string[] {
  const words = text.match(/\d[\d.,]*|\p{L}{2,}/gu) ?? [];
  return words.flatMap((word) => {
    if (/^\d/.test(word)) return [word.replace(/[.,]+$/, "").replaceAll(",", "")];
    return word.length < 4 || STOP_WORDS.has(word) ? [] : [word.slice(0, 6)];
  });
}

const STOP_WORDS = new Set(
  "about above after again also although among because been before being below between both could does doing down during each from further have having here however into itself just more most much must only other over same should since some such than that their them then there these they this those through under until upon very were what when where which while will with within without would your".split(
    " ",
  ),
);

const formOf = (name: string) => name.replace(/\d+/g, "#");

const urlForm = (url: string) =>
  url
    .replace(/^https?:\/\/(?:www\.)?/i, "")
    .replace(/[#?].*$/, "")
    .replace(/\/+$/, "");

function plain(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[‘’‚′]/gu, "'")
    .replace(/[“”„«»]/gu, '"')
    .replace(/[‐-―−]/gu, "-")
    .replace(/\s+/gu, " ")
    .trim();
}
