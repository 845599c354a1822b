/** What is to be run. */
export interface CodeJob {
  /** What the task gives: it stands in front of the answer's code, and the tests may use it too. */
  readonly setup: string;
  readonly code: string;
  readonly tests: string;
  /** The function that the task asks for. */
  readonly entryPoint?: string | undefined;
  readonly timeoutMs: number;
  readonly maxMemoryBytes: number;
}

/** What a run says. Null: the tests could not tell. */
export interface CodeVerdict {
  readonly passed: boolean | null;
  readonly reason: string;
}
