import { plan, type Skill } from "../plan.js";
import { numbersIn, phrase } from "../reading.js";

/** The value that is missing for a wanted average: "What must she score on the fourth test for an average of 88?" */
export const missingForAverage: Skill = (question) => {
  const wanted = phrase("(?:average|mean) (?:of|is|to be|will be) {mean}(?! [a-z]+ is)")(question);
  const list = listOf(question);
  if (!wanted || !list || !/\bmust\b|\bneed|\bfourth\b|\bfifth\b|\bother number\b|\blast\b|\bmissing\b/i.test(question))
    return null;
  const all = String(list.length + 1);
  return plan(
    "",
    ["The total that is needed", `${wanted.mean} * ${all}`],
    ["The total so far", list.join(" + ")],
    ["What is missing", "#1 - #2"],
  );
};

/** A number joins or leaves a group whose average is known. */
export const averageAfterChange: Skill = (question) => {
  const group = phrase("(?:average|mean) (?:age |weight |height |mark |score )?of {count} [a-z]+ is {mean}")(question);
  const change = phrase(
    "(?:one of (?:them|the numbers)|a number|another|a new [a-z]+),? (?:who is |which is |with |aged |of )?{value},? (?<how>is removed|leaves|is taken out|joins|is added)",
  )(question);
  if (!group || !change) return null;
  const sign = /removed|leaves|taken/.test(change.how ?? "") ? "-" : "+";
  return plan(
    "",
    ["The total at first", `${group.count} * ${group.mean}`],
    ["The total afterwards", `#1 ${sign} ${change.value}`],
    ["How many there are then", `${group.count} ${sign} 1`],
    ["The new average", "#2 / #3"],
  );
};

/** The average of two groups together, each with its own size and average. */
export const averageOfGroups: Skill = (question) => {
  if (!/average|mean/i.test(question) || !/\ball\b|whole|together|overall/i.test(question)) return null;
  const groups = [
    ...question.matchAll(
      /(\d+) [a-z]+ (?:have|has|with|got)? ?(?:an? )?(?:average|mean)[a-z ]*? (?:of |is )?(\d+(?:\.\d+)?)/gi,
    ),
  ];
  if (groups.length !== 2) return null;
  return plan(
    "",
    ...groups.map(([, count, mean], place): [string, string] => [`Total of group ${place + 1}`, `${count} * ${mean}`]),
    ["Total of all", "#1 + #2"],
    ["How many there are", groups.map(([, count]) => count).join(" + ")],
    ["The average of all", "#3 / #4"],
  );
};

/** The average, median or range of a list of numbers. */
export const averageOfList: Skill = (question) => {
  const list = listOf(question);
  if (!list || list.length < 2) return null;
  if (/\brange\b/i.test(question))
    return plan("", ["Largest less smallest", `max(${list.join(", ")}) - min(${list.join(", ")})`]);
  if (/\bmedian\b/i.test(question)) {
    const sorted = [...list].sort((a, b) => Number(a) - Number(b));
    const middle = Math.floor(sorted.length / 2);
    if (sorted.length % 2 === 0)
      return plan("", ["Mean of the middle two", `(${sorted[middle - 1]} + ${sorted[middle]}) / 2`]);
    return plan("", ["The one in the middle of the sorted list", `${sorted[middle]} + 0`]);
  }
  if (!/\b(?:average|mean)\b/i.test(question)) return null;
  return plan(
    /\$/.test(question) ? "$" : "",
    ["Add them up", list.join(" + ")],
    ["Divide by how many there are", `#1 / ${list.length}`],
  );
};

/** The total behind an average: "The average of 5 numbers is 12. What is their sum?" */
export const totalFromAverage: Skill = (question) => {
  const group = phrase("(?:average|mean) (?:[a-z]+ )?of {count} [a-z]+ is {mean}")(question);
  if (!group || !/\bsum\b|\btotal\b|add up/i.test(question) || numbersIn(question).length !== 2) return null;
  return plan("", ["Average times how many", `${group.count} * ${group.mean}`]);
};

function listOf(question: string): readonly string[] | null {
  const list = /\$?\d+(?:\.\d+)?(?:, \$?\d+(?:\.\d+)?)*,? and \$?\d+(?:\.\d+)?/.exec(question);
  return list && numbersIn(list[0]);
}
