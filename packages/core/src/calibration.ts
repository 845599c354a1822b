import * as z from "zod/mini";

const share = /* @__PURE__ */ (() => z.number().check(z.minimum(0), z.maximum(1)))();
/** Written without `z.tuple`, which would be one more kind of schema for everybody to load. */
const interval = /* @__PURE__ */ (() =>
  z.array(z.number()).check(z.refine(({ length }) => length === 2)) as unknown as z.ZodMiniType<[number, number]>)();

/** How well a scorer agrees with people. It is stored with the scorer's source. */
export const calibrationSchema = /* @__PURE__ */ (() =>
  z.readonly(
    z.object({
      source: z.string().check(z.minLength(1)),
      /** Epoch milliseconds. */
      at: z.int().check(z.minimum(0)),
      /** What people labelled and the scorer was asked. */
      labelled: z.int(),
      /** Of these what the scorer said in a form that can be read: the next figures are over them. */
      parsable: z.int(),
      unparsableRate: share,
      agreement: share,
      /** Cohen's kappa: 0 is chance, 1 is full agreement. Null where one of the two always says the same. */
      kappa: z.nullable(z.number()),
      /** Of 95 %, by bootstrap. */
      kappaInterval: z.nullable(interval),
      /** The same two over all, unparsable being a category of its own. */
      agreementOfAll: share,
      kappaOfAll: z.nullable(z.number()),
      /** How often the scorer changed its mind when two answers changed places; null where that was not asked. */
      swapFlipRate: z.nullable(share),
      /** How much more than people the scorer gives for twice the length; null where lengths are not known. */
      lengthBias: z.nullable(z.number()),
      lengthBiasInterval: z.nullable(interval),
      /** What people said, and what the scorer said then. */
      confusion: z.record(z.string(), z.record(z.string(), z.int())),
      /** How well people agree with each other, each two of them. */
      people: z.array(z.object({ agreement: share, kappa: z.nullable(z.number()) })),
      /** What that means, in words. */
      verdict: z.string(),
    }),
  ))();

export type Calibration = z.infer<typeof calibrationSchema>;

/** One thing that people labelled, and what the scorer said of it. */
export interface JudgedLabel {
  /** A category; or one of each of several people, of which the most frequent counts. */
  readonly human: string | readonly string[];
  /** Null: it said nothing that can be read. */
  readonly scorer: string | null;
  /** Whether it said something else when two answers changed places. */
  readonly flipped?: boolean | undefined;
  /** How much more than people it gave, from -1 to 1, and the binary logarithm of the length (or of the lengths' ratio). */
  readonly excess?: number | undefined;
  readonly logLength?: number | undefined;
}

export interface CalibrationOptions {
  /** Of the bootstrap. Default 1: the same labels give the same intervals. */
  readonly seed?: number | undefined;
  /** How often the labels are drawn again. Default 2,000. */
  readonly resamples?: number | undefined;
  /** When, in epoch milliseconds. Default: now. */
  readonly at?: number | undefined;
}
