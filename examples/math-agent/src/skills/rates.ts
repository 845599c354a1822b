import type { Skill, Step } from "../plan.js";
import { phrase, sentences, singular } from "../reading.js";

/** Proportion between two quantities: "84 bottles in 6 minutes", "72 km per hour", "$27 for 6 mugs", asked for another amount. */
export const proportion: Skill = (question) => {
  const all = sentences(question);
  const asked = all.at(-1) ?? "";
  const told = all.slice(0, -1).join(". ");
  const facts = quantities(told || asked.split(/\bhow\b/i)[0] || "");
  const [first, second] = facts;
  if (!first || !second || facts.length !== 2 || first.unit === second.unit) return null;
  const wanted = quantities(asked, true).find(({ unit }) => sameKind(unit, first.unit) || sameKind(unit, second.unit));
  if (!wanted || (told === "" && quantities(asked).length > 2)) return null;
  const [given, sought] = sameKind(wanted.unit, first.unit) ? [first, second] : [second, first];
  if (!asksFor(asked, sought.unit)) return null;

  const steps: Step[] = [];
  const result = (what: string, expression: string) => {
    steps.push({ what, expression });
    return `#${steps.length}`;
  };
  const factor = TIME_FACTORS[wanted.unit]?.[given.unit];
  const amount = factor ? result(`Write it in ${given.unit}s`, `${wanted.number} ${factor}`) : wanted.number;
  if (WORKERS.test(given.unit) && TIMES.test(sought.unit)) {
    const work = result("The work, for one alone", `${given.number} * ${sought.number}`);
    result(`Spread over ${amount}`, `${work} / ${amount}`);
  } else if (given.number === "1") {
    result("That many times as much", `${amount} * ${sought.number}`);
  } else {
    const single = result(
      `For one ${given.unit === "$" ? "dollar" : given.unit}`,
      `${sought.number} / ${given.number}`,
    );
    if (amount !== "1") result(`For ${wanted.number}`, `${single} * ${amount}`);
  }
  return { steps, unit: plural(sought.unit) };
};

/** A journey in several parts, each with its own speed; asked for the way or for the average speed. */
export const journey: Skill = (question) => {
  const legs = [
    ...question.matchAll(/(\d+(?:\.\d+)?) hours? (?:long )?at (\d+(?:\.\d+)?) km(?:\/h| per hour| an hour)/gi),
  ];
  if (legs.length < 2) return null;
  const steps: Step[] = legs.map(([, time, speed], place) => ({
    what: `Part ${place + 1}`,
    expression: `${time} * ${speed}`,
  }));
  steps.push({ what: "The whole way", expression: legs.map((_, place) => `#${place + 1}`).join(" + ") });
  if (!/average speed/i.test(question)) return { steps, unit: "km" };
  const way = steps.length;
  steps.push({ what: "The whole time", expression: legs.map(([, time]) => time).join(" + ") });
  steps.push({ what: "Way by time", expression: `#${way} / #${steps.length}` });
  return { steps, unit: "km/h" };
};

/** Two that move towards or away from each other: how far apart, or when they meet. */
export const meeting: Skill = (question) => {
  const speeds = [...question.matchAll(/(\d+(?:\.\d+)?) km(?:\/h| per hour| an hour)/gi)].map((match) => match[1]);
  if (speeds.length !== 2 || !/towards|opposite/i.test(question)) return null;
  const together: Step = { what: "Both speeds together", expression: speeds.join(" + ") };
  const apart = phrase("{way} km apart")(question);
  if (apart && /how (?:many hours|long)/i.test(question)) {
    return { steps: [together, { what: "Way by speed", expression: `${apart.way} / #1` }], unit: "hours" };
  }
  const time = phrase("after {hours} hours")(question);
  return time && { steps: [together, { what: "Speed times time", expression: `#1 * ${time.hours}` }], unit: "km" };
};

/** Two that do one job together: "One pump empties a pool in 6 hours, another one in 3 hours." */
export const togetherFaster: Skill = (question) => {
  const times = [...question.matchAll(/\bin (\d+(?:\.\d+)?) (hours|minutes|days)/gi)];
  const [first, second] = times;
  if (!first || !second || times.length !== 2 || !/\bhow long\b.*\btogether|together.*\bhow long\b/i.test(question))
    return null;
  return {
    steps: [
      { what: "What both do in one unit of time", expression: `1/${first[1]} + 1/${second[1]}` },
      { what: "The time for the whole job", expression: "1 / #1" },
    ],
    unit: first[2] ?? "",
  };
};

interface Quantity {
  readonly number: string;
  readonly unit: string;
}

const WORKERS = /^(?:worker|painter|gardener|machine|pump|cleaner|baker|builder|printer)$/;
const TIMES = /^(?:hour|minute|day|second)$/;

const TIME_FACTORS: Record<string, Record<string, string>> = {
  hour: { minute: "* 60" },
  minute: { hour: "/ 60", second: "* 60" },
  second: { minute: "/ 60" },
};

const ALIASES: Record<string, string> = {
  h: "hour",
  min: "minute",
  kilometre: "km",
  kilometer: "km",
  metre: "m",
  meter: "m",
  gram: "g",
  kilogram: "kg",
  litre: "litre",
  liter: "litre",
  dollar: "$",
  centimetre: "cm",
  l: "litre",
};

function quantities(text: string, alsoOne = false): readonly Quantity[] {
  const found: Quantity[] = [];
  const pattern =
    /\$(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)(?: (?:identical|equal|such|small|large))? ([a-z]+)|\b(?:per|an?|each|one|every) ([a-z]+)|\/(h)\b/gi;
  for (const [, dollars, number, unit, single, hour] of text.matchAll(pattern)) {
    if (dollars) found.push({ number: dollars, unit: "$" });
    else if (number && unit) found.push({ number, unit: unitName(unit) });
    else if (hour) found.push({ number: "1", unit: "hour" });
    else if (single && (alsoOne || RATE_UNITS.test(single))) found.push({ number: "1", unit: unitName(single) });
  }
  return found;
}

const RATE_UNITS = /^(?:hour|minute|second|day|week|km|litre|kg|m|metre|page)$/i;

const unitName = (word: string) => ALIASES[singular(word)] ?? singular(word);
const plural = (unit: string) => (unit === "$" || unit.length <= 2 ? unit : unit.endsWith("s") ? unit : `${unit}s`);

function sameKind(a: string, b: string): boolean {
  return a === b || TIME_FACTORS[a]?.[b] !== undefined;
}

function asksFor(asked: string, unit: string): boolean {
  if (unit === "$") return /\b(?:how much|cost|price|earn|pay)/i.test(asked);
  if (TIMES.test(unit)) return new RegExp(`\\bhow long\\b|\\bhow many ${unit}s?\\b`, "i").test(asked);
  if (unit === "km" || unit === "m") return /\bhow far\b|\bhow many (?:km|kilomet\w+|m|met\w+)\b|distance/i.test(asked);
  const spellings = [unit, ...Object.keys(ALIASES).filter((alias) => ALIASES[alias] === unit)];
  return (
    spellings.some((name) => new RegExp(`\\bhow (?:many|much) (?:${name})(?:e?s)?\\b`, "i").test(asked)) ||
    (unit === "litre" || unit === "g" || unit === "kg" ? /\bhow much\b/i.test(asked) : false)
  );
}
