const BRAND = Symbol.for("whetstone.error");

/** Every error code Whetstone throws or reports; `docs/errors.md` has a line on each. */
export type ErrorCode =
  | "CONFIG_INVALID"
  | "STORE_UNAVAILABLE"
  | "STORE_CLOSED"
  | "STORE_NOT_A_STORE"
  | "STORE_READ_ONLY"
  | "STORE_FULL"
  | "STORE_CORRUPT"
  | "SCORING_FAILED"
  | "SCORING_UNPARSABLE"
  | "SCORING_UNAVAILABLE"
  | "DATASET_EMPTY"
  | "DATASET_INVALID_ROW"
  | "DATASET_WRITE_FAILED";

/**
 * The base of every error that Whetstone throws. `code` is stable, `message` says what happened, with which value
 * and what to do next, `cause` is the original error.
 */
export class WhetstoneError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, BRAND, { value: new.target.name });
  }

  /** True for an error of this class, also when another copy of the package made it. */
  static isInstance(error: unknown): error is WhetstoneError {
    if (typeof error !== "object" || error === null) return false;
    const brand = (error as Record<symbol, unknown>)[BRAND];
    return brand !== undefined && (this.name === "WhetstoneError" || brand === this.name);
  }
}

/** A wrong option. Thrown at once, before any work. */
export class ConfigError extends WhetstoneError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("CONFIG_INVALID", message, options);
  }
}

/** The store, or the disk or server under it, failed. */
export class StoreError extends WhetstoneError {}

/** A scorer failed. The interaction stays unscored. */
export class ScoringError extends WhetstoneError {}

/** A dataset could not be built or written. */
export class DatasetError extends WhetstoneError {}
