/** One call of the function and what it must give. Arguments and results are JSON values. */
export interface CodeTest {
  readonly args: readonly unknown[];
  readonly expected: unknown;
}

/** A function and the calls to make. */
export interface Program {
  readonly code: string;
  readonly functionName: string;
  readonly tests: readonly CodeTest[];
}

export interface Limits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
}

/** What came of one call: a value, or what was thrown. */
export type Outcome = { readonly value: unknown } | { readonly error: string };

/** What came of a run. `stopped` says why there are fewer outcomes than calls. */
export interface Run {
  readonly outcomes: readonly Outcome[];
  readonly stopped?: { readonly why: "error" | "timeout" | "not run"; readonly message: string } | undefined;
}
