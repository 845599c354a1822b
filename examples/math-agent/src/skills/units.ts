import { plan, type Skill } from "../plan.js";
import { numbersIn } from "../reading.js";

/** Turns one unit into another: "Convert 4.5 km to metres", "How many minutes are 3 hours and 25 minutes?" */
export const unitConversion: Skill = (question) => {
  const match =
    /convert (?<amount>.+?) (?:to|into) (?<unit>[a-z]+)/i.exec(question) ??
    /how many (?<unit>[a-z]+) (?:are(?: there)?(?: in)?|is|in|does .*? last,? if it lasts|make) (?<amount>[^?]+)/i.exec(
      question,
    );
  const target = SIZES[unitName(match?.groups?.unit ?? "")];
  if (!match?.groups || !target) return null;
  const parts = [...(match.groups.amount ?? "").matchAll(/(\d+(?:\.\d+)?) ([a-z]+)/gi)];
  if (parts.length === 0 || parts.length > 2 || numbersIn(question).length !== parts.length) return null;
  const steps: [string, string][] = [];
  const results: string[] = [];
  for (const [, number = "", word = ""] of parts) {
    const size = SIZES[unitName(word)];
    if (!size || size.of !== target.of) return null;
    if (size.size === target.size) {
      results.push(number);
      continue;
    }
    const larger = size.size > target.size;
    const factor = larger ? size.size / target.size : target.size / size.size;
    steps.push([`${number} ${word} in ${match.groups.unit}`, `${number} ${larger ? "*" : "/"} ${factor}`]);
    results.push(`#${steps.length}`);
  }
  if (results.length > 1) steps.push(["Together", results.join(" + ")]);
  return steps.length === 0 ? null : plan(match.groups.unit ?? "", ...steps);
};

/** Minutes between two times of one day, "from 9:40 to 11:15". */
export const minutesBetween: Skill = (question) => {
  const match =
    /from (\d{1,2}):(\d\d) to (\d{1,2}):(\d\d)|at (\d{1,2}):(\d\d) and (?:ends|arrives|closes)[a-z ]*? at (\d{1,2}):(\d\d)/i.exec(
      question,
    );
  if (!match || !/how (?:many minutes|long)/i.test(question)) return null;
  const [hour, minute, endHour, endMinute] = match
    .slice(1)
    .filter((part) => part !== undefined)
    .map(Number);
  return plan(
    "minutes",
    ["The end, in minutes of the day", `${endHour} * 60 + ${endMinute}`],
    ["The start, in minutes of the day", `${hour} * 60 + ${minute}`],
    ["Between them", "#1 - #2"],
  );
};

const SIZES: Record<string, { readonly of: string; readonly size: number }> = {
  second: { of: "time", size: 1 },
  minute: { of: "time", size: 60 },
  hour: { of: "time", size: 3600 },
  day: { of: "time", size: 86_400 },
  mm: { of: "length", size: 1 },
  cm: { of: "length", size: 10 },
  m: { of: "length", size: 1000 },
  km: { of: "length", size: 1_000_000 },
  g: { of: "weight", size: 1 },
  kg: { of: "weight", size: 1000 },
  ml: { of: "volume", size: 1 },
  litre: { of: "volume", size: 1000 },
};

function unitName(word: string): string {
  const name = word.toLowerCase().replace(/(?<=[a-z]{2})s$/, "");
  return (
    {
      metre: "m",
      meter: "m",
      kilometre: "km",
      centimetre: "cm",
      millimetre: "mm",
      gram: "g",
      kilogram: "kg",
      millilitre: "ml",
      liter: "litre",
    }[name] ?? name
  );
}
