import type { Plan, Skill } from "./plan.js";
import { normaliseQuestion } from "./reading.js";
import * as averages from "./skills/averages.js";
import { divisors, missingPart, packing, sequence } from "./skills/counting.js";
import { equation, equationInWords, thoughtOfNumber } from "./skills/equations.js";
import { arithmetic } from "./skills/expression.js";
import { geometry } from "./skills/geometry.js";
import { ledger } from "./skills/ledger.js";
import * as percentages from "./skills/percentages.js";
import { journey, meeting, proportion, togetherFaster } from "./skills/rates.js";
import { ratioFromOneSide, shareInRatio, sumAndDifference, timesAsMany } from "./skills/sharing.js";
import { shopping } from "./skills/shopping.js";
import { minutesBetween, unitConversion } from "./skills/units.js";

/** Plans a problem with the first skill that understands it, or null when none does. */
export function planFor(question: string): Plan | null {
  const text = normaliseQuestion(question);
  for (const skill of SKILLS) {
    const plan = skill(text);
    if (plan) return plan;
  }
  return null;
}

// The narrow skills come first; the ledger and the proportion are content with little and would take others' work.
const SKILLS: readonly Skill[] = [
  arithmetic,
  equation,
  equationInWords,
  thoughtOfNumber,
  unitConversion,
  minutesBetween,
  journey,
  meeting,
  togetherFaster,
  averages.missingForAverage,
  averages.averageAfterChange,
  averages.averageOfGroups,
  averages.totalFromAverage,
  averages.averageOfList,
  shareInRatio,
  ratioFromOneSide,
  sumAndDifference,
  timesAsMany,
  geometry,
  divisors,
  sequence,
  missingPart,
  packing,
  percentages.interest,
  percentages.beforeChange,
  percentages.percentChange,
  percentages.whatPercent,
  shopping,
  percentages.percentSteps,
  percentages.shareOf,
  ledger,
  proportion,
];
