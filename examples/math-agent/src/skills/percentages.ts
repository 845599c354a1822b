import { plan, type Skill } from "../plan.js";
import { numbersIn, phrase } from "../reading.js";

/** The price before a discount or a rise, from the price after it. */
export const beforeChange: Skill = (question) => {
  const down =
    phrase("after an? {rate%} (?:discount|reduction|price cut)[^.?]*? costs? {now}")(question) ??
    phrase("costs? {now} after an? {rate%} (?:discount|reduction|price cut)")(question);
  if (down && /before|original|first|used to|without/i.test(question)) {
    return plan(
      "$",
      ["What is left of the price, in percent", `100 - ${down.rate}`],
      ["As a share", "#1 / 100"],
      ["The price before", `${down.now} / #2`],
    );
  }
  const up = phrase(
    "(?:increased|rises?|rose|goes up|went up|grows?|grew) by {rate%}[^.?]*? (?:to|becomes|is now|gives|costs) {now}",
  )(question);
  if (up && /before|original|first|what (?:is|was) the number|used to/i.test(question)) {
    return plan(
      /\$/.test(question) ? "$" : "",
      ["What it has become, in percent", `100 + ${up.rate}`],
      ["As a share", "#1 / 100"],
      ["What it was before", `${up.now} / #2`],
    );
  }
  return null;
};

/** By what percent something changed. */
export const percentChange: Skill = (question) => {
  if (!/what (?:percent|per cent|percentage)|how many percent/i.test(question)) return null;
  const change = phrase("from {old}(?: [a-z]+)? to {new}")(question);
  if (!change) return null;
  const fell = Number(change.new) < Number(change.old);
  const difference = fell ? `${change.old} - ${change.new}` : `${change.new} - ${change.old}`;
  return plan(
    "%",
    ["How much it changed", difference],
    ["As a share of the old value", `#1 / ${change.old}`],
    ["In percent", "#2 * 100"],
  );
};

/** What percent one number is of another. */
export const whatPercent: Skill = (question) => {
  const found =
    phrase("what (?:percent|per cent|percentage) of {whole} (?:[a-z ]+ )?is {part}")(question) ??
    phrase("{part} is what (?:percent|per cent|percentage) of {whole}")(question) ??
    phrase("{part} (?:out )?of (?:the |her |his )?{whole} .*what (?:percent|per cent|percentage)")(question) ??
    phrase("of (?:the )?{whole} [a-z ]+?, {part} [^.]*?[.] what (?:percent|per cent|percentage)")(question);
  if (!found) return null;
  if (/(?:did not|do not|does not|not) [a-z ]*\?$/i.test(question)) {
    return plan(
      "%",
      ["The others", `${found.whole} - ${found.part}`],
      ["As a share", `#1 / ${found.whole}`],
      ["In percent", "#2 * 100"],
    );
  }
  return plan("%", ["As a share", `${found.part} / ${found.whole}`], ["In percent", "#1 * 100"]);
};

/** A price, a rent, a town: one value, and the percentages by which it goes up and down, in their order. */
export const percentSteps: Skill = (question) => {
  const changes = [...question.matchAll(CHANGE)].map((match) => ({
    rate: match.groups?.rate ?? match.groups?.rateFirst ?? match.groups?.rateLast ?? "",
    down: DOWN.test(match[0]),
  }));
  const unchanged = question.replace(CHANGE, " ");
  const [value, ...others] = unchanged.match(/\$?\d+(?:\.\d+)?/g) ?? [];
  if (!value || changes.length === 0) return null;
  const years = phrase("(?:after|for) {years} years")(unchanged);
  const times =
    years && changes.length === 1 && /each year|every year|a year|per year/i.test(question) ? Number(years.years) : 1;
  if (others.length > (times > 1 ? 1 : 0) || times > 6) return null;
  if (/how much (?:is saved|does .* save|cheaper)|how big is the (?:discount|rise)/i.test(question)) return null;

  const steps: [string, string][] = [];
  let current = value.replace("$", "");
  for (let round = 0; round < times; round++) {
    for (const { rate, down } of changes) {
      steps.push([`${rate}% of it`, `${current} * ${rate}%`]);
      steps.push([down ? "Take that off" : "Add that", `${current} ${down ? "-" : "+"} #${steps.length}`]);
      current = `#${steps.length}`;
    }
  }
  return plan(value.startsWith("$") ? "$" : "", ...steps);
};

/** A share of people or things, or those that are not in it: "Of 250 pupils, 38% walk. How many do not walk?" */
export const shareOf: Skill = (question) => {
  const found =
    phrase("(?:of|has|have|holds|sells|there are) (?:the |all )?{whole} (?<unit>[a-z]+).*? {rate%}")(question) ??
    phrase("{rate%} of (?:the |its |her |his )?{whole} (?<unit>[a-z]+)")(question);
  if (!found || numbersIn(question).length !== 2 || !/how many/i.test(question)) return null;
  const part: [string, string] = [`${found.rate}% of all`, `${found.whole} * ${found.rate}%`];
  if (!/\bnot\b|\bleft\b|\bother\b|\bthe rest\b|\bremain/i.test(question.slice(question.search(/how many/i)))) {
    return plan(found.unit ?? "", part);
  }
  return plan(found.unit ?? "", part, ["The others", `${found.whole} - #1`]);
};

/** Simple and compound interest. */
export const interest: Skill = (question) => {
  if (!/interest/i.test(question)) return null;
  const money = /\$(\d+(?:\.\d+)?)/.exec(question)?.[1];
  const rate = phrase("{rate%}")(question)?.rate;
  const years = phrase("{years} years")(question)?.years;
  if (!money || !rate || !years) return null;
  const wantsTotal = /how much (?:is|does|will|money)|what is the balance|altogether|in the account/i.test(question);
  if (!/compound/i.test(question)) {
    const yearly: [string, string] = ["Interest of one year", `${money} * ${rate}%`];
    const all: [string, string] = [`Interest of ${years} years`, `#1 * ${years}`];
    return wantsTotal ? plan("$", yearly, all, ["With the money itself", `${money} + #2`]) : plan("$", yearly, all);
  }
  const steps: [string, string][] = [
    ["What one year makes of $1, in cents", `100 + ${rate}`],
    ["As a factor", "#1 / 100"],
    [`That factor for ${years} years`, `#2 ^ ${years}`],
    ["The money at the end", `${money} * #3`],
  ];
  return wantsTotal ? plan("$", ...steps) : plan("$", ...steps, ["Only the interest", `#4 - ${money}`]);
};

const DOWN = /discount|off|reduced|falls|fell|shrinks|drops|goes down|cut|loses/i;
const CHANGE =
  /(?:is |are |was |then )?(?:increased|reduced|raised|cut|goes up|goes down|rises|falls|grows|shrinks|drops|loses value) by (?<rate>\d+(?:\.\d+)?)\s?%|(?<rateFirst>\d+(?:\.\d+)?)\s?% (?:discount|off|(?:sales )?tax|tip|more|is added|raise|service charge)|(?:tax|tip|discount|rise|charge) of (?<rateLast>\d+(?:\.\d+)?)\s?%/gi;
