/** How often two say the same, and how much of that is more than chance. */
export interface Agreement {
  readonly agreement: number;
  /** Cohen's kappa; null where chance alone gives full agreement. */
  readonly kappa: number | null;
}

/** The agreement of two over the same things, given as pairs of categories. */
export function agreementOf(pairs: readonly (readonly [one: string, other: string])[]): Agreement {
  const ones = new Map<string, number>();
  const others = new Map<string, number>();
  let same = 0;
  for (const [one, other] of pairs) {
    if (one === other) same += 1;
    ones.set(one, (ones.get(one) ?? 0) + 1);
    others.set(other, (others.get(other) ?? 0) + 1);
  }
  const agreement = same / pairs.length;
  let chance = 0;
  for (const [category, count] of ones) chance += (count / pairs.length) * ((others.get(category) ?? 0) / pairs.length);
  return { agreement, kappa: chance > 1 - 1e-12 ? null : (agreement - chance) / (1 - chance) };
}
