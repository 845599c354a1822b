import { plan, type Skill } from "../plan.js";
import { numbersIn, phrase, singular } from "../reading.js";

/** Shares an amount in a ratio: "Share $60 between Ann and Bo in the ratio 2 : 3. How much does Bo get?" */
export const shareInRatio: Skill = (question) => {
  const ratio = /ratio (?:of )?(\d+) ?(?::|to) ?(\d+)(?: ?(?::|to) ?(\d+))?/i.exec(question);
  if (!ratio) return null;
  const parts = ratio.slice(1).filter((part) => part !== undefined);
  const total = numbersIn(question.replace(ratio[0], " "))[0];
  if (!total || !/\b(?:share|split|divide|mix|cut)/i.test(question)) return null;
  const names =
    /(?:between|among) (\w+)(?:, (\w+))? and (\w+)/
      .exec(question)
      ?.slice(1)
      .filter((name) => name !== undefined) ?? [];
  const asked = question.slice(Math.max(question.search(/how (?:much|many|long)|what is/i), 0));
  let place = names.findIndex((name) => new RegExp(`\\b${name}\\b`).test(asked));
  if (/\b(?:larger|largest|bigger|biggest|longer|longest)\b/i.test(asked)) place = placeOf(parts, Math.max);
  if (/\b(?:smaller|smallest|shorter|shortest)\b/i.test(asked)) place = placeOf(parts, Math.min);
  if (place < 0) return null;
  const unit = /\d (cm|m|litres|kg|g)\b/.exec(question)?.[1] ?? (/\$/.test(question) ? "$" : "");
  const sum: [string, string] = ["Parts in all", parts.join(" + ")];
  const one: [string, string] = ["One part", `${total} / #1`];
  return plan(unit, sum, one, ["The share", `#2 * ${parts[place]}`]);
};

/** A known side of a ratio: "The ratio of cats to dogs is 3 : 4. There are 12 cats. How many dogs are there?" */
export const ratioFromOneSide: Skill = (question) => {
  const ratio = /ratio of ([a-z]+) to ([a-z]+) [a-z ]*?(\d+) ?(?::|to) ?(\d+)/i.exec(question);
  if (!ratio) return null;
  const [told, first, second, firstPart, secondPart] = ratio as unknown as [string, string, string, string, string];
  const known = /(\d+) ([a-z]+)/i.exec(question.replace(told, " "));
  if (!known) return null;
  const isFirst = singular(known[2] ?? "") === singular(first);
  if (!isFirst && singular(known[2] ?? "") !== singular(second)) return null;
  const one: [string, string] = ["One part", `${known[1]} / ${isFirst ? firstPart : secondPart}`];
  const asked = question.slice(Math.max(question.search(/how (?:many|much)/i), 0));
  if (/\b(?:altogether|together|in all|in total)\b/i.test(asked)) {
    return plan("", one, ["Parts in all", `${firstPart} + ${secondPart}`], ["All of them", "#1 * #2"]);
  }
  return plan("", one, ["The other side", `#1 * ${isFirst ? secondPart : firstPart}`]);
};

/** Two numbers, known by their sum and their difference. */
export const sumAndDifference: Skill = (question) => {
  const found =
    phrase("sum of 2 numbers is {sum}.*difference is {difference}")(question) ??
    phrase("2 numbers add up to {sum}.*differ by {difference}")(question) ??
    phrase(
      "(?<older>[a-z]+) is {difference} years older than (?<younger>[a-z]+).*(?:together|sum|add up|total)[a-z ]*? {sum}",
    )(question) ??
    phrase(
      "(?<older>[a-z]+) has \\$?{difference} more (?:[a-z]+ )?than (?<younger>[a-z]+).*(?:together|in all|total)[a-z ]*? \\$?{sum}",
    )(question);
  if (!found) return null;
  const asked = question.slice(Math.max(question.search(/how (?:old|much|many)|what is the/i), 0));
  const wantsSmaller =
    /\bsmaller\b/i.test(asked) || (found.younger !== undefined && new RegExp(`\\b${found.younger}\\b`).test(asked));
  const sign = wantsSmaller ? "-" : "+";
  const first: [string, string] = [
    wantsSmaller ? "Twice the smaller" : "Twice the larger",
    `${found.sum} ${sign} ${found.difference}`,
  ];
  return plan(/\$/.test(question) ? "$" : "", first, ["Half of it", "#1 / 2"]);
};

/** Two amounts of which one is so many times the other, known together. */
export const timesAsMany: Skill = (question) => {
  const together = phrase(
    "(?<more>[a-z]+) (?:has|is|picked|scored|saved) {times} times as (?:many|much|old|long)(?: [a-z]+)? as (?<less>[a-z]+).*(?:together|in all|total)[a-z ]*? {sum}",
  )(question);
  if (together) {
    const asked = question.slice(Math.max(question.search(/how (?:old|much|many)/i), 0));
    const parts: [string, string] = ["Parts in all", `${together.times} + 1`];
    const one: [string, string] = ["One part", `${together.sum} / #1`];
    const wantsMore = new RegExp(`\\b${together.more}\\b`).test(asked);
    return wantsMore ? plan("", parts, one, ["The larger amount", `#2 * ${together.times}`]) : plan("", parts, one);
  }
  const chain = phrase(
    "(?<a>[a-z]+) has {count} (?<what>[a-z]+).*(?<b>[a-z]+) has {times} times as (?:many|much)(?: [a-z]+)? as [a-z]+",
  )(question);
  if (!chain || !/altogether|together|in all|in total/i.test(question)) return null;
  return plan(
    chain.what ?? "",
    ["The larger amount", `${chain.count} * ${chain.times}`],
    ["Together", `${chain.count} + #1`],
  );
};

function placeOf(parts: readonly string[], pick: (...numbers: number[]) => number): number {
  const numbers = parts.map(Number);
  return numbers.indexOf(pick(...numbers));
}
