import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Interaction, type InteractionInput, newInteractionId, prepareInteraction } from "@whetstone/core";
import { seededRandom } from "../../packages/core/src/seeded-random.js";

/** 2026-01-01T00:00:00Z; a corpus covers 90 days from here. */
const START = Date.UTC(2026, 0, 1);
const SPAN_MS = 90 * 86_400_000;

/**
 * Synthetic interactions of about 2 KB, the same for the same count: prompts repeat as in real traffic (a few often,
 * most rarely), 95 % are scored, 3 % failed, four agent types, 90 days in order of time.
 */
export function* corpus(count: number): Generator<Interaction> {
  const random = seededRandom(1);
  const prose = realText();
  const prompts = Math.max(1, Math.floor(count * 0.15));
  for (let i = 0; i < count; i++) {
    const timestamp = corpusTime(i, count);
    const input = inputNumber(i, random, prose, prompts);
    const prepared = prepareInteraction({ ...input, timestamp });
    if (!("interaction" in prepared)) throw new Error(prepared.reason);
    yield prepared.interaction;
  }
}

/** Small interactions, about 400 bytes each, for stores of very many: the same shares, and answers worth comparing. */
export function* smallCorpus(count: number): Generator<Interaction> {
  const random = seededRandom(3);
  const words = Array.from({ length: 4_000 }, (_, i) => `w${(i * 7_919).toString(36)}`);
  const someWords = (length: number) =>
    Array.from({ length }, () => words[Math.floor(random() * words.length)]).join(" ");
  const prompts = Math.max(1, Math.floor(count * 0.15));
  for (let i = 0; i < count; i++) {
    const prompt = Math.floor(random() ** 2.5 * prompts);
    yield {
      interactionId: newInteractionId(corpusTime(i, count)),
      timestamp: corpusTime(i, count),
      query: `Task ${prompt}: ${words[prompt % words.length]} ${words[(prompt * 31) % words.length]}?`,
      answer: someWords(22),
      agentType: AGENTS[prompt % AGENTS.length] as string,
      qualityScores: random() < 0.95 ? { overall: Math.round(random() * 100) / 100 } : {},
      latencyMs: 100,
      toolsUsed: [],
      sessionId: `session-${Math.floor(i / 7)}`,
      errorOccurred: random() < 0.03,
    };
  }
}

/** When record `i` of a corpus of `count` was made, epoch ms. */
export const corpusTime = (i: number, count: number): number => START + Math.floor((i * SPAN_MS) / count);

/** Inputs as an agent would hand them to `log`, with texts that are whole strings, not slices of one. */
export function inputs(count: number): InteractionInput[] {
  const random = seededRandom(2);
  const prose = realText();
  return Array.from({ length: count }, (_, i) => {
    const input = inputNumber(i, random, prose, count);
    return { ...input, query: whole(input.query), answer: whole(input.answer) };
  });
}

const AGENTS = ["math", "code", "rag", "general"];

function inputNumber(i: number, random: () => number, prose: string, prompts: number): InteractionInput {
  // A power law: a few prompts come often, most of them rarely.
  const prompt = Math.floor(random() ** 2.5 * prompts);
  const from = (prompt * 2_111) % (prose.length - 2_000);
  const answerFrom = Math.floor(random() * (prose.length - 2_000));
  const scored = random() < 0.95;
  const failed = random() < 0.03;
  return {
    query: `Task ${prompt}: ${prose.slice(from, from + 180)}`,
    answer: prose.slice(answerFrom, answerFrom + 1_400),
    agentType: AGENTS[prompt % AGENTS.length] as string,
    qualityScores: scored ? { overall: Math.round(random() * 100) / 100, clarity: 0.5 } : {},
    latencyMs: 100 + Math.floor(random() * 900),
    toolsUsed: i % 3 === 0 ? ["calculator"] : [],
    sessionId: `session-${Math.floor(i / 7)}`,
    model: "model-a",
    errorOccurred: failed,
    metadata: { region: "eu", attempt: i % 3, cached: false, score: 0.25, tag: "synthetic" },
  };
}

/**
 * Real text, two thirds code and one third prose: the compiler's source and declarations, which a lock file pins, and
 * this repository's pages. Code has what random words lack: line feeds, quotes, indentation, now and then a character
 * beyond ASCII.
 */
function realText(): string {
  const compiler = createRequire(import.meta.url).resolve("typescript");
  const code = readFileSync(compiler, "utf8").slice(1_000_000, 3_000_000);
  const declarations = readFileSync(join(dirname(compiler), "lib.dom.d.ts"), "utf8").slice(0, 700_000);
  const docs = new URL("../../docs/", import.meta.url);
  const pages = readdirSync(docs).filter((name) => name.endsWith(".md"));
  const prose = pages.map((name) => readFileSync(new URL(name, docs), "utf8")).join("\n");
  return code + declarations + prose.repeat(Math.ceil(1_300_000 / prose.length));
}

const whole = (text: string) => Buffer.from(text).toString();
