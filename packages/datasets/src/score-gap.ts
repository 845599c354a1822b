/** The difference of two scores without the noise of binary fractions: 0.7 - 0.5 is 0.2, not 0.19999999999999996. */
export function scoreGap(higher: number, lower: number): number {
  return Math.round((higher - lower) * 1e9) / 1e9;
}
