/** How much larger the second share is than the first, with a confidence interval of 95 %. */
export interface PairedDifference {
  readonly before: number;
  readonly after: number;
  readonly difference: number;
  readonly interval: readonly [low: number, high: number];
}

/**
 * Compares two shares that were measured on the same problems, one right or wrong a problem.
 * Newcombe's method 10 (Statistics in Medicine 17, 1998, 2635-2650): Wilson's interval for each, and what they have in common.
 */
export function pairedDifference(before: readonly boolean[], after: readonly boolean[]): PairedDifference {
  const n = before.length;
  if (n === 0 || after.length !== n) throw new Error(`${n} problems before, ${after.length} after: nothing to compare`);
  const both = before.filter((right, at) => right && after[at]).length;
  const neither = before.filter((right, at) => !right && !after[at]).length;
  const one = wilson(before.filter(Boolean).length, n);
  const other = wilson(after.filter(Boolean).length, n);
  const phi = correlation(both, one.right - both, other.right - both, neither);
  const difference = other.share - one.share;
  const [down, up] = [
    reach(other.share - other.low, one.high - one.share, phi),
    reach(other.high - other.share, one.share - one.low, phi),
  ];
  return { before: one.share, after: other.share, difference, interval: [difference - down, difference + up] };
}

const Z = 1.959964;

function wilson(right: number, n: number) {
  const share = right / n;
  const middle = share + (Z * Z) / (2 * n);
  const half = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  const whole = 1 + (Z * Z) / n;
  return { right, share, low: (middle - half) / whole, high: (middle + half) / whole };
}

/** How far the measurements agree beyond chance, with Newcombe's correction for continuity. */
function correlation(both: number, onlyOne: number, onlyOther: number, neither: number): number {
  const margins = (both + onlyOne) * (onlyOther + neither) * (both + onlyOther) * (onlyOne + neither);
  if (margins === 0) return 0;
  const product = both * neither - onlyOne * onlyOther;
  const n = both + onlyOne + onlyOther + neither;
  return (product > 0 ? Math.max(0, product - n / 2) : product) / Math.sqrt(margins);
}

const reach = (one: number, other: number, phi: number) => Math.sqrt(one * one - 2 * phi * one * other + other * other);
