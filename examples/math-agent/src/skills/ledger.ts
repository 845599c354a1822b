import type { Skill, Step } from "../plan.js";
import { sentences } from "../reading.js";

/**
 * Follows a story in which something grows and shrinks: "Mia has 24 stickers. She gives 5 away and buys 3 packs of 8."
 * One clause is one change; a clause with a number that it cannot place makes it give up.
 */
export const ledger: Skill = (question) => {
  const all = sentences(question);
  const asked = all.at(-1) ?? "";
  if (!/^how (?:many|much)\b/i.test(asked) || !ASKS_FOR_STATE.test(asked)) return null;
  const steps: Step[] = [];
  const result = (what: string, expression: string) => {
    steps.push({ what, expression });
    return `#${steps.length}`;
  };

  let start: string | null = null;
  let state: string | null = null;
  let sign: "+" | "-" | null = null;
  for (const clause of all.slice(0, -1).flatMap(clauses)) {
    const spread = SPREAD.exec(clause);
    if (spread && state) {
      state = result("Share it out", `${state} / ${spread[1]}`);
      continue;
    }
    const amount = readAmount(clause);
    if (!amount) {
      if (/\d/.test(clause)) return null;
      continue;
    }
    if (state === null) {
      state = amount.kind === "packs" ? result("What there is at first", `${amount.packs} * ${amount.each}`) : null;
      state ??= amount.kind === "plain" ? amount.number : null;
      start = state;
      if (state === null) return null;
      continue;
    }
    sign = signOf(clause) ?? sign;
    if (!sign) return null;
    let change: string;
    if (amount.kind === "plain") change = amount.number;
    else if (amount.kind === "packs") change = result("How many that is", `${amount.packs} * ${amount.each}`);
    else change = result(`Take ${amount.part}`, `${amount.ofStart ? start : state} * ${amount.part}`);
    state = result(sign === "+" ? "Add what comes in" : "Take off what goes", `${state} ${sign} ${change}`);
  }
  if (state === null || steps.length === 0) return null;
  return { steps, unit: UNIT.exec(asked)?.[1]?.toLowerCase() ?? (/\$/.test(question) ? "$" : "") };
};

const ASKS_FOR_STATE = /\b(?:left|now|remain|have|has|are there|get|gets|in the end|does it hold|still|each)\b/i;
const UNIT = /^how (?:many|much) (?!(?:are|is|does|do|has|have|money|more)\b)([a-z]+)/i;

const SPREAD = /\b(?:equally|evenly|fairly) (?:among|between|into|over|on|in|with) (?:her |his |the |their )?(\d+)\b/i;

const GROWS =
  /\b(?:buys?|bought|gets?|got|receives?|received|finds?|found|picks?|picked|earns?|earned|collects?|adds?|added|wins?|won|arrives?|joins?|bakes?|brings?|saves?|saved|deposits?|puts? in|pours? in|comes?|climb on|delivered|delivers|lays?)\b/i;
const SHRINKS =
  /\b(?:gives?|gave|sells?|sold|loses?|lost|eats?|ate|uses?|used|spends?|spent|breaks?|broke|throws?|lends?|lent|leaves?|leave|taken|takes?|takes? out|withdraws?|gets? off|get off|reads?|read|borrows?|borrowed|pays?|paid|donates?|drinks?|fly away|rotten|dies|broken)\b/i;

function clauses(sentence: string): readonly string[] {
  return sentence.split(/\s*(?:,|;|\bthen\b|\band\b|\bbut\b)\s*/i).filter((clause) => clause !== "");
}

function signOf(clause: string): "+" | "-" | null {
  if (SHRINKS.test(clause)) return "-";
  return GROWS.test(clause) ? "+" : null;
}

type Amount =
  | { readonly kind: "plain"; readonly number: string }
  | { readonly kind: "packs"; readonly packs: string; readonly each: string }
  | { readonly kind: "part"; readonly part: string; readonly ofStart: boolean };

function readAmount(clause: string): Amount | null {
  const part =
    /(\d+\/\d+|\d+(?:\.\d+)?\s?%) of (it|the|them|what|this|that|his|her|their|those)\b(?: (rest|remain\w*|left|is left))?/i.exec(
      clause,
    );
  if (part) {
    // "of it" means the whole thing that the story began with; "of the rest" and "of them" what there is by then.
    return { kind: "part", part: (part[1] ?? "").replace(/\s/g, ""), ofStart: part[2]?.toLowerCase() === "it" };
  }
  const packs = /(\d+) [a-z]+(?: [a-z]+)? (?:of|with|holding) \$?(\d+)\b/i.exec(clause);
  if (packs?.[1] && packs[2]) return { kind: "packs", packs: packs[1], each: packs[2] };
  const each = /(\d+) [a-z]+,? \$?(\d+(?:\.\d+)?)(?: [a-z]+)? each\b/i.exec(clause);
  if (each?.[1] && each[2]) return { kind: "packs", packs: each[1], each: each[2] };
  const numbers = clause.match(/\d+(?:\.\d+)?(?:\/\d+)?/g) ?? [];
  return numbers.length === 1 && numbers[0] && !numbers[0].includes("/") ? { kind: "plain", number: numbers[0] } : null;
}
