/** What a question says of the function it asks for. */
export interface Signature {
  readonly name: string;
  readonly parameters: readonly string[];
}

/**
 * How a function is written. Hurried code is what one writes without a second look: it has the slip that this kind of
 * function invites. Lines are the body, indented from its own left edge.
 */
export interface Sketch {
  readonly how: string;
  javascript(hurried: boolean): readonly string[];
  python(hurried: boolean): readonly string[];
}

/** Sketches the functions it understands, with the details that the question names; null for all others. */
export type Pattern = (purpose: string, signature: Signature) => Sketch | null;
