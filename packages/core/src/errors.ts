/** Holds the class names of an error, so that an error of another copy of the package is known too. */
const BRAND = Symbol.for("whetstone.error");

/** Every error code Whetstone throws or reports; `docs/errors.md` has a line on each. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "STORE_UNAVAILABLE"
  | "STORE_CLOSED"
  | "STORE_NOT_A_STORE"
  | "STORE_READ_ONLY"
  | "STORE_FULL"
  | "STORE_REFUSED"
  | "STORE_RECORD_REFUSED"
  | "STORE_DEGRADED"
  | "QUEUE_FULL"
  | "FEEDBACK_INVALID"
  | "SCORING_FAILED"
  | "SCORING_UNPARSABLE"
  | "SCORING_UNAVAILABLE"
  | "SCORING_QUARANTINED"
  | "SCORING_BUDGET"
  | "DATASET_EMPTY"
  | "DATASET_INVALID_ROW"
  | "DATASET_WRITE_FAILED"
  | "DATASET_PUSH_FAILED";

/**
 * The base of every error that Whetstone throws. `code` is stable, `message` says what happened, with which value
 * and what to do next, `cause` is the original error.
 */
export class WhetstoneError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }, name = "WhetstoneError") {
    super(message, options);
    this.name = name;
    this.code = code;
    Object.defineProperty(this, BRAND, { value: name });
  }

  /** True for every error of Whetstone, also when another copy of the package made it. */
  static isInstance(error: unknown): error is WhetstoneError {
    return nameOf(error) !== undefined;
  }
}

/** A wrong option. Thrown at once, before any work. */
export class ConfigError extends WhetstoneError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("CONFIG_INVALID", message, options, "ConfigError");
  }

  static override isInstance(error: unknown): error is ConfigError {
    return nameOf(error) === "ConfigError";
  }
}

/** The store, or the disk or server under it, failed. */
export class StoreError extends WhetstoneError {
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options, "StoreError");
  }

  static override isInstance(error: unknown): error is StoreError {
    return nameOf(error) === "StoreError";
  }
}

/** A scorer failed. The interaction stays unscored. */
export class ScoringError extends WhetstoneError {
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options, "ScoringError");
  }

  static override isInstance(error: unknown): error is ScoringError {
    return nameOf(error) === "ScoringError";
  }
}

/** A dataset could not be built or written. */
export class DatasetError extends WhetstoneError {
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options, "DatasetError");
  }

  static override isInstance(error: unknown): error is DatasetError {
    return nameOf(error) === "DatasetError";
  }
}

function nameOf(error: unknown): unknown {
  return typeof error === "object" && error !== null ? (error as Record<symbol, unknown>)[BRAND] : undefined;
}
