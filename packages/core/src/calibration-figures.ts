import { type Agreement, agreementOf } from "./agreement.js";
import type { Calibration, CalibrationOptions, JudgedLabel } from "./calibration.js";
import { ConfigError } from "./errors.js";
import { seededRandom } from "./seeded-random.js";

/** What `calibrationOf` computes. @throws ConfigError when nothing can be compared */
export function calibrationFigures(
  source: string,
  judged: Iterable<JudgedLabel>,
  { seed = 1, resamples = 2000, at = Date.now() }: CalibrationOptions,
): Calibration {
  if (!Number.isSafeInteger(resamples) || resamples < 1) {
    throw new ConfigError(`resamples is ${resamples}: use a whole number from 1 on`);
  }
  const labels = [...judged].flatMap((label) => {
    const human = majority(label.human);
    return human === null ? [] : [{ ...label, human, everybody: typeof label.human === "string" ? [] : label.human }];
  });
  const read = labels.flatMap(({ scorer, ...label }) => (scorer === null ? [] : [{ ...label, scorer }]));
  if (read.length === 0) {
    throw new ConfigError(`there is nothing to compare for ${source}: no label has a verdict that can be read`);
  }
  const all = agreementOf(labels.map(({ human, scorer }) => [human, scorer ?? UNPARSABLE]));
  const pairs = read.map(({ human, scorer }) => [human, scorer] as const);
  const { agreement, kappa } = agreementOf(pairs);
  const turned = labels.filter(({ flipped }) => flipped !== undefined);
  const measured = read.flatMap(({ excess, logLength }) =>
    excess === undefined || logLength === undefined ? [] : [[logLength, excess] as const],
  );
  const lengthBias = slopeOf(measured);
  const figures = {
    source,
    at,
    labelled: labels.length,
    parsable: read.length,
    unparsableRate: (labels.length - read.length) / labels.length,
    agreement,
    kappa,
    kappaInterval: kappa === null ? null : bootstrap(pairs, (drawn) => agreementOf(drawn).kappa, { seed, resamples }),
    agreementOfAll: all.agreement,
    kappaOfAll: all.kappa,
    swapFlipRate: turned.length === 0 ? null : turned.filter(({ flipped }) => flipped).length / turned.length,
    lengthBias,
    lengthBiasInterval: lengthBias === null ? null : bootstrap(measured, slopeOf, { seed, resamples }),
    confusion: confusionOf(labels),
    people: peopleOf(labels.map(({ everybody }) => everybody)),
  };
  return { ...figures, verdict: inWords(figures) };
}

const UNPARSABLE = "unparsable";

/** The most frequent word; null where two are equally frequent. */
function majority(words: string | readonly string[]): string | null {
  if (typeof words === "string") return words;
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const [first, second] = [...counts].sort(([, a], [, b]) => b - a);
  return first && first[1] !== second?.[1] ? first[0] : null;
}

/** Each two people, over what both labelled. */
function peopleOf(labels: readonly (readonly string[])[]): Agreement[] {
  const count = Math.max(0, ...labels.map(({ length }) => length));
  const found: Agreement[] = [];
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const pairs = labels.flatMap((words) => {
        const [one, other] = [words[a], words[b]];
        return one === undefined || other === undefined ? [] : [[one, other] as const];
      });
      if (pairs.length > 0) found.push(agreementOf(pairs));
    }
  }
  return found;
}

function confusionOf(labels: readonly { readonly human: string; readonly scorer: string | null }[]) {
  const said = [...new Set(labels.map(({ scorer }) => scorer ?? UNPARSABLE))].sort(unparsableLast);
  const humans = [...new Set(labels.map(({ human }) => human))].sort();
  const counts = new Map(humans.map((human) => [human, new Map(said.map((word) => [word, 0]))]));
  for (const { human, scorer } of labels) {
    const row = counts.get(human);
    row?.set(scorer ?? UNPARSABLE, (row.get(scorer ?? UNPARSABLE) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].map(([human, row]) => [human, Object.fromEntries(row)]));
}

const unparsableLast = (a: string, b: string) =>
  Number(a === UNPARSABLE) - Number(b === UNPARSABLE) || (a < b ? -1 : 1);

/** Least squares. Null where there is no spread to see a slope in. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number | null {
  if (points.length < 3) return null;
  let [sumX, sumY] = [0, 0];
  for (const [x, y] of points) {
    sumX += x;
    sumY += y;
  }
  const [meanX, meanY] = [sumX / points.length, sumY / points.length];
  let [both, spread] = [0, 0];
  for (const [x, y] of points) {
    both += (x - meanX) * (y - meanY);
    spread += (x - meanX) ** 2;
  }
  return spread > 1e-12 ? both / spread : null;
}

/** The middle 95 % of a figure over samples drawn again, with replacement. */
function bootstrap<T>(
  values: readonly T[],
  figure: (drawn: readonly T[]) => number | null,
  { seed, resamples }: { readonly seed: number; readonly resamples: number },
): [number, number] {
  const random = seededRandom(seed);
  const figures: number[] = [];
  const drawn = [...values];
  for (let round = 0; round < resamples; round++) {
    for (let i = 0; i < drawn.length; i++) drawn[i] = values[Math.floor(random() * values.length)] as T;
    const found = figure(drawn);
    if (found !== null) figures.push(found);
  }
  figures.sort((a, b) => a - b);
  const at = (part: number) => figures[Math.min(figures.length - 1, Math.floor(part * figures.length))] ?? 0;
  return [at(0.025), at(0.975)];
}

/** With fewer labels the interval says more about the labels than about the scorer. */
const ENOUGH = 50;

function inWords(figures: Omit<Calibration, "verdict">): string {
  const { kappa, kappaInterval, parsable, people, unparsableRate, swapFlipRate, lengthBias, lengthBiasInterval } =
    figures;
  const words: string[] = [];
  if (kappa === null || !kappaInterval) words.push("nothing can be said: people or the scorer always say the same");
  else if (parsable < ENOUGH) words.push(`too few labels to say: ${parsable}, label at least ${ENOUGH}`);
  else words.push(LEVELS.find(([least]) => kappa >= least)?.[1] ?? "worse than guessing: do not train on it");
  const kappas = people.flatMap((two) => two.kappa ?? []);
  if (kappas.length > 0) {
    const [least, most] = [Math.min(...kappas).toFixed(2), Math.max(...kappas).toFixed(2)];
    words.push(`people agree with each other at kappa ${least === most ? least : `${least} to ${most}`}`);
  }
  if (lengthBias !== null && lengthBiasInterval) {
    if (lengthBiasInterval[0] > 0 && lengthBias >= 0.02) words.push("it favours longer answers");
    if (lengthBiasInterval[1] < 0 && lengthBias <= -0.02) words.push("it favours shorter answers");
  }
  if (swapFlipRate !== null && swapFlipRate > 0.1)
    words.push("it often changes its mind when the answers change places");
  if (unparsableRate > 0.05) words.push("many of its verdicts cannot be read");
  return words.join("; ");
}

const LEVELS = [
  [0.8, "as good as people usually are"],
  [0.6, "good: fit to choose what to train on"],
  [0.4, "moderate: use it for many rows with a clear gap, and verifiers where there are any"],
  [0.2, "weak: do not train on it alone"],
  [0, "hardly better than guessing: do not train on it"],
] as const;
