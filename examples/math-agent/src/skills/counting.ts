import { plan, type Skill } from "../plan.js";
import { phrase } from "../reading.js";

/** Things that fit into others: how many are needed, how many are full, how many are left over. */
export const packing: Skill = (question) => {
  const found =
    phrase(
      "{each} [a-z]+ (?:fit|go) (?:in|into|on|onto) (?:each|one|an?|every) (?<box>[a-z]+).* {all} (?<thing>[a-z]+)",
    )(question) ??
    phrase(
      "(?:each|an?|every|one) (?<box>[a-z]+) (?:holds|takes|seats|carries|has room for) {each} [a-z]+.* {all} (?<thing>[a-z]+)",
    )(question) ??
    phrase("{all} (?<thing>[a-z]+) are packed (?:in|into) (?<box>[a-z]+) of {each}")(question);
  if (!found) return null;
  if (/left over|remain/i.test(question))
    return plan(found.thing ?? "", ["What does not fill one", `mod(${found.all}, ${found.each})`]);
  if (/how many full|can be filled/i.test(question)) {
    return plan("", ["How often it fits", `${found.all} / ${found.each}`], ["Full ones only", "floor(#1)"]);
  }
  if (!/how many/i.test(question)) return null;
  return plan("", ["How often it fits", `${found.all} / ${found.each}`], ["The last one counts too", "ceil(#1)"]);
};

/** Greatest common divisor and least common multiple, by name or told as bells, buses and equal bags. */
export const divisors: Skill = (question) => {
  const pair =
    phrase("{a}(?: [a-z]+)? and (?:every |another every |the other every )?{b}")(question) ??
    phrase("every {a} [a-z]+.*every {b} [a-z]+")(question);
  if (!pair) return null;
  if (
    /(?:least|lowest|smallest) common multiple|\blcm\b|(?:next|again)[a-z ]*together|together again|at the same time again/i.test(
      question,
    )
  ) {
    return plan(/minutes|seconds|days/i.exec(question)?.[0] ?? "", [
      "Least common multiple",
      `lcm(${pair.a}, ${pair.b})`,
    ]);
  }
  if (
    /(?:greatest|highest|largest) common (?:divisor|factor)|\bgcd\b|\bhcf\b|largest number of (?:equal|identical)|greatest number of (?:equal|identical)/i.test(
      question,
    )
  ) {
    return plan("", ["Greatest common divisor", `gcd(${pair.a}, ${pair.b})`]);
  }
  return null;
};

/** Arithmetic sequences and sums of them. */
export const sequence: Skill = (question) => {
  const terms = phrase("sequence (?:starts|begins|is|goes)?:? ?(?:with )?{a}, {b}, {c}")(question);
  const place = phrase("{n}(?:st|nd|rd|th) (?:term|number|row)")(question);
  if (terms && place && Number(terms.b) - Number(terms.a) === Number(terms.c) - Number(terms.b)) {
    return plan(
      "",
      ["From term to term", `${terms.b} - ${terms.a}`],
      ["Steps to take", `${place.n} - 1`],
      ["All steps", "#1 * #2"],
      ["From the first term", `${terms.a} + #3`],
    );
  }
  const rows = phrase("first row has {a} .*each row has {d} more.*{n}(?:st|nd|rd|th) row")(question);
  if (rows)
    return plan(
      "",
      ["Rows after the first", `${rows.n} - 1`],
      ["What they add", `#1 * ${rows.d}`],
      ["With the first row", `${rows.a} + #2`],
    );
  const sum = phrase("sum of (?:all )?(?:the )?(?:whole |natural )?numbers from 1 to {n}")(question);
  if (sum) return plan("", ["Last number times the next", `${sum.n} * (${sum.n} + 1)`], ["Half of it", "#1 / 2"]);
  const consecutive = phrase("3 consecutive (?:whole )?numbers[a-z ]*? {sum}")(question);
  if (consecutive) {
    const middle: [string, string] = ["The middle one", `${consecutive.sum} / 3`];
    if (/largest|greatest|biggest/i.test(question)) return plan("", middle, ["The one after it", "#1 + 1"]);
    return /smallest/i.test(question) ? plan("", middle, ["The one before it", "#1 - 1"]) : plan("", middle);
  }
  return null;
};

/** A part of something is full, done or read; asked for what is missing. */
export const missingPart: Skill = (question) => {
  const found = phrase(
    "(?:holds|has|is) {whole} (?<unit>[a-z]+)[^.?]*?(?:is|are) (?:now )?(?<part>\\d+/\\d+|\\d+(?:\\.\\d+)?\\s?%) (?:full|done|ready|filled)",
  )(question);
  if (!found || !/how many more|how much more|is missing|still/i.test(question)) return null;
  const part = (found.part ?? "").replace(/\s/g, "");
  return plan(
    found.unit ?? "",
    ["What is there", `${found.whole} * ${part}`],
    ["What is missing", `${found.whole} - #1`],
  );
};
